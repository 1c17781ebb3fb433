"""The Universal Scalability Law: what was put in comes out, with intervals that hold it."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from bench.stats.scalability import Scalability, fit_scalability

if TYPE_CHECKING:
    from collections.abc import Sequence

CPUS = (1, 2, 4, 8, 16, 32)


def law(n: float, single: float, contention: float, coherency: float) -> float:
    return single * n / (1 + contention * (n - 1) + coherency * n * (n - 1))


def drawn(
    rng: random.Random, truth: tuple[float, float, float], *, noise: float, at: Sequence[int] = CPUS
) -> Scalability:
    n = [level for level in at for _ in range(3)]
    rates = [law(level, *truth) * math.exp(rng.gauss(0, noise)) for level in n]
    found = fit_scalability(n, rates)
    assert found is not None
    return found


def test_exact_points_give_exact_coefficients() -> None:
    """Without noise the law comes back, with its peak and no width."""
    rates = [law(n, 1000.0, 0.06, 0.002) for n in CPUS]
    found = fit_scalability(CPUS, rates)

    assert found is not None
    assert found.single.value == pytest.approx(1000)
    assert found.contention.value == pytest.approx(0.06)
    assert found.coherency.value == pytest.approx(0.002)
    assert found.peak == pytest.approx(math.sqrt(0.94 / 0.002))
    assert found.contention.high - found.contention.low == pytest.approx(0, abs=1e-6)
    assert [found.rate(n) for n in CPUS] == pytest.approx(rates)


@pytest.mark.parametrize("truth", [(9000.0, 0.06, 0.002), (500.0, 0.3, 0.0005), (80.0, 0.02, 0.01)])
def test_intervals_hold_the_truth(truth: tuple[float, float, float]) -> None:
    """In 200 simulated sweeps with 3 % noise both intervals hold it 95 times of 100."""
    rng = random.Random(11)
    held = [0, 0]
    for _ in range(200):
        found = drawn(rng, truth, noise=0.03)
        held[0] += found.contention.low <= truth[1] <= found.contention.high
        held[1] += found.coherency.low <= truth[2] <= found.coherency.high

    assert min(held) >= 0.90 * 200


def test_perfect_scaling_has_neither() -> None:
    """Coefficients are not negative, and an interval that may be nothing reaches 0."""
    rng = random.Random(5)
    found = [drawn(rng, (1000.0, 0.0, 0.0), noise=0.02) for _ in range(100)]

    assert all(each.contention.value >= 0 <= each.coherency.value for each in found)
    assert sum(each.contention.low == 0 for each in found) >= 90
    assert sum(each.coherency.low == 0 for each in found) >= 90


def test_three_levels_are_not_enough() -> None:
    """However often each was measured, three coefficients fit them without an error."""
    assert fit_scalability([1, 1, 2, 2, 4, 4], [1, 1, 2, 2, 3, 3]) is None


@pytest.mark.parametrize(("n", "rates"), [([1, 2], [1.0]), ([1, 2, 4, 8], [1.0, 2.0, 0.0, 3.0])])
def test_what_cannot_be_a_rate_is_refused(n: list[float], rates: list[float]) -> None:
    """Unequal lengths and rates of nothing."""
    with pytest.raises(ValueError, match=r"N and|above 0"):
        fit_scalability(n, rates)
