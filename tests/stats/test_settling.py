"""When a server counts as warm, by its CPU time per request in quarters of a second."""

from __future__ import annotations

import math
import random

import pytest

from bench.model.quarter import Quarter
from bench.stats.settling import settled_after, settling, steady, still, warm_after


def _until_flat(costs: list[float]) -> int | None:
    """Quarters of a second until it is called flat."""
    for count in range(1, len(costs) + 1):
        seen = settling(costs[:count])
        if seen is not None and seen.flat:
            return count
    return None


def test_a_compiled_server_is_warm_after_a_second() -> None:
    """Four quarters are the least by which anything is judged."""
    assert settling([10.0] * 3) is None
    assert _until_flat([10.0, 10.1, 9.9, 10.0, 10.0]) == 4


def test_the_quarter_in_which_connections_are_opened_is_left_out() -> None:
    """Three times as dear as the others, it would hide for a second that they are flat."""
    seen = [338.0, 139.8, 128.3, 119.1, 113.2, 118.4, 122.4]

    assert not still(seen[:6])
    assert still([338.0, 113.2, 118.4, 112.4, 115.0])
    assert not still([338.0, 139.8, 128.3, 119.1, 113.2])


def test_after_a_flat_saturated_second_two_quarters_tell() -> None:
    """What falls by more than a single quarter spreads has not settled."""
    assert not steady([100.0])
    assert steady([100.0, 96.0])
    assert steady([100.0, 130.0])
    assert not steady([100.0, 94.0])


@pytest.mark.parametrize("constant_s", [0.5, 1.0, 2.0])
def test_a_server_that_gets_cheaper_is_not(constant_s: float) -> None:
    """It is called warm when at most an eighth of what it loses is left."""
    costs = [100 * (1 + 4 * math.exp(-k / 4 / constant_s)) for k in range(80)]
    count = _until_flat(costs)

    assert count is not None
    assert costs[count - 1] < 112


def test_seconds_of_a_server_that_is_compiled_meanwhile() -> None:
    """Six seconds at a low rate, as they were seen: in none of the last five was it warm."""
    seen = [671, 542, 428, 371, 314]
    costs = [float(each) for each in seen for _ in range(4)]

    assert not any(
        found.flat for end in (8, 12, 16, 20) if (found := settling(costs[:end])) is not None
    )


def test_noise_alone_does_not_hold_it_up() -> None:
    """Quarters that spread by 5 % are called flat within two and a half seconds in most cases."""
    rng = random.Random(3)
    counts = []
    for _ in range(300):
        count = _until_flat([math.exp(rng.gauss(0, 0.05)) for _ in range(32)])
        counts.append(count or 99)

    assert sorted(counts)[len(counts) * 9 // 10] <= 10


def test_what_gets_dearer_is_warm() -> None:
    """A warm-up makes requests cheaper; waiting does not mend what goes the other way."""
    found = settling([10.0, 10.0, 11.0, 12.0])

    assert found is not None
    assert found.flat
    assert found.change > 0


def test_a_cost_of_nothing_is_not_judged() -> None:
    """A clock that stood still tells nothing."""
    assert settling([0.0, 1.0, 1.0, 1.0]) is None


def _seen(*costs: float, share: float = 1.0) -> list[Quarter]:
    return [Quarter(share * (at + 1) / 4, cost) for at, cost in enumerate(costs)]


def test_flat_is_also_what_is_not_compiled_yet() -> None:
    """Express beside its copy, as it was seen: flat from the start, and three times too dear."""
    seen = [154, 143, 167, 134, 149, 148, 226, 173, 142, 107, 75, 84, 73, 55, 61, 54, 88, 40, 36]
    seen += [70, 65, 41, 46, 47, 50, 62, 34, 29, 58, 53, 47]
    quarters = _seen(*map(float, seen), share=0.5)

    assert still([float(each) for each in seen[:4]])
    assert 1.2 < warm_after(quarters) < 2.5


@pytest.mark.parametrize("spread", [0.0, 0.05, 0.1])
def test_what_is_not_compiled_is_warm_at_once(spread: float) -> None:
    """Whatever the noise of its quarters, and however few there are."""
    rng = random.Random(7)
    costs = [100 * (1 + rng.gauss(0, spread)) for _ in range(32)]

    assert warm_after(_seen(*costs)) == 0.0
    assert warm_after(_seen(*costs[:5])) == 0.0


def test_a_burst_of_other_work_is_no_compiler() -> None:
    """Two quarters in which something else ran do not make the others cold."""
    costs = [100.0] * 8 + [400.0] * 2 + [100.0] * 6

    assert warm_after(_seen(*costs)) == 0.0


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ([65.0, 28.0, 24.0, 25.0, 24.0, 26.0], 1),  # Fastify alone, as it was seen
        ([81.0, 56.0, 61.0, 29.0, 24.0, 25.0, 24.0, 24.0], 3),
        ([59.0, 61.0, 30.0, 45.0, 30.0, 31.0, 30.0, 31.0], 4),
        ([30.0, 31.0, 30.0, 60.0, 30.0, 31.0, 30.0, 31.0], 0),
        ([60.0, 30.0, 60.0, 30.0, 31.0, 30.0, 31.0], 3),
        ([60.0, 30.0, 30.0], 0),
    ],
)
def test_a_change_of_load_is_digested(costs: list[float], expected: int) -> None:
    """The dear stretch right after it counts, a neighbor's later quarter does not."""
    quarters = [Quarter(0.1 * (at + 1), cost) for at, cost in enumerate(costs)]

    assert settled_after(quarters) == pytest.approx(0.1 * expected)
