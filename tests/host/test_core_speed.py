"""The computation that tells how fast the cores are at this moment."""

from __future__ import annotations

import os
import sys

import pytest

from bench.host import quick_state
from bench.host.core_speed import held_on, work_us

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only there is a thread held on a core")


def test_a_cpu_that_is_not_there_is_not_held_on() -> None:
    """A CPU that went off between looking and holding is no error."""
    with held_on(4095) as held:
        assert held is None


def test_a_system_without_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS has no such call."""
    monkeypatch.setattr("sys.platform", "darwin")

    with held_on(0) as held:
        assert held is None


@LINUX
def test_the_same_work_takes_about_the_same() -> None:
    """Least of many on each side: 20 to 60 % more is a neighbor, a hundred times is a fault."""
    cpus = sorted(os.sched_getaffinity(0))[:2]
    times = [work_us(cpus) or 0.0 for _ in range(20)]

    assert 10 < min(times) < 10_000
    assert sorted(times)[10] < 3 * min(times)
    assert sorted(os.sched_getaffinity(0))[:2] == cpus


def test_nothing_to_compute_on() -> None:
    """No CPU is known, or one that is not there."""
    assert work_us([]) is None
    assert work_us([4095]) is None


def test_a_system_that_cannot_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS it would be a figure of whichever kind of core it was run on."""
    monkeypatch.setattr("sys.platform", "darwin")

    assert work_us([0]) is None


@LINUX
def test_only_this_machine_computes() -> None:
    """It comes with the quick state of the CPUs asked for."""
    assert quick_state((min(os.sched_getaffinity(0)),)).work_us is not None
    assert quick_state().work_us is None
