"""Turns the records of a run into estimates, verdicts and findings; no I/O."""

from bench.analysis.analyze import analyze
from bench.analysis.data import RunData

__all__ = ["RunData", "analyze"]
