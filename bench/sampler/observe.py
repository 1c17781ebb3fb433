"""Subtracts two marks and makes the trial's Resources and Counters of them; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from bench.model.trial_record import Counters, Resources
from bench.sampler import group, window
from bench.sampler.busy import Tick, inside, load_busy, server_busy, thread_share
from bench.sampler.linux.procfs import NS_PER_S, sum_cpu_times
from bench.sampler.marks import Observation
from bench.sampler.window import Sample, Span, Work, byte_series, loaded_span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.sampler.group import GroupReading, MemoryReading
    from bench.sampler.linux.procfs import CpuTimes
    from bench.sampler.marks import Mark
    from bench.sampler.platforms import Platform

_T = TypeVar("_T")

_WHY: Final = {
    "load_busy": "no load process was seen under load",
    "server_cpu_s": "the server was gone",
    "server_busy": "the server was gone",
    "rss_peak_bytes": "the server was gone",
    "memory_slope_bytes_per_s": "fewer than three readings in the second half of the window",
    "voluntary_switches": "too many threads, or not reported by this system",
    "involuntary_switches": "too many threads, or not reported by this system",
}


class WatchedGroup:
    """What the background thread wrote down, each with its monotonic second."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.ticks: list[Tick] = []
        self.work: list[Work] = []
        self.memory: list[tuple[float, MemoryReading | None]] = []
        self.resident: list[tuple[float, int]] = []
        self.connections: list[tuple[float, int | None]] = []
        self.frequencies: list[tuple[float, float | None]] = []


def observe(begin: Mark, end: Mark, watched: WatchedGroup, platform: Platform) -> Observation:
    """What happened between two marks of one sampler.

    Series and shares are of the time in which there was load; CPU times and counters of all.

    Args:
        begin: the window's first mark.
        end: its second.
        watched: what was seen in the background; readings just after the end still count,
            since the server is still there and memory does not shrink at once.
        platform: CPUs, length of a tick, and why things are missing.
    """
    loaded = loaded_span(watched.samples, Span(begin.at_s, end.at_s))
    return Observation(
        resources=_resources(begin, end, watched, loaded, platform),
        counters=_counters(begin, end, watched, platform),
        series=byte_series(watched.samples, loaded),
        cpu_series=_cpu_series(watched, loaded),
        threads=end.group.threads if end.group else None,
        processes=end.group.processes if end.group else None,
        cpu_busy_s=_cpu_busy_s(begin, end, platform),
        looks=tuple(
            (at_s, count)
            for at_s, count in watched.connections
            if count is not None and begin.at_s <= at_s <= end.at_s
        ),
    )


def _cpu_series(watched: WatchedGroup, loaded: Span) -> tuple[float, ...]:
    """CPU seconds per second of the server; between two looks its clock is taken to run evenly."""
    seen = [Sample(tick.at_s, tick.server_ns) for tick in watched.ticks if tick.server_ns]
    return tuple(round(ns / NS_PER_S, 4) for ns in byte_series(seen, loaded))


def _cpu_busy_s(begin: Mark, end: Mark, platform: Platform) -> dict[int, float] | None:
    """How long each CPU was busy, for whichever process."""
    first, last = begin.system.cpus, end.system.cpus
    if first is None or last is None:
        return None
    busy = {
        cpu: (last[cpu].total - last[cpu].idle - last[cpu].steal)
        - (first[cpu].total - first[cpu].idle - first[cpu].steal)
        for cpu in sorted(first.keys() & last.keys())
    }
    return {cpu: max(0, ticks) * platform.tick_s for cpu, ticks in busy.items()}


def _resources(
    begin: Mark, end: Mark, watched: WatchedGroup, loaded: Span, platform: Platform
) -> Resources:
    ticks = inside(watched.ticks, loaded, (_tick(begin, platform), _tick(end, platform)))
    switched = group.switches(begin.tasks, end.tasks) if begin.tasks and end.tasks else None
    memory = _peak_memory(_within(watched.memory, begin, end, after_s=window.BIN_S))
    values = {
        "server_cpu_s": _cpu_s(begin.group, end.group),
        "load_cpu_s": _load_cpu_s(begin, end),
        "span_s": end.at_s - begin.at_s,
        "server_busy": _server_busy(ticks, begin, end, loaded, platform),
        "load_busy": load_busy(ticks),
        "rss_peak_bytes": memory.bytes if memory else None,
        "memory_slope_bytes_per_s": window.late_slope(
            watched.resident, loaded, end.at_s + window.BIN_S
        ),
        "voluntary_switches": switched[0] if switched else None,
        "involuntary_switches": switched[1] if switched else None,
        "server_fast_share": _fast_share(begin, end),
        "instructions": _counted(begin, end, "instructions"),
        "cycles": _counted(begin, end, "cycles"),
        "harness_cpu_s": (end.harness_ns - begin.harness_ns) / NS_PER_S,
        "harness_rss_bytes": platform.harness_rss_bytes(),
    }
    missing = {
        name: platform.reasons.get(name) or _WHY.get(name, "not readable")
        for name in values
        if values[name] is None and name != "server_fast_share"
    }
    notes = {name: why for name, why in platform.reasons.items() if "." in name}
    if memory and not memory.shared_once:
        notes["rss_peak_bytes.pss"] = "smaps_rollup not readable: shared pages count in full"
    database = {"database_cpu_s": _cpu_s(begin.database, end.database)}
    return Resources.model_validate({**values, **database, "unavailable": {**missing, **notes}})


