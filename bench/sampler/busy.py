"""How busy server and load tools were while there was load; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.sampler import group
from bench.sampler.linux.procfs import NS_PER_S
from bench.sampler.window import Span, cpus_busy, steal_share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.sampler.group import TaskReading
    from bench.sampler.linux.procfs import CpuTimes

_LEAST_GIVEN: Final = 0.05
_MIN_COVER: Final = 0.5
"""Ticks must cover this share of the loaded span, else the marks around it are used."""


class Tick(NamedTuple):
    """What was used up to one instant.

    Attributes:
        at_s: monotonic seconds.
        server_ns: CPU time of the server's group.
        loads: CPU time of each load process that is alive, by pid.
        server_cpus: ticks of the server's CPUs; None where unreadable.
        load_cpus: ticks of the load's CPUs.
    """

    at_s: float
    server_ns: int | None
    loads: Mapping[int, int]
    server_cpus: CpuTimes | None
    load_cpus: CpuTimes | None


def inside(ticks: Sequence[Tick], loaded: Span, marks: tuple[Tick, Tick]) -> list[Tick]:
    """The ticks of the loaded span; the two marks where there are too few."""
    chosen = [tick for tick in ticks if loaded.begin_s <= tick.at_s <= loaded.end_s]
    covered = chosen[-1].at_s - chosen[0].at_s if chosen else 0.0
    return chosen if covered >= _MIN_COVER * loaded.length_s > 0 else list(marks)


def server_busy(
    ticks: Sequence[Tick], cpu_count: int, *, own_cpus: bool, thread: float
) -> float | None:
    """The highest of three shares of the time that the hypervisor gave.

    Args:
        ticks: of the loaded span, ascending.
        cpu_count: how many CPUs the server has.
        own_cpus: nothing of ours shares them, so that their own counters tell about it.
        thread: share of one CPU that its busiest thread used.
    """
    first, last = ticks[0], ticks[-1]
    seconds = last.at_s - first.at_s
    if first.server_ns is None or last.server_ns is None or seconds <= 0:
        return None
    given = _given(first.server_cpus, last.server_cpus)
    used_s = (last.server_ns - first.server_ns) / NS_PER_S
    shares = [used_s / seconds / max(1, cpu_count) / given, thread / given]
    if own_cpus and first.server_cpus and last.server_cpus:
        shares.append(cpus_busy(first.server_cpus, last.server_cpus) or 0.0)
    return min(1.0, max(0.0, *shares))


def load_busy(ticks: Sequence[Tick]) -> float | None:
    """Greatest share of one CPU that a load process used, each while it was alive."""
    shares: list[float] = []
    for pid in {pid for tick in ticks for pid in tick.loads}:
        seen = [tick for tick in ticks if pid in tick.loads]
        seconds = seen[-1].at_s - seen[0].at_s
        if seconds > 0:
            used_s = (seen[-1].loads[pid] - seen[0].loads[pid]) / NS_PER_S
            shares.append(used_s / seconds)
    if not shares:
        return None
    return min(1.0, max(shares) / _given(ticks[0].load_cpus, ticks[-1].load_cpus))


def thread_share(
    begin: Mapping[int, TaskReading], end: Mapping[int, TaskReading], loaded: Span, whole: Span
) -> float:
    """Share of the busiest thread, as if all it used between the marks fell under load."""
    stretch = whole.length_s / loaded.length_s if loaded.length_s > 0 else 1.0
    return min(1.0, group.busiest_thread(begin, end) * stretch)


def _given(first: CpuTimes | None, last: CpuTimes | None) -> float:
    """Share of the CPUs' time that was not stolen."""
    if first is None or last is None:
        return 1.0
    return max(_LEAST_GIVEN, 1 - (steal_share(first, last) or 0.0))
