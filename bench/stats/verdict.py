"""Which word a ratio with its interval deserves; numbers in, a NamedTuple out."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.stats.rounds import rounds_for

if TYPE_CHECKING:
    from bench.stats.intervals import Estimate

ALPHA: Final = 0.05


class VerdictWord(StrEnum):
    """The rows of the verdict table; HIGHER and LOWER are about the ratio, not about better."""

    HIGHER = "higher"
    LOWER = "lower"
    HIGHER_MAYBE_WITHIN = "higher, possibly within the margin"
    LOWER_MAYBE_WITHIN = "lower, possibly within the margin"
    EQUIVALENT = "equivalent"
    PROBABLY_HIGHER = "probably higher, not after correction"
    PROBABLY_LOWER = "probably lower, not after correction"
    UNRESOLVED = "no significant difference"
    TOO_FEW = "too few rounds"


class ComparisonVerdict(NamedTuple):
    """A call and what stands behind it.

    Attributes:
        beyond_margin: the whole interval lies outside [1 / (1 + margin), 1 + margin].
        more_rounds: about how many more would decide it; None where it is decided or where
            more than 100 rounds would be needed.
    """

    call: VerdictWord
    beyond_margin: bool
    more_rounds: int | None


def verdict(
    ratio: Estimate, p_holm: float | None, margin: float, comparisons: int = 1
) -> ComparisonVerdict:
    """Apply the verdict table of docs/method.md.

    Args:
        ratio: server / baseline.
        p_holm: its p after correction.
        margin: what is too small to matter, such as 0.02.
        comparisons: size of the family that p was corrected for.
    """
    if ratio.low is None or ratio.high is None or p_holm is None:
        return ComparisonVerdict(VerdictWord.TOO_FEW, beyond_margin=False, more_rounds=None)
    low, high, upper, lower = ratio.low, ratio.high, 1 + margin, 1 / (1 + margin)
    beyond = low > upper or high < lower
    if lower <= low and high <= upper:
        return ComparisonVerdict(VerdictWord.EQUIVALENT, beyond_margin=False, more_rounds=None)
    if low <= 1 <= high:
        more = _more_to_resolve(ratio, margin)
        return ComparisonVerdict(VerdictWord.UNRESOLVED, beyond_margin=False, more_rounds=more)
    if p_holm >= ALPHA:
        call = VerdictWord.PROBABLY_HIGHER if low > 1 else VerdictWord.PROBABLY_LOWER
        return ComparisonVerdict(call, beyond, _more_to_confirm(ratio, comparisons))
    if low > 1:
        return ComparisonVerdict(
            VerdictWord.HIGHER if beyond else VerdictWord.HIGHER_MAYBE_WITHIN, beyond, None
        )
    return ComparisonVerdict(
        VerdictWord.LOWER if beyond else VerdictWord.LOWER_MAYBE_WITHIN, beyond, None
    )


def _more_to_resolve(ratio: Estimate, margin: float) -> int | None:
    """Rounds until the half-width is the margin.

    Where it is that narrow already and the interval still straddles the margin: until it lies
    inside the margin or excludes 1, if it stays where it is.
    """
    edge, effect = math.log1p(margin), abs(math.log(ratio.value))
    narrow = (ratio.half_width or 0.0) <= edge
    return _more(ratio, max(effect, edge - effect) if narrow else edge, 1 - ALPHA)


def _more_to_confirm(ratio: Estimate, comparisons: int) -> int | None:
    """Rounds until an effect of this size would survive the strictest step of Holm."""
    return _more(ratio, abs(math.log(ratio.value)), 1 - ALPHA / max(1, comparisons))


def _more(ratio: Estimate, half_width: float, confidence: float) -> int | None:
    needed = rounds_for(ratio.sd or 0.0, half_width, confidence)
    return None if needed is None else max(1, needed - ratio.n)
