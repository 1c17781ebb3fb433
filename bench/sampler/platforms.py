"""Chooses how this system is read; the only place that knows which systems there are."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.sampler.group import GroupProbe
    from bench.sampler.linux.handshakes import HandshakeCount
    from bench.sampler.linux.perf import PerfCounts
    from bench.sampler.linux.procfs import CpuTimes
    from bench.sampler.linux.system import SystemReading
    from bench.sampler.marks import CoreTime


class Platform(Protocol):
    """Everything that differs between systems; one instance belongs to one trial.

    Attributes:
        server_cpus: the server's.
        load_cpus: the load's.
        our_cpus: those whose time others may not use: both together, or all.
        own_cpus: nothing of ours shares the server's CPUs.
        tick_s: length of one tick of the CPU counters in seconds.
        irq_apart: whether processes' CPU time leaves interrupts out; None where unknown.
    """

    server_cpus: tuple[int, ...]
    load_cpus: tuple[int, ...]
    our_cpus: tuple[int, ...]
    own_cpus: bool
    tick_s: float
    irq_apart: bool | None

    @property
    def reasons(self) -> Mapping[str, str]:
        """Dotted name of what is not available here -> why."""
        ...

    def group(self, pid: int) -> GroupProbe:
        """A probe for the group that begins with `pid`."""
        ...

    def system(self) -> SystemReading:
        """Counters now."""
        ...

    def cpu_times(self) -> Mapping[int, CpuTimes] | None:
        """Ticks of each of our CPUs now."""
        ...

    def loopback_bytes(self) -> int | None:
        """Bytes over the loopback interface since boot."""
        ...

    def connections(self, port: int) -> int | None:
        """Established connections to the server's port."""
        ...

    def port_bytes(self, port: int) -> int | None:
        """Bytes that the connections of the server's port have received; None = not reported."""
        ...

    def frequency_mhz(self) -> float | None:
        """Mean frequency of our CPUs."""
        ...

    def harness_rss_bytes(self) -> int | None:
        """Resident memory of `bench` itself."""
        ...

    def start_counting(self, server: GroupProbe) -> None:
        """Begin to count instructions and cycles, where the machine does."""
        ...

    def counts(self) -> PerfCounts | None:
        """Instructions and cycles since then."""
        ...

    def core_times(self) -> Mapping[int, CoreTime] | None:
        """CPU time of the server's processes by kind of core, where the system keeps it."""
        ...

    def stop_counting(self) -> None:
        """Let go of the counters."""
        ...


def current_platform(
    server_pid: int, server_cpus: tuple[int, ...], load_cpus: tuple[int, ...], *, space: int = 0
) -> Platform:
    """The platform that this process runs on."""
    if sys.platform == "darwin":
        from bench.sampler.darwin.platform import DarwinPlatform  # noqa: PLC0415 - needs psutil

        return DarwinPlatform(server_pid, server_cpus, load_cpus)
    from bench.sampler.linux.platform import LinuxPlatform  # noqa: PLC0415 - needs /proc

    return LinuxPlatform(server_pid, server_cpus, load_cpus, space=space)


def handshake_count(port: int, space: int) -> HandshakeCount | None:
    """Begins to count the TLS handshakes at a port; None where the system does not let us see."""
    if sys.platform == "darwin":
        return None
    from bench.sampler.linux.handshakes import count_handshakes  # noqa: PLC0415 - needs Linux

    return count_handshakes(port, space)
