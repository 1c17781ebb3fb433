"""A line through points: coefficients, intervals, and weights."""

from __future__ import annotations

import random

import pytest

from bench.stats.line import fit_line


def test_points_on_a_line_have_no_width() -> None:
    """Exact points give exact coefficients with intervals of no length."""
    line = fit_line([0, 1, 2, 3], [2, 5, 8, 11])

    assert line.n == 4
    assert (line.intercept.value, line.slope.value) == pytest.approx((2, 3))
    assert line.sd == pytest.approx(0, abs=1e-9)
    assert line.slope.high - line.slope.low == pytest.approx(0, abs=1e-9)


def test_intervals_are_those_of_a_textbook() -> None:
    """Draper and Smith's steam data: slope -0.0798 with [-0.1017, -0.0580] (chapter 1)."""
    x = [35.3, 29.7, 30.8, 58.8, 61.4, 71.3, 74.4, 76.7, 70.7, 57.5, 46.4, 28.9, 28.1, 39.1, 46.8,
         48.5, 59.3, 70.0, 70.0, 74.5, 72.1, 58.1, 44.6, 33.4, 28.6]  # fmt: skip
    y = [10.98, 11.13, 12.51, 8.40, 9.27, 8.73, 6.36, 8.50, 7.82, 9.14, 8.24, 12.19, 11.88, 9.57,
         10.94, 9.58, 10.09, 8.11, 6.83, 8.88, 7.68, 8.47, 8.86, 10.36, 11.08]  # fmt: skip

    line = fit_line(x, y)

    assert line.intercept.value == pytest.approx(13.623, abs=0.001)
    assert line.slope.value == pytest.approx(-0.0798, abs=0.0001)
    assert line.slope.low == pytest.approx(-0.1017, abs=0.0002)
    assert line.slope.high == pytest.approx(-0.0580, abs=0.0002)


def test_equal_weights_change_nothing() -> None:
    """Only how weights compare matters."""
    x, y = [0, 1, 2, 5], [1, 3, 4, 12]

    weighted, plain = fit_line(x, y, weights=[7, 7, 7, 7]), fit_line(x, y)

    assert weighted.slope == pytest.approx(plain.slope)
    assert weighted.intercept == pytest.approx(plain.intercept)


def test_a_whole_weight_counts_as_so_many_points() -> None:
    """Weight 2 moves the line as the same point twice does."""
    x, y = [0.0, 1.0, 2.0, 5.0], [1.0, 3.0, 4.0, 12.0]

    weighted = fit_line(x, y, weights=[1, 1, 1, 2])
    doubled = fit_line([*x, 5.0], [*y, 12.0])

    assert weighted.slope.value == pytest.approx(doubled.slope.value)
    assert weighted.intercept.value == pytest.approx(doubled.intercept.value)


@pytest.mark.slow
def test_weighted_intervals_cover_where_noise_grows_with_cost() -> None:
    """Relative noise of 5 %: 95 % intervals of both coefficients hold the truth as often."""
    rng = random.Random(5)
    sizes = [kb for kb in (0.0, 1.0, 5.0, 10.0, 20.0, 40.0) for _ in range(2)]
    truth = [130 + 160 * kb for kb in sizes]
    hits = [0, 0]
    tries = 2_000
    for _ in range(tries):
        y = [value * rng.gauss(1, 0.05) for value in truth]
        line = fit_line(sizes, y, weights=[1 / value**2 for value in truth])
        hits[0] += line.intercept.low < 130 < line.intercept.high
        hits[1] += line.slope.low < 160 < line.slope.high

    assert all(0.935 < hit / tries < 0.965 for hit in hits)


@pytest.mark.parametrize(
    ("x", "y", "weights", "said"),
    [
        ([1, 2, 3], [1, 2], None, "3 x, 2 y"),
        ([1, 2, 3], [1, 2, 3], [1], "1 weights"),
        ([1, 2, 3], [1, 2, 3], [1, 0, 1], "not above 0"),
        ([1, 2], [1, 2], None, "through 2 points"),
        ([1, 1, 1], [1, 2, 3], None, "all x are equal"),
    ],
)
def test_what_makes_no_line_is_refused(
    x: list[float], y: list[float], weights: list[float] | None, said: str
) -> None:
    """Unequal lengths, too few points, no spread, a weight of nothing."""
    with pytest.raises(ValueError, match=said):
        fit_line(x, y, weights=weights)
