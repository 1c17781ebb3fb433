"""Holm's correction and the sign-flip test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats.multiple import holm, odd_one_out, sign_flip_p

GOLDEN: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "stats" / "golden.json").read_text()
)
PS = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_holm_by_hand() -> None:
    """Smallest x 4, next x 3, ... and never below the one before: Holm's own procedure."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


@given(PS)
def test_holm_lies_between_nothing_and_bonferroni(ps: list[float]) -> None:
    """Adjusted values are at least the raw ones and at most Bonferroni's."""
    for raw, adjusted in zip(ps, holm(ps), strict=True):
        assert raw <= adjusted <= max(raw, min(1.0, len(ps) * raw))


@given(PS, st.randoms(use_true_random=False))
def test_holm_does_not_depend_on_the_order(ps: list[float], rng: Any) -> None:
    """Shuffling the comparisons shuffles the answer."""
    order = list(range(len(ps)))
    rng.shuffle(order)
    adjusted = holm(ps)

    assert holm([ps[i] for i in order]) == tuple(adjusted[i] for i in order)


def test_holm_of_nothing_is_nothing() -> None:
    """A family without members has no p."""
    assert holm([]) == ()


@pytest.mark.parametrize("case", GOLDEN["sign_flip"])
def test_sign_flip_agrees_with_scipy(case: dict[str, Any]) -> None:
    """The exact p is that of scipy's permutation test over all sign choices."""
    assert sign_flip_p(case["differences"]) == pytest.approx(case["p"], rel=1e-12)


@pytest.mark.parametrize("n", [6, 7, 10])
def test_sign_flip_reaches_its_least_p(n: int) -> None:
    """All differences on one side: only that choice of signs and its opposite are as extreme."""
    assert sign_flip_p([0.01 * (k + 1) for k in range(n)]) == pytest.approx(2 / 2**n)


@pytest.mark.parametrize("n", [0, 5, 17])
def test_sign_flip_is_left_out_where_it_cannot_say_anything(n: int) -> None:
    """Five rounds cannot reach 5 %; seventeen would take too long."""
    assert sign_flip_p([0.1] * n) is None


def test_sign_flip_of_no_difference_is_1() -> None:
    """Every choice of signs is as extreme as nothing."""
    assert sign_flip_p([0.0] * 6) == 1.0


def test_odd_one_out_is_the_farthest_from_the_median() -> None:
    """The round that a result hangs on is named by its distance from the others."""
    assert odd_one_out([0.01, 0.02, -0.5, 0.015]) == 2


def test_odd_one_out_of_nothing_is_refused() -> None:
    """There is no round to name."""
    with pytest.raises(ValueError, match="no differences"):
        odd_one_out([])
