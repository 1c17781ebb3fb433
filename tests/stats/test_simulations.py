"""Simulated data with known truth: what the intervals and words promise in the long run.

Limits are those of docs/method.md; with 10,000 tries three standard errors of a 95 % share
are 0.65 percent points, so that each is met or missed for a reason and not by luck.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from bench.stats.intervals import Estimate, paired
from bench.stats.multiple import holm
from bench.stats.verdict import VerdictWord, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

TRIES = 10_000
BLOCK_SD = 0.03
CALM = {
    VerdictWord.EQUIVALENT,
    VerdictWord.UNRESOLVED,
    VerdictWord.PROBABLY_HIGHER,
    VerdictWord.PROBABLY_LOWER,
}

pytestmark = pytest.mark.slow


def _rounds(rng: random.Random, n: int, servers: int, sd: float) -> list[list[float]]:
    """Rates of equal servers: one row per server; the round's own level is common to all."""
    blocks = [rng.gauss(0, BLOCK_SD) for _ in range(n)]
    return [[math.exp(block + rng.gauss(0, sd)) for block in blocks] for _ in range(servers)]


def _share(holds: Callable[[random.Random], bool], seed: int) -> float:
    rng = random.Random(seed)
    return sum(holds(rng) for _ in range(TRIES)) / TRIES


def _covers(estimate: Estimate, truth: float) -> bool:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low <= truth <= estimate.high


@pytest.mark.parametrize(("n", "seed"), [(3, 31), (5, 51), (10, 101)])
def test_95_percent_intervals_cover_the_truth_in_95_percent(n: int, seed: int) -> None:
    """Between 94 and 96 % of the intervals hold the true ratio, at 3, 5 and 10 rounds."""

    def holds(rng: random.Random) -> bool:
        a, b = _rounds(rng, n, 2, 0.015)
        return _covers(paired([1.07 * value for value in a], b), 1.07)

    assert 0.94 <= _share(holds, seed) <= 0.96


def test_coverage_survives_single_bad_trials() -> None:
    """With 10 % of the trials 8 % too slow the intervals get wider, not wrong."""

    def holds(rng: random.Random) -> bool:
        rows = _rounds(rng, 5, 2, 0.015)
        a, b = ([v * (0.92 if rng.random() < 0.1 else 1.0) for v in row] for row in rows)
        return _covers(paired(a, b), 1.0)

    assert _share(holds, 52) >= 0.94


def test_two_copies_are_rarely_called_different() -> None:
    """At most 6 % of A/A pairs get a word other than equivalent or inconclusive."""

    def differs(rng: random.Random) -> bool:
        a, b = _rounds(rng, 5, 2, 0.03)
        ratio = paired(a, b)
        return verdict(ratio, ratio.p, 0.02).call not in CALM

    assert _share(differs, 53) <= 0.06


def test_holm_keeps_the_family_at_5_percent() -> None:
    """With ten equal servers at most 5 % of the runs (and sampling error) call any different."""

    def any_differs(rng: random.Random) -> bool:
        base, *others = _rounds(rng, 5, 10, 0.03)
        ratios = [paired(other, base) for other in others]
        adjusted = holm([ratio.p or 0.0 for ratio in ratios])
        calls = (verdict(r, p, 0.02, 9).call for r, p in zip(ratios, adjusted, strict=True))
        return any(call not in CALM for call in calls)

    assert _share(any_differs, 54) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / TRIES)


def test_a_true_5_percent_is_seen() -> None:
    """At 1 % trial noise and 5 rounds the interval excludes 1 in at least 99 % of tries."""

    def seen(rng: random.Random) -> bool:
        a, b = _rounds(rng, 5, 2, 0.01)
        return not _covers(paired([1.05 * value for value in a], b), 1.0)

    assert _share(seen, 55) >= 0.99
