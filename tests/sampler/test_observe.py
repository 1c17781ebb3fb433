"""Two marks become one observation: deltas, shares, peaks, and reasons for what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.sampler import observe
from bench.sampler.group import GroupReading, MemoryReading, TaskReading
from bench.sampler.linux.perf import PerfCounts
from bench.sampler.linux.procfs import CpuTimes
from bench.sampler.linux.system import SystemReading
from bench.sampler.marks import LoadReading, Mark, Observation, with_load_cpu
from bench.sampler.observe import WatchedGroup
from bench.sampler.window import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.sampler.busy import Tick
    from bench.sampler.platforms import Platform

S = 1_000_000_000


class Machine:
    """The part of a platform that observing needs."""

    server_cpus = (0,)
    load_cpus = (1,)
    our_cpus = (0, 1)
    own_cpus = True
    tick_s = 0.01
    irq_apart: bool | None = False

    def __init__(self, **reasons: str) -> None:
        self.reasons: Mapping[str, str] = {
            name.replace("__", "."): why for name, why in reasons.items()
        }

    def harness_rss_bytes(self) -> int | None:
        return 30_000_000


def cpus(at_s: float, *, idle_s: float, steal_s: float = 0.0) -> dict[int, CpuTimes]:
    """Both CPUs alike, running since second 0."""
    one = CpuTimes(round(idle_s * 100), 0, round(steal_s * 100), round(at_s * 100))
    return {0: one, 1: one}


def mark(
    at_s: float,
    *,
    server_s: float | None = 0.0,
    loads: dict[int, LoadReading] | None = None,
    ours_s: float = 0.0,
    tasks: Mapping[int, TaskReading] | None = None,
    system: SystemReading | None = None,
    counts: PerfCounts | None = None,
) -> Mark:
    group = None if server_s is None else GroupReading(round(server_s * S), 5, 2)
    return Mark(
        at_s=at_s,
        group=group,
        loads=loads or {},
        ours_ns=round(ours_s * S),
        harness_ns=round(at_s * S / 100),
        tasks=tasks,
        system=system or SystemReading(cpus=cpus(at_s, idle_s=0)),
        counts=counts,
    )


def watched(**lists: list[object]) -> WatchedGroup:
    made = WatchedGroup()
    for name, values in lists.items():
        getattr(made, name).extend(values)
    return made


def seen(begin: Mark, end: Mark, notes: WatchedGroup | None = None, **reasons: str) -> Observation:
    platform: Platform = Machine(**reasons)  # type: ignore[assignment]  # only what is needed
    return observe.observe(begin, end, notes or WatchedGroup(), platform)


class TestResources:
    def test_clocks_are_subtracted(self) -> None:
        """CPU time of server, load and harness between the marks."""
        begin = mark(10, server_s=5, loads={1: LoadReading(10, S)})
        end = mark(12, server_s=6.5, loads={1: LoadReading(12, 2 * S), 2: LoadReading(11, S // 2)})

        found = seen(begin, end)

        assert found.resources.server_cpu_s == pytest.approx(1.5)
        assert found.resources.load_cpu_s == pytest.approx((1.0, 0.5))
        assert found.resources.span_s == pytest.approx(2)
        assert found.resources.harness_cpu_s == pytest.approx(0.02)
        assert found.resources.harness_rss_bytes == 30_000_000
        assert (found.threads, found.processes) == (5, 2)

    def test_instructions_and_switches_are_subtracted(self) -> None:
        """Where the machine tells them."""
        begin = mark(0, counts=PerfCounts(10, 100), tasks={1: TaskReading(0, 0, 3, 1)})
        end = mark(1, counts=PerfCounts(25, 130), tasks={1: TaskReading(S, 0, 9, 2)})

        used = seen(begin, end).resources

        assert (used.instructions, used.cycles) == (15, 30)
        assert (used.voluntary_switches, used.involuntary_switches) == (6, 1)

    def test_what_is_missing_has_a_reason(self) -> None:
        """The platform's, else a general one; a note about a figure that is there stays too."""
        used = seen(
            mark(0, server_s=None),
            mark(1, server_s=None),
            cycles="not here",
            instructions__kernel="user mode only",
        ).resources

        assert used.server_cpu_s is None
        assert used.server_busy is None
        assert used.unavailable["cycles"] == "not here"
        assert used.unavailable["instructions"] == "not readable"
        assert used.unavailable["server_cpu_s"] == "the server was gone"
        assert used.unavailable["instructions.kernel"] == "user mode only"
        assert "span_s" not in used.unavailable

    def test_the_highest_memory_of_the_window_counts(self) -> None:
        """Readings before it do not, one just after the end does."""
        notes = watched(
            memory=[
                (0.5, MemoryReading(900, shared_once=True)),
                (1.5, MemoryReading(500, shared_once=True)),
                (1.7, None),
                (2.1, MemoryReading(700, shared_once=True)),
                (2.9, MemoryReading(999, shared_once=True)),
            ]
        )

        used = seen(mark(1), mark(2), notes).resources

        assert used.rss_peak_bytes == 700
        assert "rss_peak_bytes.pss" not in used.unavailable

    def test_shared_pages_in_full_are_noted(self) -> None:
        """A sum of resident sizes is not what the field promises."""
        notes = watched(memory=[(1.5, MemoryReading(500, shared_once=False))])

        used = seen(mark(1), mark(2), notes).resources

        assert used.rss_peak_bytes == 500
        assert "in full" in used.unavailable["rss_peak_bytes.pss"]


