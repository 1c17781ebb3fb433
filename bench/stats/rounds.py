"""How many rounds an interval of a wanted width needs."""

from __future__ import annotations

import math
from typing import Final

from bench.stats.intervals import MIN_ROUNDS
from bench.stats.student import quantile

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
