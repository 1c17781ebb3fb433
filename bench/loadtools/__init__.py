"""Load tools behind one protocol: what to start, and what its output means."""
