"""Two warm-ups that agree, or the median of three."""

from __future__ import annotations

import pytest

from bench.trial.learned_work import LearnedWork


@pytest.mark.parametrize(
    ("seen", "known"),
    [
        ((), None),
        ((3.0,), None),  # a compiler, or a machine that stood still
        ((0.0,), None),
        ((0.0, 0.0), 0.0),
        ((3.0, 0.0), None),
        ((3.0, 0.0, 0.0), 0.0),  # it stood still
        ((0.0, 2.1, 1.4), 1.4),  # it compiles
        ((2.4, 1.6), 1.6),
        ((2.4, 1.6, 0.0, 0.0), 1.6),  # what is known stays as it is
    ],
)
def test_what_is_believed(seen: tuple[float, ...], known: float | None) -> None:
    """One warm-up is never believed."""
    learned = LearnedWork()
    for cpu_s in seen:
        learned.add("axum", cpu_s)

    assert learned.known("axum") == known
    assert learned.known("axum at the rate") is None


def test_one_that_ended_at_the_cap() -> None:
    """A server that mostly waits is not warmed at length again, unless it seemed to get cheaper."""
    learned = LearnedWork()
    learned.add("waits", 0.0, whole=False)
    learned.add("waits", 3.0)
    assert learned.known("waits") == 0.0

    learned.add("disturbed", 0.3, whole=False)
    assert learned.known("disturbed") is None
    learned.add("disturbed", 0.0, whole=False)
    assert learned.known("disturbed") == 0.0
