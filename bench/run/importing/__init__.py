"""Results measured elsewhere as a run."""
