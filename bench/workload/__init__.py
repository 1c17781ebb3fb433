"""Requests of a workload: rendered, varied, and their responses compared."""
