"""The rate at which a line through noisy trials meets the limit, with its interval."""

from __future__ import annotations

import math
import random

import pytest

from bench.stats.crossing import Near, crossing


def points(rng: random.Random, sd: float) -> list[Near]:
    """Trials at five rates around 1,000/s, where the ratio is 1; it grows with the third power."""
    rates = [900, 950, 1000, 1050, 1100] * 3
    return [Near(r, (r / 1000) ** 3 * math.exp(rng.gauss(0, sd)), 1.0) for r in rates]


def test_the_interval_holds_the_truth() -> None:
    """Of 400 fits about 95 of 100 intervals hold the rate that is known."""
    rng = random.Random(4)
    fits = [crossing(points(rng, 0.1), 950, 1050) for _ in range(400)]
    covered = sum(fit.low <= 1000 <= fit.high for fit in fits)

    assert 0.90 * 400 <= covered <= 0.99 * 400
    assert all(abs(fit.value - 1000) < 50 for fit in fits)


def test_a_stall_moves_it_little() -> None:
    """One trial that is ten times too slow moves the answer by less than a hundredth."""
    clean = points(random.Random(1), 0.02)
    stalled = [*clean, Near(950, 10.0, 1.0)]

    assert crossing(stalled, 950, 1050).value == pytest.approx(
        crossing(clean, 950, 1050).value, rel=0.01
    )


def test_exact_points_meet_exactly() -> None:
    """Without noise the answer is the truth, and its interval no wider than rounding."""
    met = crossing(points(random.Random(1), 0.0), 950, 1050)

    assert met.value == pytest.approx(1000)
    assert met.low == pytest.approx(met.high)


@pytest.mark.parametrize("few", [[], [Near(1000, 1.0, 1.0)] * 4])
def test_no_line_leaves_what_was_known(few: list[Near]) -> None:
    """Where the points make no line, the answer lies between the two rates."""
    met = crossing(few, 900, 1100)

    assert (met.low, met.high) == (900, 1100)
    assert met.value == pytest.approx(math.sqrt(900 * 1100))