class TestBusy:
    def test_marks_stand_in_where_there_are_no_ticks(self) -> None:
        """A window too short for the background thread still has its shares."""
        begin = mark(0, system=SystemReading(cpus=cpus(0, idle_s=0)))
        end = mark(1, server_s=0.5, system=SystemReading(cpus=cpus(1, idle_s=0.4)))

        used = seen(begin, end).resources

        assert used.server_busy == pytest.approx(0.6)
        assert used.load_busy is None
        assert "load process" in used.unavailable["load_busy"]

    def test_ticks_under_load_decide(self) -> None:
        """Quiet seconds before and after do not make a busy server look idle."""
        ticks = [self.tick(at / 4) for at in range(25)]
        samples = [Sample(at / 8, round(min(max(at / 8 - 2, 0), 2) * 1e6)) for at in range(49)]
        notes = watched(ticks=list(ticks), samples=list(samples))
        tasks = {1: TaskReading(0, 0)}, {1: TaskReading(6 * S, round(1.9 * S))}

        used = seen(mark(0, tasks=tasks[0]), mark(6, server_s=2, tasks=tasks[1]), notes).resources

        assert used.server_busy is not None
        assert used.server_busy > 0.95
        assert used.load_busy == pytest.approx(0.5)

    def tick(self, at_s: float) -> Tick:
        """Server busy from second 2 to 4, the load tool half busy and alive as long."""
        used_s = min(max(at_s - 2, 0.0), 2.0)
        loads = {9: round(used_s * S / 2)} if 2 <= at_s <= 4 else {}
        times = cpus(at_s, idle_s=at_s - used_s)
        return observe.tick_of(at_s, round(used_s * S), loads, times, Machine())  # type: ignore[arg-type]  # only what is needed