def _counters(begin: Mark, end: Mark, watched: WatchedGroup, platform: Platform) -> Counters:
    first, last = begin.system, end.system
    speeds = [mhz for mhz in _within(watched.frequencies, begin, end) if mhz is not None]
    before, after = window.ends_of(speeds)
    seen = [count for count in _within(watched.connections, begin, end) if count is not None]
    return Counters(
        steal_share=_steal(begin, end, platform),
        others_share=_others(begin, end, platform),
        throttled_us=_delta(first.throttled_us, last.throttled_us),
        cpu_throttle_events=_delta(first.cpu_throttle_events, last.cpu_throttle_events),
        retransmits=_delta(first.retransmits, last.retransmits),
        retransmits_needless=_delta(first.duplicates, last.duplicates),
        listen_overflows=_delta(first.listen_drops, last.listen_drops),
        swap_pages=_delta(first.swap_pages, last.swap_pages),
        frequency_mhz_before=before,
        frequency_mhz_after=after,
        wall_minus_monotonic_s=_gap_s(begin, end),
        connections_seen=max(seen, default=None),
        cpu_stall_us=_delta(first.stall_us, last.stall_us),
    )


def _within(
    readings: Sequence[tuple[float, _T]], begin: Mark, end: Mark, *, after_s: float = 0.0
) -> list[_T]:
    return [value for at_s, value in readings if begin.at_s <= at_s <= end.at_s + after_s]


def _peak_memory(readings: Sequence[MemoryReading | None]) -> MemoryReading | None:
    return max((reading for reading in readings if reading), default=None)


def _delta(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else max(0, after - before)


def _counted(begin: Mark, end: Mark, name: str) -> int | None:
    if begin.counts is None or end.counts is None:
        return None
    difference: int = getattr(end.counts, name) - getattr(begin.counts, name)
    return max(0, difference)


def _fast_share(begin: Mark, end: Mark) -> float | None:
    """Share of the server's CPU time on the fastest cores, of processes seen at both marks."""
    first, last = begin.core_times or {}, end.core_times or {}
    both = first.keys() & last.keys()
    own = sum(last[pid].own - first[pid].own for pid in both)
    fast = sum(last[pid].fast - first[pid].fast for pid in both)
    return min(1.0, max(0.0, fast / own)) if own > 0 else None


def _cpu_s(begin: GroupReading | None, end: GroupReading | None) -> float | None:
    if begin is None or end is None:
        return None
    return max(0, end.cpu_ns - begin.cpu_ns) / NS_PER_S


def _load_cpu_s(begin: Mark, end: Mark) -> tuple[float, ...]:
    """CPU time of each load process; one that was not there at the first mark began at 0."""
    return tuple(
        max(0, load.cpu_ns - (begin.loads[pid].cpu_ns if pid in begin.loads else 0)) / NS_PER_S
        for pid, load in end.loads.items()
    )


def _gap_s(begin: Mark, end: Mark) -> float:
    """How far other clocks ran away from the monotonic one: sleep, or the clock was set."""
    gaps = [(end.system.wall_ns - begin.system.wall_ns) / NS_PER_S]
    if begin.system.sleep_ns is not None and end.system.sleep_ns is not None:
        gaps.append((end.system.sleep_ns - begin.system.sleep_ns) / NS_PER_S)
    return max(gaps, key=abs)


def _cpus(begin: Mark, end: Mark, cpus: Sequence[int]) -> tuple[CpuTimes, CpuTimes] | None:
    if begin.system.cpus is None or end.system.cpus is None or not cpus:
        return None
    wanted = set(cpus)
    return sum_cpu_times(begin.system.cpus, wanted), sum_cpu_times(end.system.cpus, wanted)


def _steal(begin: Mark, end: Mark, platform: Platform) -> float | None:
    times = _cpus(begin, end, platform.our_cpus)
    if times is None or "counters.steal_share" in platform.reasons:
        return None
    return window.steal_share(*times)


def _others(begin: Mark, end: Mark, platform: Platform) -> float | None:
    times = _cpus(begin, end, platform.our_cpus)
    if times is None:
        return None
    ours_ticks = (end.ours_ns - begin.ours_ns) / NS_PER_S / platform.tick_s
    return window.others_share(*times, ours_ticks, irq_apart=platform.irq_apart)


def _tick(mark: Mark, platform: Platform) -> Tick:
    return tick_of(
        mark.at_s,
        mark.group.cpu_ns if mark.group else None,
        {pid: load.cpu_ns for pid, load in mark.loads.items() if load.alive_s >= mark.at_s},
        mark.system.cpus,
        platform,
    )


def tick_of(
    at_s: float,
    server_ns: int | None,
    loads: Mapping[int, int],
    cpus: Mapping[int, CpuTimes] | None,
    platform: Platform,
) -> Tick:
    """Put together what `busy` needs."""
    if cpus is None:
        return Tick(at_s, server_ns, loads, None, None)
    server = sum_cpu_times(cpus, platform.server_cpus)
    return Tick(at_s, server_ns, loads, server, sum_cpu_times(cpus, platform.load_cpus))


def _server_busy(
    ticks: Sequence[Tick], begin: Mark, end: Mark, loaded: Span, platform: Platform
) -> float | None:
    thread = 0.0
    if begin.tasks and end.tasks:
        thread = thread_share(begin.tasks, end.tasks, loaded, Span(begin.at_s, end.at_s))
    count = len(platform.server_cpus)
    return server_busy(ticks, count, own_cpus=platform.own_cpus, thread=thread)
