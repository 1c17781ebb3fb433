"""The Linux platform puts its parts together and names what is missing."""

from __future__ import annotations

import os
import sys

import pytest

from bench.sampler.darwin.platform import DarwinPlatform
from bench.sampler.linux import platform as linux_platform
from bench.sampler.linux.perf import PerfCounters
from bench.sampler.linux.platform import LinuxPlatform
from bench.sampler.platforms import current_platform

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


class Refused(PerfCounters):
    """Perf events that count user mode only, and then not at all."""

    def __init__(self, *_: object) -> None:
        super().__init__(list)
        self.user_only = True
        self.reason = "perf events: not here"


def test_shared_cpus_are_not_the_servers_own() -> None:
    """With one CPU for both its counters tell nothing about the server alone."""
    assert LinuxPlatform(os.getpid(), (0,), (1,)).own_cpus
    alone = LinuxPlatform(os.getpid(), (0,), (0,))
    assert not alone.own_cpus
    assert alone.our_cpus == (0,)


def test_reasons_of_perf_events_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """For both figures, and for a count that leaves the kernel out."""
    monkeypatch.setattr(linux_platform, "PerfCounters", Refused)
    machine = LinuxPlatform(os.getpid(), (0,), (1,))
    machine.stop_counting()
    machine.start_counting(machine.group(os.getpid()))

    reasons = machine.reasons

    assert reasons["instructions"] == reasons["cycles"] == "perf events: not here"
    assert "user mode" in reasons["instructions.kernel"]
    assert machine.counts() is None
    machine.stop_counting()


def test_the_system_decides_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux reads /proc, macOS asks psutil."""
    assert isinstance(current_platform(os.getpid(), (0,), (1,)), LinuxPlatform)
    monkeypatch.setattr("sys.platform", "darwin")
    assert isinstance(current_platform(os.getpid(), (0,), (1,)), DarwinPlatform)
