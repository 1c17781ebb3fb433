"""Median polish."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats.median_polish import additive_sd, median, outliers, residuals, spread

LEVELS = st.floats(-3, 3)


@given(st.lists(LEVELS, min_size=1, max_size=6), st.lists(LEVELS, min_size=1, max_size=6))
def test_a_table_of_levels_leaves_nothing(rows: list[float], columns: list[float]) -> None:
    """server + round explains a table that is made of just that."""
    left = residuals([[row + column for column in columns] for row in rows])

    assert all(abs(value) < 1e-9 for row in left for value in row)


def test_a_planted_dip_is_named() -> None:
    """A trial 12 % too slow among five servers and five rounds is the only outlier."""
    rng = random.Random(1)
    table = [[row + rng.gauss(0, 0.008) for _ in range(5)] for row in (11.0, 9.7, 9.1, 8.0, 9.0)]
    table[2][3] -= 0.12
    (found,) = outliers(residuals(table))

    assert (found.row, found.column) == (2, 3)
    assert found.value == pytest.approx(-0.12, abs=0.03)


def test_less_than_five_percent_is_no_outlier() -> None:
    """A quiet table has small spread; what is small in percent stays unnamed."""
    left = [[0.0] * 5 for _ in range(5)]
    left[1][1] = 0.04

    assert outliers(left) == ()


def test_spread_is_that_of_normal_data() -> None:
    """1.48 x the median absolute deviation estimates the standard deviation."""
    rng = random.Random(2)

    assert spread([[rng.gauss(0, 0.03) for _ in range(2000)]]) == pytest.approx(0.03, rel=0.1)


def test_what_means_leave_has_the_sd_of_the_noise() -> None:
    """Unbiased over many tables of servers and rounds with levels of their own."""
    rng = random.Random(3)
    tables = [
        [[k + r + rng.gauss(0, 0.03) for r in range(5)] for k in range(3)] for _ in range(500)
    ]
    found = [sd for table in tables if (sd := additive_sd(table)) is not None]

    assert (sum(sd * sd for sd in found) / 500) ** 0.5 == pytest.approx(0.03, rel=0.05)


@pytest.mark.parametrize("table", [[], [[]], [[1.0, 2.0]], [[1.0], [2.0]]])
def test_one_row_or_column_leaves_nothing_to_tell(table: list[list[float]]) -> None:
    """No degrees of freedom, no sd."""
    assert additive_sd(table) is None


def test_an_empty_table_has_neither_spread_nor_outliers() -> None:
    """Nothing measured, nothing left."""
    assert residuals([]) == []
    assert spread([]) == 0.0


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20))
def test_half_lies_on_either_side_of_the_median(numbers: list[float]) -> None:
    """As many are below as above."""
    middle = median(numbers)

    assert sum(n < middle for n in numbers) <= len(numbers) / 2
    assert sum(n > middle for n in numbers) <= len(numbers) / 2


def test_median_of_nothing_is_refused() -> None:
    """There is no middle."""
    with pytest.raises(ValueError, match="no numbers"):
        median([])
