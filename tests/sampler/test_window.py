"""Shares and series between two marks are computed as declared."""

from __future__ import annotations

import pytest

from bench.sampler import window
from bench.sampler.linux.procfs import CpuTimes
from bench.sampler.window import Sample, Span

ZERO = CpuTimes(0, 0, 0, 0)


def steady(begin_s: float, end_s: float, rate: float, *, every_s: float = 0.125) -> list[Sample]:
    """Samples of a counter that stands, then rises, then stands, from 0 s to 10 s."""
    samples = []
    at = 0.0
    while at <= 10:
        loaded_s = min(max(at - begin_s, 0.0), end_s - begin_s)
        samples.append(Sample(at, round(loaded_s * rate)))
        at += every_s
    return samples


class TestLateSlope:
    def test_what_filled_in_the_first_half_is_no_growth(self) -> None:
        """A pool that fills at first and then grows by 100 a second grows by 100 a second."""
        times = [at / 8 for at in range(65)]
        readings = [(at, 5000.0 * min(at, 2) + 100 * max(at - 2, 0)) for at in times]

        assert window.late_slope(readings, Span(0, 8), 8) == pytest.approx(100)

    def test_two_readings_are_none(self) -> None:
        """A line through two points says nothing about the third."""
        readings = [(0.5, 1.0), (1.6, 2.0), (1.9, 3.0), (2.1, 9.0)]

        assert window.late_slope(readings, Span(1, 2), 2) is None
        assert window.late_slope(readings, Span(1, 2), 2.2) is not None


class TestSeries:
    def test_bins_hold_the_rate_whenever_the_counter_was_read(self) -> None:
        """Values at the bounds of a bin are interpolated between readings."""
        samples = [Sample(0.0, 0), Sample(0.31, 310), Sample(0.77, 770), Sample(1.3, 1300)]

        assert window.byte_series(samples, Span(0.0, 1.1)) == pytest.approx((1000.0,) * 4)

    def test_a_step_shows_in_its_bin(self) -> None:
        """A rate that doubles after half a second doubles in the third bin."""
        samples = [Sample(0.0, 0), Sample(0.5, 100), Sample(1.0, 300)]

        assert window.byte_series(samples, Span(0, 1)) == pytest.approx((200, 200, 400, 400))

    def test_one_reading_makes_no_series(self) -> None:
        """A rate needs two readings."""
        assert window.byte_series([Sample(0.0, 5)], Span(0, 1)) == ()

    def test_time_after_the_last_reading_counts_as_quiet(self) -> None:
        """Nothing is extrapolated."""
        samples = [Sample(0.0, 0), Sample(0.25, 250)]

        assert window.byte_series(samples, Span(0, 0.5)) == pytest.approx((1000, 0))


class TestLoadedSpan:
    def test_quiet_ends_are_left_out(self) -> None:
        """The tool's start and its writing of results are not part of the load."""
        span = window.loaded_span(steady(1.0, 6.0, 1e6), Span(0.0, 9.0))

        assert span.begin_s == pytest.approx(1.125)
        assert span.end_s == pytest.approx(5.875)

    def test_questions_beside_the_load_are_not_load(self) -> None:
        """A few bytes before and after do not stretch it."""
        samples = [
            Sample(one.at_s, one.loopback_bytes + round(one.at_s * 2_000))
            for one in steady(2.0, 6.0, 1e6)
        ]

        span = window.loaded_span(samples, Span(0.0, 9.0))

        assert span.begin_s == pytest.approx(2.125)
        assert span.end_s == pytest.approx(5.875)

    def test_a_pause_within_the_load_stays(self) -> None:
        """Only the ends are cut, however long a server stalls in between."""
        first, second = steady(1.0, 3.0, 1e6), steady(5.0, 8.0, 1e6)
        samples = [
            Sample(a.at_s, a.loopback_bytes + b.loopback_bytes)
            for a, b in zip(first, second, strict=True)
        ]

        span = window.loaded_span(samples, Span(0.0, 9.0))

        assert span.begin_s == pytest.approx(1.125)
        assert span.end_s == pytest.approx(7.875)

    def test_without_traffic_it_is_the_whole_window(self) -> None:
        """Where nothing is known nothing is cut."""
        whole = Span(1.0, 3.0)

        assert window.loaded_span([], whole) == whole
        assert window.loaded_span(steady(9, 9, 0), whole) == whole


class TestShares:
    def test_steal_is_a_share_of_all_time(self) -> None:
        """8 of 200 ticks are 4 %."""
        assert window.steal_share(ZERO, CpuTimes(100, 0, 8, 200)) == pytest.approx(0.04)

    def test_no_time_has_no_shares(self) -> None:
        """Two readings within one tick say nothing."""
        assert window.steal_share(ZERO, ZERO) is None
        assert window.others_share(ZERO, ZERO, 0, irq_apart=False) is None
        assert window.cpus_busy(ZERO, ZERO) is None

    def test_others_are_what_is_busy_and_not_ours(self) -> None:
        """Of 200 ticks 60 idle, 10 stolen, 120 ours: 10 are left."""
        end = CpuTimes(idle=60, irq=0, steal=10, total=200)

        assert window.others_share(ZERO, end, 120, irq_apart=False) == pytest.approx(0.05)

    def test_interrupts_count_only_where_they_are_in_our_time_too(self) -> None:
        """Where the kernel keeps them apart, or nobody knows, they are nobody's."""
        end = CpuTimes(idle=50, irq=30, steal=0, total=200)

        assert window.others_share(ZERO, end, 100, irq_apart=False) == pytest.approx(0.25)
        assert window.others_share(ZERO, end, 100, irq_apart=True) == pytest.approx(0.10)
        assert window.others_share(ZERO, end, 100, irq_apart=None) == pytest.approx(0.10)

    def test_others_are_never_negative(self) -> None:
        """Ticks are coarser than our clocks."""
        assert window.others_share(ZERO, CpuTimes(50, 0, 0, 100), 51, irq_apart=False) == 0

    def test_busy_leaves_stolen_time_out(self) -> None:
        """A CPU that had 90 of 100 ticks and used them all was fully busy."""
        assert window.cpus_busy(ZERO, CpuTimes(idle=0, irq=0, steal=10, total=100)) == 1
        assert window.cpus_busy(ZERO, CpuTimes(idle=45, irq=0, steal=10, total=100)) == 0.5

    def test_ends_are_means_of_thirds(self) -> None:
        """One odd reading does not make a move of the frequency."""
        assert window.ends_of([1, 3, 9, 9, 4, 6]) == (2, 5)
        assert window.ends_of([1, 2]) == (None, None)
