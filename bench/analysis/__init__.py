"""Turns the records of a run into estimates, verdicts and findings; no I/O."""

from bench.analysis.analyze import analyze
from bench.analysis.compare import compare
from bench.analysis.data import RunData
from bench.analysis.width import Expected, GroupWidth, Precision, expected_width, precision

__all__ = [
    "Expected",
    "GroupWidth",
    "Precision",
    "RunData",
    "analyze",
    "compare",
    "expected_width",
    "precision",
]
