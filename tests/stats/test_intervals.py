"""Geometric means and ratios with their intervals."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats.intervals import MIN_ROUNDS, geometric, paired, welch

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.stats.intervals import Estimate

GOLDEN: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "stats" / "golden.json").read_text()
)
RATES = st.floats(1.0, 1e6)
PAIRS = st.lists(st.tuples(RATES, RATES), min_size=MIN_ROUNDS, max_size=12)


def _bounds(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


@pytest.mark.parametrize("case", GOLDEN["paired"])
def test_paired_agrees_with_scipy(case: dict[str, Any]) -> None:
    """A paired interval and its p are those of scipy's one-sample t test on log-ratios."""
    found = paired(case["values"], case["baseline"], case["confidence"])

    assert found.value == pytest.approx(case["value"], rel=1e-12)
    assert _bounds(found) == pytest.approx((case["low"], case["high"]), rel=1e-9)
    assert found.p == pytest.approx(case["p"], rel=1e-9)


@pytest.mark.parametrize("case", GOLDEN["welch"])
def test_welch_agrees_with_scipy(case: dict[str, Any]) -> None:
    """An unpaired interval and its p are those of scipy's Welch test on logs."""
    found = welch(case["values"], case["baseline"], case["confidence"])

    assert found.value == pytest.approx(case["value"], rel=1e-12)
    assert _bounds(found) == pytest.approx((case["low"], case["high"]), rel=1e-9)
    assert found.p == pytest.approx(case["p"], rel=1e-9)


@given(PAIRS)
def test_swapping_the_sides_gives_the_reciprocal(pairs: list[tuple[float, float]]) -> None:
    """A/B and B/A say the same, bounds and p included."""
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    for ratio in (paired, welch):
        there, back = ratio(a, b), ratio(b, a)
        low, high = _bounds(there)

        assert back.value == pytest.approx(1 / there.value)
        assert _bounds(back) == pytest.approx((1 / high, 1 / low))
        assert back.p == pytest.approx(there.p)


@given(PAIRS, st.floats(1e-3, 1e3))
def test_scaling_both_sides_cancels(pairs: list[tuple[float, float]], factor: float) -> None:
    """A machine that is twice as fast changes no ratio."""
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    plain = paired(a, b)
    scaled = paired([x * factor for x in a], [y * factor for y in b])

    assert scaled.value == pytest.approx(plain.value)
    assert _bounds(scaled) == pytest.approx(_bounds(plain), rel=1e-6)


@given(PAIRS, st.lists(st.floats(0.1, 10), min_size=12, max_size=12))
def test_what_a_round_does_to_both_cancels(
    pairs: list[tuple[float, float]], rounds: list[float]
) -> None:
    """Heat, neighbours and time of day, common to a round, are not in a paired ratio."""
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    plain = paired(a, b)
    shaken = paired(
        [x * r for x, r in zip(a, rounds, strict=False)],
        [y * r for y, r in zip(b, rounds, strict=False)],
    )

    assert _bounds(shaken) == pytest.approx(_bounds(plain), rel=1e-6)


@given(st.lists(RATES, min_size=MIN_ROUNDS, max_size=12))
def test_interval_holds_the_value(values: list[float]) -> None:
    """low <= value <= high, with equality where nothing varies."""
    low, high = _bounds(found := geometric(values))

    assert low <= found.value * (1 + 1e-12)
    assert found.value <= high * (1 + 1e-12)
    assert found.p is None


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("ratio", [paired, welch])
def test_fewer_than_three_rounds_get_no_interval(
    n: int, ratio: Callable[[list[float], list[float]], Estimate]
) -> None:
    """Two rounds give a ratio but neither interval nor p."""
    found = ratio([2.0] * n, [1.0] * n)

    assert found.value == pytest.approx(2.0)
    assert (found.low, found.high, found.p, found.n) == (None, None, None, n)
    assert found.half_width is None


def test_welch_needs_three_on_either_side() -> None:
    """The smaller side decides whether there is an interval."""
    assert welch([1.0] * 5, [1.0, 2.0]).low is None
    assert welch([1.0, 2.0], [1.0] * 5).low is None


def test_geometric_mean_is_not_the_arithmetic() -> None:
    """Half as fast and twice as fast meet at 1."""
    assert geometric([0.5, 2.0, 1.0]).value == pytest.approx(1.0)


def test_spread_of_two_is_known_although_no_interval_is_made() -> None:
    """sd needs two rounds, an interval three."""
    assert geometric([1.0, math.e]).sd == pytest.approx(math.sqrt(0.5))
    assert geometric([1.0]).sd is None


@pytest.mark.parametrize("ratio", [paired, welch])
def test_equal_values_without_noise_are_certainly_equal(
    ratio: Callable[[list[float], list[float]], Estimate],
) -> None:
    """No spread: p is 1 where the ratio is 1, and 0 where it is not."""
    assert ratio([5.0] * 3, [5.0] * 3)[:3] == (1.0, 1.0, 1.0)
    assert ratio([5.0] * 3, [5.0] * 3).p == 1.0
    assert (ratio([6.0] * 3, [5.0] * 3).p or 0.0) < 1e-20


def test_half_width_is_on_the_log_scale() -> None:
    """About the +- in percent for narrow intervals."""
    low, high = _bounds(found := paired([1.02, 1.0, 0.99], [1.0, 1.0, 1.0]))

    assert found.half_width == pytest.approx(math.log(high / low) / 2)


@pytest.mark.parametrize("bad", [[], [1.0, 0.0, 2.0], [1.0, -1.0], [math.inf], [math.nan]])
def test_what_has_no_logarithm_is_refused(bad: list[float]) -> None:
    """A rate of 0 is a failed trial, not a number to average."""
    with pytest.raises(ValueError, match=r"no values|positive, finite"):
        geometric(bad)


def test_unequal_numbers_of_rounds_cannot_be_paired() -> None:
    """Position i of both sides is the same round."""
    with pytest.raises(ValueError, match="2 values cannot be paired with 3"):
        paired([1.0, 2.0], [1.0, 2.0, 3.0])
