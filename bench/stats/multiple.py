"""Many comparisons at once, and a check of a t interval that assumes no distribution."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

PERMUTATION_MIN: Final = 6
"""Below 6 rounds the smallest possible p, 2 / 2^n, is above 5 %."""
PERMUTATION_MAX: Final = 16
"""Above 16 rounds the exact test is left out: 2^16 sums, and the t interval is safe there."""


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Adjust p values so that the chance of any false alarm stays at the level (Holm 1979).

    Returns:
        The adjusted p values in the order given, each at most 1.
    """
    order = sorted(range(len(ps)), key=lambda index: ps[index])
    adjusted = [0.0] * len(ps)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def sign_flip_p(differences: Sequence[float]) -> float | None:
    """Exact two-sided p of "the differences are symmetric around 0", over all 2^n sign choices.

    Args:
        differences: one paired log-ratio per round.

    Returns:
        None for fewer than 6 rounds, where no p below 5 % can come out, and for more than 16.
    """
    n = len(differences)
    if not PERMUTATION_MIN <= n <= PERMUTATION_MAX:
        return None
    sums = [0.0]
    for difference in differences[1:]:
        sums = [s + sign for s in sums for sign in (difference, -difference)]
    # A choice and its opposite have the same |sum|: holding the first sign halves the work.
    seen = abs(math.fsum(differences)) * (1 - 1e-12)
    extreme = sum(abs(differences[0] + s) >= seen for s in sums)
    return extreme / len(sums)


def odd_one_out(differences: Sequence[float]) -> int:
    """Index of the difference farthest from the median.

    Raises:
        ValueError: no differences.
    """
    if not differences:
        raise ValueError("no differences")
    ordered = sorted(differences)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    return max(range(len(differences)), key=lambda index: abs(differences[index] - middle))