class TestCounters:
    def test_counters_are_subtracted(self) -> None:
        """Each is the difference of the two marks."""
        begin = mark(0, system=SystemReading(None, 5, 1, 10, 7, 100, 1_000, duplicates=2))
        end = mark(1, system=SystemReading(None, 8, 3, 15, 7, 104, 1_500, duplicates=6))

        found = seen(begin, end).counters

        assert (found.throttled_us, found.cpu_throttle_events) == (3, 2)
        assert (found.retransmits, found.listen_overflows, found.swap_pages) == (5, 0, 4)
        assert (found.cpu_stall_us, found.retransmits_needless) == (500, 4)
        assert (found.steal_share, found.others_share) == (None, None)

    def test_shares_are_of_our_cpus(self) -> None:
        """Two CPUs for 1 s: 0.1 s stolen, 0.5 s idle, 1.3 s ours leave 0.1 s to others."""
        begin = mark(0, system=SystemReading(cpus=cpus(0, idle_s=0)))
        end = mark(1, ours_s=1.3, system=SystemReading(cpus=cpus(1, idle_s=0.25, steal_s=0.05)))

        found = seen(begin, end).counters

        assert found.steal_share == pytest.approx(0.05)
        assert found.others_share == pytest.approx(0.05)

    def test_steal_is_unknown_where_the_system_does_not_tell(self) -> None:
        """A column of zeros is not a measurement."""
        assert seen(mark(0), mark(1), counters__steal_share="no").counters.steal_share is None

    @pytest.mark.parametrize(
        ("wall_ns", "sleep_ns", "expected"),
        [(0, 0, 0.0), (2 * S, 0, 2.0), (-3 * S, S, -3.0), (S // 10, 9 * S, 9.0)],
    )
    def test_the_greater_gap_between_clocks_counts(
        self, wall_ns: int, sleep_ns: int, expected: float
    ) -> None:
        """Sleep moves one clock, a set clock or a stopped guest the other."""
        begin = mark(0, system=SystemReading(sleep_ns=0))
        end = mark(1, system=SystemReading(wall_ns=wall_ns, sleep_ns=sleep_ns))

        assert seen(begin, end).counters.wall_minus_monotonic_s == pytest.approx(expected)

    def test_connections_and_frequency_come_from_the_background(self) -> None:
        """The most connections seen; the frequency at both ends of the window."""
        notes = watched(
            connections=[(0.5, 99), (1.2, 10), (1.4, None), (1.8, 50)],
            frequencies=[(1.1, 3000.0), (1.4, 2000.0), (1.5, None), (1.9, 2700.0)],
        )

        observed = seen(mark(1), mark(2), notes)
        found = observed.counters

        assert found.connections_seen == 50
        assert observed.looks == ((1.2, 10), (1.8, 50))
        assert (found.frequency_mhz_before, found.frequency_mhz_after) == (3000, 2700)


class TestLoadCpu:
    def observed(self) -> Observation:
        begin = mark(0, system=SystemReading(cpus=cpus(0, idle_s=0)))
        end = mark(
            2,
            server_s=1,
            ours_s=1.5,
            loads={1: LoadReading(1.8, S // 2)},
            system=SystemReading(cpus=cpus(2, idle_s=1)),
        )
        return seen(begin, end)

    def test_what_was_waited_for_replaces_what_was_seen(self) -> None:
        """The sampler's last look is up to 250 ms old."""
        before = self.observed()
        after = with_load_cpu(before, [0.75], [2.0])

        assert before.resources.load_cpu_s == (0.5,)
        assert after.resources.load_cpu_s == (0.75,)
        assert after.counters == before.counters

    def test_a_share_that_nobody_saw_is_that_of_the_whole_life(self) -> None:
        """A process that ended before the first look has a share all the same."""
        after = with_load_cpu(self.observed(), [0.6, 0.9], [1.0, 1.0])

        assert after.resources.load_busy == pytest.approx(0.9)
        assert "load_busy" not in after.resources.unavailable

    def test_a_share_that_was_seen_stays(self) -> None:
        """Start and end of a process would dilute it."""
        before = self.observed()
        used = before.resources.model_copy(update={"load_busy": 0.97})

        after = with_load_cpu(before._replace(resources=used), [0.6], [1.0])

        assert after.resources.load_busy == 0.97

    def test_nothing_known_stays_unknown(self) -> None:
        """Without processes, or without figures of the CPUs."""
        empty = seen(mark(0, system=SystemReading()), mark(1, system=SystemReading()))

        after = with_load_cpu(empty, [], [])

        assert after.resources.load_busy is None
        assert after.counters.others_share is None
        assert "load_busy" in after.resources.unavailable
