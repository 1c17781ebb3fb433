"""What the sampler hands out: marks, and what lies between two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.model.trial_record import Counters, Resources
    from bench.sampler.group import GroupReading, TaskReading
    from bench.sampler.linux.perf import PerfCounts
    from bench.sampler.linux.system import SystemReading


class LoadReading(NamedTuple):
    """One load process.

    Attributes:
        alive_s: when it was last seen alive, monotonic seconds.
        cpu_ns: its CPU time since it began, children included.
    """

    alive_s: float
    cpu_ns: int


class CoreTime(NamedTuple):
    """CPU time of one process since it began, in any unit: only shares are made of it.

    Attributes:
        own: on all cores.
        fast: on the fastest kind of core.
    """

    own: int
    fast: int


class Mark(NamedTuple):
    """Every clock and counter at one instant.

    Attributes:
        at_s: monotonic seconds.
        group: the server's processes; None when they were never seen.
        loads: the load processes set at that time, by pid.
        ours_ns: CPU time of `bench` and of everything it started, those that ended included.
        tasks: the server's threads; None where they cannot be read one by one.
        counts: instructions and cycles; None where the machine does not count them.
        core_times: the server's processes by kind of core; None where the system does not tell.
        database: the processes of the database beside it; None where there is none.
    """

    at_s: float
    group: GroupReading | None
    loads: Mapping[int, LoadReading]
    ours_ns: int
    harness_ns: int
    tasks: Mapping[int, TaskReading] | None
    system: SystemReading
    counts: PerfCounts | None
    core_times: Mapping[int, CoreTime] | None = None
    database: GroupReading | None = None


class Observation(NamedTuple):
    """What happened between two marks.

    Attributes:
        series: bytes per second on the loopback interface, per whole 250 ms.
        cpu_series: CPU seconds per second that the server used, in the same bins.
        threads: of the server at the second mark.
        processes: of the server at the second mark.
        cpu_busy_s: seconds in which each CPU was not idle; None where unreadable.
        looks: (monotonic second, established connections at the server's port) of each look in
            between; none where our clock is not that of the machine.
    """

    resources: Resources
    counters: Counters
    series: tuple[float, ...]
    cpu_series: tuple[float, ...]
    threads: int | None
    processes: int | None
    cpu_busy_s: Mapping[int, float] | None = None
    looks: tuple[tuple[float, int], ...] = ()


def with_load_cpu(
    observation: Observation, cpu_s: Sequence[float], span_s: Sequence[float]
) -> Observation:
    """Put in what the load processes really used, known only once they have ended.

    The sampler sees a load process up to 250 ms before its end. Whoever waits for it learns
    its whole CPU time (`wait4`), children included: that replaces `load_cpu_s`.
    `load_busy` stays as seen under load, since the whole life of a process holds its start
    and its writing of results; only where nothing was seen it is that of the whole life.

    Args:
        observation: of a window whose first mark came before the processes began.
        cpu_s: CPU time of each load process over its life.
        span_s: how long each lived.
    """
    resources = observation.resources
    shares = [cpu / span for cpu, span in zip(cpu_s, span_s, strict=True) if span > 0]
    busy = resources.load_busy
    if busy is None and shares:
        busy = min(1.0, max(shares))
    reasons = {k: v for k, v in resources.unavailable.items() if k != "load_busy" or busy is None}
    return observation._replace(
        resources=resources.replace(load_cpu_s=tuple(cpu_s), load_busy=busy, unavailable=reasons)
    )
