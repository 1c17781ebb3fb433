"""Rounds that a precision needs."""

from __future__ import annotations

import pytest

from bench.stats.rounds import ROUNDS_MAX, rounds_expected, rounds_for, width_factor


@pytest.mark.parametrize(
    ("n", "factor"),
    [(3, 2.48), (4, 1.59), (5, 1.24), (6, 1.05), (7, 0.92), (8, 0.84), (10, 0.72), (12, 0.64)],
)
def test_width_factors_are_those_of_the_method(n: int, factor: float) -> None:
    """m(n) = t / sqrt(n) as docs/method.md lists it, to its last printed digit."""
    assert width_factor(n) == pytest.approx(factor, abs=0.0051)


@pytest.mark.parametrize(
    ("cv", "rounds"), [(0.005, 3), (0.008, 4), (0.010, 5), (0.013, 6), (0.015, 7), (0.020, 11)]
)
def test_rounds_for_two_percent(cv: float, rounds: int) -> None:
    """The method's table: per-server spread to rounds for a typical half-width of 2 %."""
    assert abs((rounds_for(1.41 * cv, 0.02) or 0) - rounds) <= 1


def test_the_rounds_named_are_the_first_that_suffice() -> None:
    """One round fewer would be too wide."""
    needed = rounds_for(0.02, 0.015)

    assert needed is not None
    assert width_factor(needed) * 0.02 <= 0.015 < width_factor(needed - 1) * 0.02


def test_no_spread_needs_the_fewest_rounds() -> None:
    """Three rounds are the least for any interval."""
    assert rounds_for(0.0, 0.02) == 3


def test_more_than_a_hundred_rounds_are_never_proposed() -> None:
    """Noise of 50 % is no matter of rounds."""
    assert width_factor(ROUNDS_MAX) * 0.5 > 0.02
    assert rounds_for(0.5, 0.02) is None


def test_two_rounds_have_no_width() -> None:
    """n = 2 is refused."""
    with pytest.raises(ValueError, match="no interval over 2 rounds"):
        width_factor(2)


@pytest.mark.parametrize(
    ("sd", "half_width", "rounds"), [(0.0, 0.02, 5), (0.012, 0.00995, 9), (0.5, 0.02, None)]
)
def test_a_forecast_is_never_below_the_stopping_rule(
    sd: float, half_width: float, rounds: int | None
) -> None:
    """Five rounds are the least, a hundred the most that is named."""
    assert rounds_expected(sd, half_width) == rounds
