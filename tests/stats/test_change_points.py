"""Shifts of a level: found where planted, and hardly ever where there are none."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from bench.stats.change_points import LEAST_SEGMENT, change_points

POINTS = 200
SHIFT = 1.05


def noisy(rng: np.random.Generator, sd: float, shifts: dict[int, float]) -> list[float]:
    """A series with that noise of single points; index -> ratio of the level from there on."""
    logs = rng.normal(0, sd, POINTS)
    for at, ratio in shifts.items():
        logs[at:] += np.log(ratio)
    return [float(value) for value in 1000 * np.exp(logs)]


def test_a_planted_shift_is_found_with_its_size() -> None:
    """Its place, its ratio within the interval, and a range of places around it."""
    rng = np.random.default_rng(3)

    (found,) = change_points(noisy(rng, 0.01, {120: SHIFT}))

    assert abs(found.at - 120) <= 2
    assert found.first <= found.at <= found.last
    assert found.low < SHIFT < found.high
    assert found.p <= 0.05


def test_two_shifts_that_cancel_are_two() -> None:
    """Up and down again: the mean of both ends is the same."""
    found = change_points(noisy(np.random.default_rng(5), 0.01, {60: 1.04, 140: 1 / 1.04}))

    assert [round(each.ratio, 1) for each in found] == [1.0, 1.0]
    assert found[0].ratio > 1 > found[1].ratio


@pytest.mark.parametrize("values", [[], [5.0], [5.0] * 50, [5.0, 6.0] * (LEAST_SEGMENT - 1)])
def test_too_few_or_equal_values_have_no_shift(values: list[float]) -> None:
    """Nothing to tell is no error."""
    assert change_points(values) == ()


def test_the_same_series_gives_the_same_answer() -> None:
    """The random orders come from the seed."""
    values = noisy(np.random.default_rng(8), 0.03, {100: 1.03})

    assert change_points(values) == change_points(values)


def test_many_series_ask_for_rarer_splits() -> None:
    """With alpha of a hundredth a clear shift still shows: more orders are drawn for it."""
    (found,) = change_points(noisy(np.random.default_rng(3), 0.01, {90: SHIFT}), alpha=0.0005)

    assert found.p <= 0.0005


class Score(NamedTuple):
    """Share of histories whose shift was found within 5 points; false shifts per 1,000 points."""

    hits: float
    false: float


def score(sd: float, histories: int, *, shift: bool) -> Score:
    rng = np.random.default_rng(round(sd * 1e6))
    hits = others = 0
    for _ in range(histories):
        at = int(rng.integers(20, POINTS - 20))
        found = change_points(noisy(rng, sd, {at: SHIFT} if shift else {}))
        near = sum(1 for each in found if shift and abs(each.at - at) <= 5)
        hits += near > 0
        others += len(found) - near
    return Score(hits / histories, 1000 * others / (histories * POINTS))


@pytest.mark.parametrize("sd", [0.02 / 10**0.5, 0.10 / 20**0.5], ids=["calm", "noisy"])
def test_simulated_histories(sd: float) -> None:
    """Points of 10 trials that spread by 2 %, and of 20 that spread by 10 %; a shift of 5 %.

    What lies further than 5 points off counts as false, too. The whole simulation (2,000
    histories) is `scripts/history_simulation.py`; docs/history.md has its figures.
    """
    found, none = score(sd, 12, shift=True), score(sd, 10, shift=False)

    assert found.hits >= 0.9
    assert found.false <= 1
    assert none.false <= 1
