"""Who was busy under load, measured in the time that a hypervisor gave."""

from __future__ import annotations

import pytest

from bench.sampler import busy
from bench.sampler.busy import Tick
from bench.sampler.group import TaskReading, busiest_thread, switches
from bench.sampler.linux.procfs import CpuTimes
from bench.sampler.window import Span

S = 1_000_000_000


def tick(
    at_s: float,
    server_s: float | None = 0.0,
    loads: dict[int, float] | None = None,
    *,
    idle: int = 0,
    steal: int = 0,
) -> Tick:
    """A tick whose CPUs ran since second 0."""
    times = CpuTimes(idle, 0, steal, round(at_s * 100))
    used = {pid: round(cpu_s * S) for pid, cpu_s in (loads or {}).items()}
    return Tick(at_s, None if server_s is None else round(server_s * S), used, times, times)


class TestServer:
    def test_the_group_is_compared_with_its_cpus(self) -> None:
        """1.2 s of CPU in 1 s on 2 CPUs are 60 %."""
        ticks = [tick(0, idle=0), tick(1, 1.2, idle=100)]

        assert busy.server_busy(ticks, 2, own_cpus=False, thread=0) == pytest.approx(0.6)

    def test_its_own_cpus_tell_what_the_kernel_adds(self) -> None:
        """Interrupts keep a CPU busy that no process is charged for."""
        ticks = [tick(0), tick(1, 0.6, idle=5)]

        assert busy.server_busy(ticks, 1, own_cpus=True, thread=0) == pytest.approx(0.95)
        assert busy.server_busy(ticks, 1, own_cpus=False, thread=0) == pytest.approx(0.6)

    def test_one_thread_at_its_limit_is_the_limit(self) -> None:
        """However many CPUs stand idle beside it."""
        ticks = [tick(0), tick(1, 1.0, idle=85)]

        assert busy.server_busy(ticks, 8, own_cpus=True, thread=0.97) == pytest.approx(0.97)

    def test_stolen_time_was_not_to_be_had(self) -> None:
        """0.72 s used of 0.8 s given are 90 %."""
        ticks = [tick(0), tick(1, 0.72, idle=8, steal=20)]

        assert busy.server_busy(ticks, 1, own_cpus=False, thread=0) == pytest.approx(0.9)

    def test_a_share_stays_within_one(self) -> None:
        """Clocks are finer than ticks."""
        assert busy.server_busy([tick(0), tick(1, 1.5)], 1, own_cpus=True, thread=1.2) == 1

    def test_without_its_clock_nothing_is_said(self) -> None:
        """A server that was never seen has no share."""
        assert busy.server_busy([tick(0, None), tick(1)], 1, own_cpus=True, thread=0) is None
        assert busy.server_busy([tick(1), tick(1)], 1, own_cpus=True, thread=0) is None

    def test_unreadable_cpus_are_no_hindrance(self) -> None:
        """The group's own clock is enough."""
        ticks = [Tick(0, 0, {}, None, None), Tick(1, S // 2, {}, None, None)]

        assert busy.server_busy(ticks, 1, own_cpus=True, thread=0) == pytest.approx(0.5)


class TestLoad:
    def test_the_busiest_process_counts_while_it_lives(self) -> None:
        """One that ended early is measured over its own time."""
        ticks = [
            tick(0, loads={1: 0, 2: 0}),
            tick(1, loads={1: 0.5, 2: 0.95}),
            tick(2, loads={1: 1.0}),
        ]

        assert busy.load_busy(ticks) == pytest.approx(0.95)

    def test_without_load_processes_nothing_is_said(self) -> None:
        """None is not 0: nobody knows."""
        assert busy.load_busy([tick(0), tick(1)]) is None
        assert busy.load_busy([tick(0), tick(1, loads={1: 0.5})]) is None


class TestInside:
    def test_ticks_under_load_are_taken(self) -> None:
        """The start and end of the tool are left out."""
        ticks = [tick(at / 4) for at in range(20)]

        chosen = busy.inside(ticks, Span(1.1, 3.1), (tick(0), tick(5)))

        assert (chosen[0].at_s, chosen[-1].at_s) == (1.25, 3.0)

    def test_too_few_ticks_give_way_to_the_marks(self) -> None:
        """A window shorter than the ticks is measured by its marks."""
        marks = (tick(0), tick(0.3))

        assert busy.inside([tick(0.1)], Span(0, 0.3), marks) == list(marks)
        assert busy.inside([], Span(0, 0.3), marks) == list(marks)


class TestThreads:
    def test_the_busiest_of_all_threads_is_found(self) -> None:
        """Each over its own readings."""
        begin = {1: TaskReading(0, 0), 2: TaskReading(0, 5 * S)}
        end = {1: TaskReading(S, S // 10), 2: TaskReading(S, 5 * S + S // 2)}

        assert busiest_thread(begin, end) == pytest.approx(0.5)

    def test_a_thread_made_in_between_began_at_zero(self) -> None:
        """It gets the whole window's length."""
        end = {1: TaskReading(S, 0), 7: TaskReading(S, S // 4)}

        assert busiest_thread({1: TaskReading(0, 0)}, end) == pytest.approx(0.25)

    def test_no_threads_no_share(self) -> None:
        """Nothing readable is no thread at its limit."""
        assert busiest_thread({}, {1: TaskReading(1, 1)}) == 0
        assert busiest_thread({1: TaskReading(5, 1)}, {1: TaskReading(5, 9)}) == 0

    def test_the_share_is_of_the_time_under_load(self) -> None:
        """0.8 s used between marks 2 s apart, under load for 1 s, are 80 %."""
        begin, end = {1: TaskReading(0, 0)}, {1: TaskReading(2 * S, 8 * S // 10)}

        share = busy.thread_share(begin, end, Span(0.5, 1.5), Span(0, 2))

        assert share == pytest.approx(0.8)
        assert busy.thread_share(begin, end, Span(1, 1), Span(0, 2)) == pytest.approx(0.4)

    def test_switches_are_summed_over_threads(self) -> None:
        """A thread made in between began with none; one that ended is not seen."""
        begin = {1: TaskReading(0, 0, 10, 1), 3: TaskReading(0, 0, 5, 5)}
        end = {1: TaskReading(1, 1, 15, 3), 2: TaskReading(1, 1, 4, 2)}

        assert switches(begin, end) == (9, 4)

    def test_unreadable_switches_are_none(self) -> None:
        """One thread without figures makes the sum unknown."""
        begin = {1: TaskReading(0, 0, 1, 1)}

        assert switches(begin, {1: TaskReading(1, 1)}) is None
        assert switches({1: TaskReading(0, 0)}, {1: TaskReading(1, 1, 2, 2)}) is None
