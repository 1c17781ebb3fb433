"""Series of kept runs, and whose doing a shift is."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from bench.analysis.shifts import CommitFacts, entry_of, history_of, newest_worse
from bench.model.history import HistoryEntry, HistoryValue
from tests.factories import Truth, closed_profile, open_profile, run_data, run_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model.history import Series


def entries(
    count: int,
    truth: Callable[[int, str], float],
    *,
    reference: str = "axum",
    fingerprint: str = "f00d",
) -> list[HistoryEntry]:
    """Runs of two servers whose rates follow `truth(run, server)` with 1 % of noise."""
    rng = random.Random(1)
    found = []
    for run in range(count):
        shared = rng.gauss(1, 0.01)
        values = tuple(
            HistoryValue(
                server=server,
                workload="json-small",
                profile="full",
                metric="throughput_rps",
                value=truth(run, server) * shared * rng.gauss(1, 0.003),
                low=None,
                high=None,
                n=5,
            )
            for server in ("axum", "spikard")
        )
        found.append(
            HistoryEntry(
                run_id=f"run-{run}",
                title="Quick",
                commit=f"{run:02x}" * 20,
                dirty=False,
                subject=f"change {run}",
                committed=f"2026-01-{1 + run:02d}T00:00:00+00:00",
                date=f"2026-03-{28 - run:02d}T00:00:00+00:00",
                fingerprint=fingerprint,
                machine="a CPU, 2 CPUs",
                bench_version="0.2.0",
                reference=reference,
                values=values,
            )
        )
    return found


def spikard(found: tuple[Series, ...]) -> Series:
    return next(each for each in found if each.server == "spikard")


def test_a_slower_server_is_told_from_the_machine() -> None:
    """Only the server's level falls: cause `server`, the commit named, the gate met."""
    history = history_of(
        entries(20, lambda run, name: 900 if name == "spikard" and run >= 12 else 1000)
    )
    (change,) = spikard(history.series).changes

    assert (change.cause, change.worse, change.index) == ("server", True, 12)
    assert change.commit == "0c" * 20
    assert change.after == "0b" * 20
    assert change.low < 0.9 < change.high
    assert [series.server for series, _ in newest_worse(history.series, 20)] == ["spikard"]
    assert newest_worse(history.series, 5) == []


def test_a_slower_machine_is_no_servers_fault() -> None:
    """Both fall in the same run: a shift of the machine, and no gate is met by it."""
    history = history_of(entries(20, lambda run, _: 800 if run >= 10 else 1000))

    assert [change.cause for change in spikard(history.series).changes] == ["machine"]
    assert [series.server for series, _ in newest_worse(history.series, 20)] == ["axum"]
    axum = next(each for each in history.series if each.server == "axum")
    assert [change.cause for change in axum.changes] == ["unknown"]


def test_what_was_mended_is_no_reason() -> None:
    """The newest shift of a series counts, not the one before it."""
    history = history_of(
        entries(24, lambda run, name: 900 if name == "spikard" and 8 <= run < 16 else 1000)
    )

    assert [change.worse for change in spikard(history.series).changes] == [True, False]
    assert newest_worse(history.series, 24) == []


def test_points_follow_their_commits() -> None:
    """Old commits that are measured late stand at their place."""
    history = history_of(entries(8, lambda *_: 1000.0))

    assert [point.run_id for point in history.series[0].points] == [f"run-{n}" for n in range(8)]


def test_two_machines_are_two_series() -> None:
    """Values of different machines are never in one line."""
    both = [
        *entries(3, lambda *_: 1000.0),
        *entries(3, lambda *_: 2000.0, fingerprint="beef"),
    ]

    assert [len(each.points) for each in history_of(both).series] == [3, 3, 3, 3]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_short_series_have_no_shift(count: int) -> None:
    """Six points are the least."""
    history = history_of(entries(count, lambda run, _: 1000.0 + 500 * run))

    assert all(each.changes == () for each in history.series)


def test_of_a_run_the_results_of_each_loop_are_kept() -> None:
    """Rates of closed loops, response times of open ones, CPU per request of both."""
    data = run_data(
        {"axum": Truth(), "spikard": Truth(rps=17_000)},
        profiles=(closed_profile(), open_profile()),
    )
    entry = entry_of(run_view(data), CommitFacts("abc", dirty=True, subject="s", committed=None))
    kept = {(value.profile, value.metric) for value in entry.values}

    assert entry.reference == "axum"
    assert (closed_profile().id, "throughput_rps") in kept
    assert (closed_profile().id, "p99_us") not in kept
    assert (open_profile().id, "p99_us") in kept
    assert (open_profile().id, "throughput_rps") not in kept
