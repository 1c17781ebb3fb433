"""Reads, checks and expands what users write: matrices, workloads, servers."""
