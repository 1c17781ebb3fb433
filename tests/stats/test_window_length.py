"""How long a window should be, from planted variances."""

from __future__ import annotations

import math
import random

import pytest

from bench.stats.window_length import Variances, best_window_s, relative_width, variances


@pytest.mark.parametrize(("within", "between"), [(0.05, 0.02), (0.02, 0.05), (0.08, 0.04)])
def test_variances_are_split_as_they_were_planted(within: float, between: float) -> None:
    """The halves of a window tell what is inside, the spread of trials tells the sum."""
    rng = random.Random(11)
    window_s = 2.0
    halves, logs = [], []
    for _ in range(4000):
        level = rng.gauss(0, between)
        first, second = (level + rng.gauss(0, within / math.sqrt(window_s / 2)) for _ in range(2))
        halves.append((math.exp(first), math.exp(second)))
        logs.append((first + second) / 2)
    mean = math.fsum(logs) / len(logs)
    variance = math.fsum((each - mean) ** 2 for each in logs) / (len(logs) - 1)
    found = variances([halves], variance, window_s)

    assert found is not None
    assert math.sqrt(found.within) == pytest.approx(within, rel=0.05)
    assert math.sqrt(found.between) == pytest.approx(between, abs=0.006)


def test_a_course_that_all_windows_share_is_no_variance() -> None:
    """All second halves 10 % faster: nothing varies."""
    found = variances([[(1.0, 1.1)] * 5], 0.0, 1.0)

    assert found is not None
    assert found.within == pytest.approx(0.0, abs=1e-20)


def test_the_best_window_is_the_least_of_the_width() -> None:
    """No other window gives narrower intervals for the same time."""
    found = Variances(within=0.04**2, between=0.02**2)
    best = best_window_s(found, overhead_s=4.0)

    assert best == pytest.approx(4.0)
    assert all(relative_width(found, 4.0, other, best) > 1 for other in (1.0, 2.0, 8.0, 30.0))


@pytest.mark.parametrize(
    ("found", "expected"),
    [(Variances(0.0, 0.01), 1.0), (Variances(0.01, 0.0), 60.0), (Variances(0.0, 0.0), 1.0)],
)
def test_windows_stay_within_reason(found: Variances, expected: float) -> None:
    """From a second to a minute."""
    assert best_window_s(found, 3.0) == expected


def test_one_trial_tells_nothing() -> None:
    """A spread needs two."""
    assert variances([[(1.0, 1.0)]], 0.01, 1.0) is None
