"""How many rounds an interval of a wanted width needs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from bench.stats.intervals import MIN_ROUNDS
from bench.stats.student import quantile

if TYPE_CHECKING:
    from bench.stats.intervals import Estimate

MIN_ADAPTIVE: Final = 5
"""Stopping by width from 3 rounds on would sink the coverage to 90 %; from 5 on it holds."""

ROUNDS_MAX: Final = 100
"""More rounds than this are never proposed; quieten the host instead."""


def width_factor(n: int, confidence: float = 0.95) -> float:
    """m(n) = t / sqrt(n): the half-width of an interval over n rounds in units of the sd.

    Raises:
        ValueError: n < 3, where no interval is made.
    """
    if n < MIN_ROUNDS:
        raise ValueError(f"no interval over {n} rounds")
    return quantile((1 + confidence) / 2, n - 1.0) / math.sqrt(n)


def rounds_for(sd: float, half_width: float, confidence: float = 0.95) -> int | None:
    """The least number of rounds whose typical interval is that narrow.

    Args:
        sd: of the log-ratios.
        half_width: on the log scale, above 0.
        confidence: of the interval.

    Returns:
        None where more than 100 rounds would be needed.
    """
    for n in range(MIN_ROUNDS, ROUNDS_MAX + 1):
        if width_factor(n, confidence) * sd <= half_width:
            return n
    return None


def rounds_to_go(estimate: Estimate, half_width: float, allowed: int) -> int:
    """Further rounds until an interval is narrow enough: the rule by which a run stops.

    It looks at the width alone, never at what the interval says: stopping at the first
    significant result would call 14 to 18 % of equal pairs different (docs/method.md).

    Args:
        estimate: of the rounds so far.
        half_width: wanted, on the log scale.
        allowed: the answer where no number of rounds up to 100 would do.

    Returns:
        0 where it is narrow enough; at least 1 while it is too wide.
    """
    least = max(0, MIN_ADAPTIVE - estimate.n)
    half = estimate.half_width
    if half is None or estimate.sd is None:
        return max(1, least)
    if half <= half_width:
        return least
    wanted = rounds_for(estimate.sd, half_width)
    return max(1, least, allowed if wanted is None else wanted - estimate.n)


def rounds_expected(sd: float, half_width: float) -> int | None:
    """How many rounds a comparison will take, from a spread that is known beforehand.

    The least n with t(0.975, n - 1) * sd / sqrt(n) <= half_width: Student's interval solved for
    n by trying each, since t depends on n too (NIST/SEMATECH e-Handbook, 7.2.2.2). Never below
    the rounds that the stopping rule asks for.

    Args:
        sd: of the log-ratios.
        half_width: wanted, on the log scale, above 0.

    Returns:
        None where more than 100 rounds would be needed.
    """
    needed = rounds_for(sd, half_width)
    return None if needed is None else max(MIN_ADAPTIVE, needed)
