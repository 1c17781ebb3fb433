"""Honest HTTP benchmarks of your own servers."""

__version__ = "0.2.0"
