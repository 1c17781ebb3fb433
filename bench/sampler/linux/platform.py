"""The Linux platform: processes, counters and perf events put together for one trial."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from bench.sampler.linux import procfs, sockdiag
from bench.sampler.linux.perf import PerfCounters
from bench.sampler.linux.processes import LinuxGroup, read_bytes, read_whole
from bench.sampler.linux.system import LinuxSystem

if TYPE_CHECKING:
    from bench.sampler.group import GroupProbe
    from bench.sampler.linux.perf import PerfCounts
    from bench.sampler.linux.system import SystemReading


def _inside(space: int) -> dict[str, Any]:
    """How the counters of a network namespace are read: its few sockets stand in its tables."""
    if not space:
        return {}

    def read(path: str) -> bytes | None:
        return read_whole(path.replace("/proc/net/", f"/proc/{space}/net/"))

    return {"read": read, "count": lambda _port: None}


class LinuxPlatform:
    """Reads this machine; see `Platform` for what each method gives."""

    def __init__(
        self,
        server_pid: int,
        server_cpus: tuple[int, ...],
        load_cpus: tuple[int, ...],
        *,
        space: int = 0,
    ) -> None:
        self.server_cpus = server_cpus
        self.load_cpus = load_cpus
        self.our_cpus = tuple(sorted({*server_cpus, *load_cpus}))
        self.own_cpus = not set(server_cpus) & set(load_cpus)
        self._system = LinuxSystem(frozenset(self.our_cpus), server_pid, **_inside(space))
        self.tick_s = 1 / os.sysconf("SC_CLK_TCK")
        self.irq_apart = self._system.irq_time_apart()
        self._perf: PerfCounters | None = None
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")

    @property
    def reasons(self) -> dict[str, str]:
        """What is not available on this machine, with the cause."""
        found = dict(self._system.reasons)
        if self._perf is not None and self._perf.reason:
            found["instructions"] = found["cycles"] = self._perf.reason
        if self._perf is not None and self._perf.user_only:
            found["instructions.kernel"] = "perf_event_paranoid allows user mode only"
        return found

    def group(self, pid: int) -> LinuxGroup:
        """A probe for the group that begins with `pid`."""
        return LinuxGroup(pid)

    def system(self) -> SystemReading:
        """Counters now."""
        return self._system.now()

    def cpu_times(self) -> dict[int, procfs.CpuTimes] | None:
        """Ticks of each of our CPUs now."""
        return self._system.cpu_times()

    def loopback_bytes(self) -> int | None:
        """Bytes over `lo` since boot."""
        return self._system.loopback_bytes()

    def connections(self, port: int) -> int | None:
        """Established connections to the server's port."""
        return self._system.connections(port)

    def port_bytes(self, port: int) -> int | None:
        """Bytes that the connections of the server's port have received."""
        return sockdiag.bytes_received(port) or None

    def frequency_mhz(self) -> float | None:
        """Mean frequency of our CPUs."""
        return self._system.frequency_mhz()

    def harness_rss_bytes(self) -> int | None:
        """Resident memory of `bench` itself."""
        text = read_bytes("/proc/self/statm")
        return procfs.parse_statm_rss(text, self._page_bytes) if text else None

    def start_counting(self, server: GroupProbe) -> None:
        """Attach perf events to every thread of the server."""
        self._perf = PerfCounters(lambda: list(server.tasks() or ()))

    def counts(self) -> PerfCounts | None:
        """Instructions and cycles since then."""
        return self._perf.read() if self._perf else None

    def core_times(self) -> None:
        """Not kept per process; a trial's processes are held on CPUs of one kind instead."""

    def stop_counting(self) -> None:
        """Let go of the counters."""
        if self._perf:
            self._perf.close()
