"""What a group of processes uses at one instant, on every system in the same form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class GroupReading(NamedTuple):
    """A group of processes at one instant; only differences of the clocks mean something.

    Attributes:
        cpu_ns: CPU time of the group, ended threads and processes included.
        threads: alive now.
        processes: alive now, without zombies.
    """

    cpu_ns: int
    threads: int
    processes: int


class TaskReading(NamedTuple):
    """One thread at one instant.

    Attributes:
        at_ns: monotonic time of the reading.
        cpu_ns: its time on a CPU since it began.
        voluntary: times it gave its CPU up, None where unreadable.
        involuntary: times its CPU was taken from it.
    """

    at_ns: int
    cpu_ns: int
    voluntary: int | None = None
    involuntary: int | None = None


class MemoryReading(NamedTuple):
    """Memory of a group.

    Attributes:
        shared_once: whether shared pages are divided among their users (PSS).
    """

    bytes: int
    shared_once: bool


class GroupProbe(Protocol):
    """Reads one group; an instance belongs to one root process."""

    def read(self, *, fresh: bool = True) -> GroupReading | None:
        """Clocks and counts now; None when nothing of the group was ever seen alive.

        Args:
            fresh: look at everything; else only at the clocks where nothing seems changed,
                which costs a tenth.
        """
        ...

    def tasks(self) -> Mapping[int, TaskReading] | None:
        """Every thread by its id; None where the system does not tell or there are too many."""
        ...

    def memory(self) -> MemoryReading | None:
        """Memory now; costly for large processes."""
        ...

    def resident_bytes(self) -> int | None:
        """A cheap figure that grows when memory does; None where there is none."""
        ...

    def pids(self) -> tuple[int, ...]:
        """Who was alive at the last `read`."""
        ...


def busiest_thread(begin: Mapping[int, TaskReading], end: Mapping[int, TaskReading]) -> float:
    """Greatest share of one CPU that a single thread used between two readings.

    A thread that is only in `end` began in between, with a clock of 0, and is given the
    length of the whole window. One that ended in between is not seen.
    """
    if not begin or not end:
        return 0.0
    start_ns = min(task.at_ns for task in begin.values())
    shares = [
        _share(begin.get(task_id, TaskReading(start_ns, 0)), task) for task_id, task in end.items()
    ]
    return max(shares)


def switches(
    begin: Mapping[int, TaskReading], end: Mapping[int, TaskReading]
) -> tuple[int, int] | None:
    """Voluntary and involuntary switches between two readings, of threads alive at the end."""
    voluntary = involuntary = 0
    for task_id, task in end.items():
        before = begin.get(task_id, TaskReading(0, 0, 0, 0))
        values = (task.voluntary, task.involuntary, before.voluntary, before.involuntary)
        if task.voluntary is None or None in values:
            return None
        voluntary += task.voluntary - (before.voluntary or 0)
        involuntary += (task.involuntary or 0) - (before.involuntary or 0)
    return max(0, voluntary), max(0, involuntary)


def _share(begin: TaskReading, end: TaskReading) -> float:
    span_ns = end.at_ns - begin.at_ns
    return max(0, end.cpu_ns - begin.cpu_ns) / span_ns if span_ns > 0 else 0.0
