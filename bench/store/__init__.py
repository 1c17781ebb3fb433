"""The run directory and the cache directory: all that is kept on disk."""
