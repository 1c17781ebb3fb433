"""Student's t distribution."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats.student import quantile, two_sided_p

# Two-sided 95 % and 99 % points, from the tables printed in statistics textbooks
# (Fisher and Yates; NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2).
TABLE = [
    (1, 12.706, 63.657),
    (2, 4.303, 9.925),
    (3, 3.182, 5.841),
    (4, 2.776, 4.604),
    (5, 2.571, 4.032),
    (6, 2.447, 3.707),
    (8, 2.306, 3.355),
    (10, 2.228, 3.169),
    (11, 2.201, 3.106),
    (15, 2.131, 2.947),
    (30, 2.042, 2.750),
    (99, 1.984, 2.626),
]


@pytest.mark.parametrize(("df", "at_95", "at_99"), TABLE)
def test_quantiles_are_those_of_published_tables(df: int, at_95: float, at_99: float) -> None:
    """Quantiles agree with printed tables in every digit they print."""
    assert round(quantile(0.975, df), 3) == at_95
    assert round(quantile(0.995, df), 3) == at_99


@given(st.floats(0.001, 0.999), st.floats(1, 200))
def test_quantile_and_p_are_inverse(probability: float, df: float) -> None:
    """The two-sided p of a quantile is twice what lies beyond it."""
    beyond = min(probability, 1 - probability)

    assert two_sided_p(quantile(probability, df), df) == pytest.approx(2 * beyond, rel=1e-6)


def test_p_of_no_difference_is_1() -> None:
    """t = 0 is as unsurprising as can be."""
    assert two_sided_p(0.0, 4) == 1.0


@pytest.mark.parametrize(("probability", "df"), [(0.5, 0), (0.0, 3), (1.0, 3), (0.5, -1)])
def test_quantile_outside_its_domain_is_refused(probability: float, df: float) -> None:
    """There is no quantile without degrees of freedom, nor at 0 and 1."""
    with pytest.raises(ValueError, match="no t quantile"):
        quantile(probability, df)


def test_p_without_degrees_of_freedom_is_refused() -> None:
    """There is no t distribution with 0 degrees of freedom."""
    with pytest.raises(ValueError, match="no t distribution"):
        two_sided_p(1.0, 0)
