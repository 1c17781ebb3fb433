"""A straight line through points by ordinary least squares, with Student-t intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.stats.student import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_POINTS: Final = 3
"""Two points always lie on a line: no interval without a third."""


class Coefficient(NamedTuple):
    """A coefficient of the line and its interval."""

    value: float
    low: float
    high: float


class Line(NamedTuple):
    """y = intercept + slope * x.

    Attributes:
        sd: of the residuals, n - 2 degrees of freedom, in units of y.
    """

    intercept: Coefficient
    slope: Coefficient
    sd: float
    n: int


def fit_line(x: Sequence[float], y: Sequence[float], confidence: float = 0.95) -> Line:
    """Least squares with equal weights and t intervals (Draper and Smith 1998, chapter 1.4).

    Args:
        x: where it was measured, at least two different values.
        y: what was measured there.
        confidence: of the intervals, 0 to 1.

    Raises:
        ValueError: unequal lengths, fewer than three points, or all x are equal.
    """
    n = len(x)
    if n != len(y):
        raise ValueError(f"{n} x and {len(y)} y")
    if n < MIN_POINTS:
        raise ValueError(f"no line with intervals through {n} points")
    mean_x, mean_y = math.fsum(x) / n, math.fsum(y) / n
    spread = math.fsum((a - mean_x) ** 2 for a in x)
    if spread == 0:
        raise ValueError("all x are equal")
    slope = math.fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
    intercept = mean_y - slope * mean_x
    rest = math.fsum((b - intercept - slope * a) ** 2 for a, b in zip(x, y, strict=True))
    sd = math.sqrt(rest / (n - 2))
    t = quantile((1 + confidence) / 2, n - 2.0)
    wide = t * sd * math.sqrt(1 / n + mean_x**2 / spread)
    steep = t * sd / math.sqrt(spread)
    return Line(
        Coefficient(intercept, intercept - wide, intercept + wide),
        Coefficient(slope, slope - steep, slope + steep),
        sd,
        n,
    )
