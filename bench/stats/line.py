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


class FittedLine(NamedTuple):
    """y = intercept + slope * x.

    Attributes:
        sd: of the residuals, n - 2 degrees of freedom, in units of y; with weights that of a
            point of average weight.
    """

    intercept: Coefficient
    slope: Coefficient
    sd: float
    n: int


def fit_line(
    x: Sequence[float],
    y: Sequence[float],
    confidence: float = 0.95,
    weights: Sequence[float] | None = None,
) -> FittedLine:
    """Least squares and t intervals (Draper and Smith 1998, chapters 1.4 and 9.2).

    Args:
        x: where it was measured, at least two different values.
        y: what was measured there.
        confidence: of the intervals, 0 to 1.
        weights: proportional to 1 / variance of each y, above 0; equal where not given.

    Raises:
        ValueError: unequal lengths, fewer than three points, all x are equal, or a weight is
            not above 0.
    """
    n = len(x)
    share = [1.0] * n if weights is None else list(weights)
    if n != len(y) or n != len(share):
        raise ValueError(f"{n} x, {len(y)} y and {len(share)} weights")
    if any(w <= 0 for w in share):
        raise ValueError("a weight is not above 0")
    if n < MIN_POINTS:
        raise ValueError(f"no line with intervals through {n} points")
    total = math.fsum(share)
    share = [w * n / total for w in share]
    mean_x = math.fsum(w * a for w, a in zip(share, x, strict=True)) / n
    mean_y = math.fsum(w * b for w, b in zip(share, y, strict=True)) / n
    spread = math.fsum(w * (a - mean_x) ** 2 for w, a in zip(share, x, strict=True))
    if spread == 0:
        raise ValueError("all x are equal")
    points = list(zip(share, x, y, strict=True))
    slope = math.fsum(w * (a - mean_x) * (b - mean_y) for w, a, b in points) / spread
    intercept = mean_y - slope * mean_x
    rest = math.fsum(w * (b - intercept - slope * a) ** 2 for w, a, b in points)
    sd = math.sqrt(rest / (n - 2))
    t = quantile((1 + confidence) / 2, n - 2.0)
    wide = t * sd * math.sqrt(1 / n + mean_x**2 / spread)
    steep = t * sd / math.sqrt(spread)
    return FittedLine(
        Coefficient(intercept, intercept - wide, intercept + wide),
        Coefficient(slope, slope - steep, slope + steep),
        sd,
        n,
    )
