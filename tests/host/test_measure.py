"""The 2-second measurement: what it returns here, and how its figures are judged."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

import pytest

from bench.host.measure import (
    Clock,
    Measured,
    RoundTrip,
    Steadiness,
    host_findings,
    measure,
    measure_clock,
    measure_loopback,
    steadiness,
)
from bench.reports.wording.findings import in_words as told

if TYPE_CHECKING:
    import socket

QUIET = Measured(
    Clock(45.0, 60.0), (0.0, 0.01), (Steadiness(0, 100, 0.01, 400.0),), RoundTrip(9, 5.0, 7.0), 2.0
)


def test_the_whole_measurement_is_plausible() -> None:
    """On this machine every part gives figures that can be true, and nothing is left changed."""
    cpus: list[int] = []
    if sys.platform == "linux":
        cpus = sorted(os.sched_getaffinity(0))
    held: list[int | None] = list(cpus) if cpus else [None]

    found = measure(cpus, scale=0.02)

    assert 0 < found.clock.resolution_ns < 1e6
    assert 0 < found.clock.cost_ns < 1e6
    assert len(found.busy) >= len(cpus)
    assert all(0 <= share <= 1 for share in found.busy)
    assert [cpu.cpu for cpu in found.cpus] == held
    assert all(0 <= cpu.lost < 1 and cpu.chunks >= 20 for cpu in found.cpus)
    assert found.loopback is not None
    assert 0 < found.loopback.median_us <= found.loopback.p99_us
    if cpus and sys.platform == "linux":
        assert sorted(os.sched_getaffinity(0)) == cpus


def test_without_cpus_the_loop_is_not_held() -> None:
    """Where nothing can be pinned one loop runs wherever the scheduler puts it."""
    found = measure([], scale=0.01)

    assert [cpu.cpu for cpu in found.cpus] == [None]


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_as_it_was(enabled: bool) -> None:  # noqa: FBT001 - a column of the table
    """Garbage collection is off only inside the loop."""
    was = gc.isenabled()
    try:
        gc.enable() if enabled else gc.disable()
        measure([], scale=0.001)
        assert gc.isenabled() is enabled
    finally:
        gc.enable() if was else gc.disable()


def test_loopback_that_fails_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a loopback interface there is no round trip, and no error."""

    def refuse(*_args: object, **_options: object) -> socket.socket:
        raise OSError

    monkeypatch.setattr("socket.create_server", refuse)

    assert measure_loopback(0.01) is None


def test_steadiness_compares_with_the_fastest_tenth() -> None:
    """Equal chunks lose nothing; one stall of ten chunks' length shows as share and length."""
    even = steadiness(0, [0.001] * 100)
    stalled = steadiness(1, [0.001] * 99 + [0.011])

    assert even == Steadiness(0, 100, 0.0, 1000.0)
    assert stalled.lost == pytest.approx(1 - 0.1 / 0.11)
    assert stalled.longest_us == pytest.approx(11_000)


def test_the_clock_moves() -> None:
    """Two readings differ by at least one step."""
    clock = measure_clock(1000)

    assert clock.resolution_ns > 0
    assert clock.cost_ns >= clock.resolution_ns / 1000


def test_a_quiet_machine_has_no_findings() -> None:
    """A share of one percent is no news."""
    assert host_findings(QUIET) == ()


@pytest.mark.parametrize(
    ("change", "code", "severity", "words"),
    [
        ({"busy": (0.4, 0.0)}, "others-on-cpu", "warning", "CPU 0 40%"),
        ({"busy": (0.9, 0.8)}, "others-on-cpu", "error", "85% of the CPUs"),
        (
            {"cpus": (Steadiness(0, 9, 0.01, 1.0), Steadiness(1, 9, 0.2, 9.0))},
            "unsteady-cpu",
            "warning",
            "CPU 1 20%",
        ),
        ({"cpus": (Steadiness(None, 9, 0.2, 9.0),)}, "unsteady-cpu", "warning", "not held 20%"),
        ({"clock": Clock(1000.0, 900.0)}, "clocksource", "warning", "900 ns"),
    ],
)
def test_findings(change: dict[str, object], code: str, severity: str, words: str) -> None:
    """Others at work, lost time and a slow clock are found with their figures."""
    found = host_findings(QUIET._replace(**change))  # type: ignore[arg-type] # the table mixes types

    assert [(item.code, item.severity) for item in found] == [(code, severity)]
    assert words in told(found[0]).text
    assert told(found[0]).why
    assert told(found[0]).advice


def test_no_cpu_figures_are_no_finding() -> None:
    """A system that tells no shares is not judged by them."""
    assert host_findings(QUIET._replace(busy=())) == ()
