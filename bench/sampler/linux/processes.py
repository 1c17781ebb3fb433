"""Reads groups of processes on Linux: clocks in nanoseconds, memory, threads."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from bench.sampler.group import MemoryReading, TaskReading
from bench.sampler.linux import procfs
from bench.sampler.members import Members
from bench.sampler.tracked import TrackedGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.sampler.linux.procfs import Stat

MAX_TASKS: Final = 512
"""Above this many threads none is read one by one: 512 take about 4 ms."""

_READ_BYTES: Final = 1 << 13
_CHUNK_BYTES: Final = 1 << 16
_CPUCLOCK_SCHED: Final = 2


def read_bytes(path: str) -> bytes | None:
    """The first 8 KB of a file of /proc or /sys; None where it is absent or refused.

    Ten times cheaper than `open().read()`, which the cost of sampling lives on; a larger
    buffer would be mapped and unmapped by each call, which costs as much again.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(handle, _READ_BYTES)
    except OSError:
        return None
    finally:
        os.close(handle)


def read_whole(path: str) -> bytes | None:
    """A file of /proc, /sys or /boot to its end; None where it is absent or refused."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return b"".join(iter(lambda: os.read(handle, _CHUNK_BYTES), b""))
    except OSError:
        return None
    finally:
        os.close(handle)


def process_clock_ns(pid: int) -> int | None:
    """CPU time of a process in nanoseconds, its ended threads included; None when it is gone.

    The clock id is the kernel's encoding of "this process, time on CPU": the inverted pid
    shifted by three, with the kind of clock in the low bits.
    """
    try:
        return time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED)
    except OSError:
        return None


def list_pids() -> list[int]:
    """Every process id in /proc."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - hot path


def newest_pid() -> bytes | None:
    """The newest id given to a process or thread: changes whenever one is made."""
    text = read_bytes("/proc/loadavg")
    return text.rsplit(None, 1)[-1] if text else None


class LinuxGroup(TrackedGroup):
    """A group of processes as /proc shows it."""

    def __init__(
        self,
        root: int,
        *,
        clock: Callable[[int], int | None] = process_clock_ns,
        read: Callable[[str], bytes | None] = read_bytes,
        pids: Callable[[], list[int]] = list_pids,
        newest: Callable[[], bytes | None] = newest_pid,
    ) -> None:
        members = Members(root, pids=pids, stat=self._stat, newest=newest)
        tick_ns = procfs.NS_PER_S // os.sysconf("SC_CLK_TCK")
        super().__init__(members, clock=clock, tick_ns=tick_ns)
        self._read_file = read
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")

    def tasks(self) -> Mapping[int, TaskReading] | None:
        """Every thread by its id; None with too many of them or without schedstat."""
        if sum(stat.threads for stat in self.stats.values()) > MAX_TASKS:
            return None
        found: dict[int, TaskReading] = {}
        for pid, stat in self.stats.items():
            for task in self._task_ids(pid, stat.threads):
                reading = self._task(pid, task)
                if reading is not None:
                    found[task] = reading
        return found or None

    def memory(self) -> MemoryReading | None:
        """Sum of PSS; where it may not be read, the sum of resident sizes."""
        total = 0
        for pid in self.stats:
            text = self._read_file(f"/proc/{pid}/smaps_rollup")
            if text is None and self._read_file(f"/proc/{pid}/statm"):
                rss = self.resident_bytes()
                return None if rss is None else MemoryReading(rss, shared_once=False)
            if text and b"\nPss:" in text:
                total += procfs.parse_pss(text)
        return MemoryReading(total, shared_once=True) if total else None

    def resident_bytes(self) -> int | None:
        """Sum of resident sizes, shared pages in full."""
        texts = [self._read_file(f"/proc/{pid}/statm") for pid in self.stats]
        return sum(procfs.parse_statm_rss(text, self._page_bytes) for text in texts if text) or None

    def _stat(self, pid: int) -> Stat | None:
        text = self._read_file(f"/proc/{pid}/stat")
        return procfs.parse_stat(text) if text else None

    def _task_ids(self, pid: int, threads: int) -> list[int]:
        if threads == 1:
            return [pid]
        try:
            return [int(name) for name in os.listdir(f"/proc/{pid}/task")]  # noqa: PTH208 - hot path
        except OSError:
            return []

    def _task(self, pid: int, task: int) -> TaskReading | None:
        folder = f"/proc/{pid}/task/{task}"
        clock = self._read_file(f"{folder}/schedstat")
        if not clock:
            return None
        at_ns = time.monotonic_ns()
        status = self._read_file(f"{folder}/status")
        if not status or b"voluntary_ctxt_switches" not in status:
            return TaskReading(at_ns, procfs.parse_schedstat(clock))
        return TaskReading(at_ns, procfs.parse_schedstat(clock), *procfs.parse_switches(status))
