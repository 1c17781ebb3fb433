"""Reads groups of processes and counters on macOS, through psutil and libproc.

What macOS does not tell without root is None with a reason: context switches by kind, memory
with shared pages counted once, retransmits, listen overflows, frequency.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Final

import psutil

from bench.sampler.darwin.rusage import Libproc, agrees
from bench.sampler.group import MemoryReading, TaskReading
from bench.sampler.linux.perf import PerfCounts
from bench.sampler.linux.procfs import NS_PER_S, CpuTimes, Stat
from bench.sampler.linux.system import SystemReading, clock_offsets
from bench.sampler.marks import CoreTime
from bench.sampler.members import Members
from bench.sampler.tracked import TrackedGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.sampler.group import GroupProbe

_TICKS_PER_S: Final = 100
_LOOPBACK: Final = "lo0"

REASONS: Final = {
    "voluntary_switches": "macOS counts both kinds of switches together",
    "involuntary_switches": "macOS counts both kinds of switches together",
    "rss_peak_bytes.pss": "macOS does not tell shared memory apart: sum of resident sizes",
    "counters.steal_share": "macOS does not tell",
    "counters.throttled_us": "macOS has no CPU quotas",
    "counters.cpu_throttle_events": "macOS shows a thermal level instead",
    "counters.retransmits": "would need a command of 20 ms at each mark",
    "counters.listen_overflows": "would need a command of 20 ms at each mark",
    "counters.frequency_mhz": "needs root on macOS",
}


class DarwinGroup(TrackedGroup):
    """A group of processes as psutil and libproc show it.

    The time of reaped children comes from libproc in nanoseconds.
    """

    def __init__(self, root: int, libproc: Libproc) -> None:
        members = Members(root, pids=psutil.pids, stat=self._stat, newest=lambda: None)
        super().__init__(members, clock=self._clock_ns, tick_ns=1)
        self._libproc = libproc
        self._last_ns: dict[int, int] = {}

    def tasks(self) -> Mapping[int, TaskReading] | None:
        """CPU time of every thread by its handle."""
        found: dict[int, TaskReading] = {}
        for pid, stat in self.stats.items():
            times = self._libproc.thread_times_ns(pid, stat.threads)
            if times is None:
                return None
            at_ns = time.monotonic_ns()
            found |= {handle: TaskReading(at_ns, cpu_ns) for handle, cpu_ns in times.items()}
        return found or None

    def memory(self) -> MemoryReading | None:
        """Sum of resident sizes: macOS does not say what is shared."""
        resident = self.resident_bytes()
        return None if resident is None else MemoryReading(resident, shared_once=False)

    def resident_bytes(self) -> int | None:
        """Sum of resident sizes."""
        total = 0
        for pid in self.stats:
            with contextlib.suppress(psutil.Error):
                total += psutil.Process(pid).memory_info().rss
        return total or None

    def _clock_ns(self, pid: int) -> int | None:
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.ZombieProcess:
            return self._last_ns.get(pid)
        except psutil.Error:
            return None
        self._last_ns[pid] = round((times.user + times.system) * NS_PER_S)
        return self._last_ns[pid]

    def _stat(self, pid: int) -> Stat | None:
        try:
            process = psutil.Process(pid)
            group, session = os.getpgid(pid), os.getsid(pid)
            with process.oneshot():
                state = "Z" if process.status() == psutil.STATUS_ZOMBIE else "R"
                ppid, start = process.ppid(), round(process.create_time() * NS_PER_S)
            threads = _threads(process)
        except (psutil.Error, OSError):
            return None
        usage = self._libproc.rusage(pid)
        reaped = round(usage.children * self._libproc.ns_per_unit) if usage else 0
        return Stat(pid, state, ppid, group, session, 0, reaped, threads, start)


class DarwinPlatform:
    """Reads this machine; see `Platform` for what each method gives.

    Nothing is held on a CPU here, so "our CPUs" are all of them.
    """

    own_cpus = False
    tick_s = 1 / _TICKS_PER_S
    irq_apart: bool | None = False

    def __init__(
        self,
        server_pid: int,
        server_cpus: tuple[int, ...],
        load_cpus: tuple[int, ...],
        *,
        libproc: Libproc | None = None,
    ) -> None:
        self.server_pid = server_pid
        self.server_cpus = server_cpus
        self.load_cpus = load_cpus
        self.our_cpus = tuple(range(psutil.cpu_count() or 1))
        self._libproc = libproc or Libproc()
        self._server: GroupProbe | None = None
        self._reason = ""
        self._used: dict[int, PerfCounts] = {}

    @property
    def reasons(self) -> dict[str, str]:
        """What is not available on macOS, with the cause."""
        missing = {"instructions": self._reason, "cycles": self._reason} if self._reason else {}
        return {**REASONS, **missing}

    def group(self, pid: int) -> DarwinGroup:
        """A probe for the group that begins with `pid`."""
        return DarwinGroup(pid, self._libproc)

    def system(self) -> SystemReading:
        """Clocks, CPU times and pages written to swap."""
        wall_ns, sleep_ns = clock_offsets()
        swapped = psutil.swap_memory().sout // os.sysconf("SC_PAGE_SIZE")
        return SystemReading(
            cpus=self.cpu_times(), swap_pages=swapped, wall_ns=wall_ns, sleep_ns=sleep_ns
        )

    def cpu_times(self) -> dict[int, CpuTimes] | None:
        """Ticks of each CPU; macOS has no figures for interrupts or stolen time."""
        found = {}
        for cpu, times in enumerate(psutil.cpu_times(percpu=True)):
            busy = times.user + times.system + times.nice
            idle = round(times.idle * _TICKS_PER_S)
            found[cpu] = CpuTimes(idle, 0, 0, idle + round(busy * _TICKS_PER_S))
        return found or None

    def loopback_bytes(self) -> int | None:
        """Bytes over `lo0` since boot."""
        counters = psutil.net_io_counters(pernic=True).get(_LOOPBACK)
        return counters.bytes_recv if counters else None

    def connections(self, port: int) -> int | None:
        """Established connections among the open files of the server's processes."""
        count = 0
        try:
            for pid in self._server.pids() if self._server else ():
                for one in psutil.Process(pid).net_connections(kind="tcp"):
                    local = getattr(one.laddr, "port", None)
                    count += local == port and one.status == psutil.CONN_ESTABLISHED
        except psutil.Error:
            return None
        return count

    def frequency_mhz(self) -> float | None:
        """Not without root."""
        return None

    def harness_rss_bytes(self) -> int | None:
        """Resident memory of `bench` itself."""
        resident: int = psutil.Process().memory_info().rss
        return resident

    def start_counting(self, server: GroupProbe) -> None:
        """Remember whose instructions to count; the processor counts all the time."""
        self._server = server
        self.counts()

    def counts(self) -> PerfCounts | None:
        """Instructions and cycles of the group since each process began.

        Believed only as long as the same call's CPU time agrees with psutil's.
        """
        for pid in self._server.pids() if self._server else ():
            self._count(pid)
        if self._reason or not self._used:
            return None
        used = self._used.values()
        return PerfCounts(sum(one.instructions for one in used), sum(one.cycles for one in used))

    def core_times(self) -> Mapping[int, CoreTime] | None:
        """CPU time of the server's processes and its part on performance cores.

        Believed as far as a part is not larger than the whole.
        """
        found = {}
        for pid in self._server.pids() if self._server else ():
            usage = self._libproc.rusage(pid)
            if usage is None or usage.fast is None or usage.fast > usage.own:
                return None
            found[pid] = CoreTime(usage.own, usage.fast)
        return found or None

    def stop_counting(self) -> None:
        """Nothing to let go of."""

    def _count(self, pid: int) -> None:
        usage = self._libproc.rusage(pid)
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.Error:
            return
        if usage is None or not usage.instructions:
            self._reason = "proc_pid_rusage does not count instructions here"
        elif not agrees(usage.own * self._libproc.ns_per_unit, sum(times[:2]) * NS_PER_S):
            self._reason = "proc_pid_rusage disagrees with psutil about the CPU time"
        else:
            self._used[pid] = PerfCounts(usage.instructions, usage.cycles)


def _threads(process: psutil.Process) -> int:
    """Threads of a process; 1 where it may not be asked, as for other users' processes."""
    try:
        return process.num_threads()
    except psutil.Error:
        return 1
