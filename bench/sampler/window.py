"""Turns readings at two marks into shares and series; pure."""

from __future__ import annotations

import itertools
import statistics
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.model.quarter import Quarter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.sampler.linux.procfs import CpuTimes

BIN_S: Final = 0.25
_MIN_LOADED: Final = 4
_MIN_READINGS: Final = 3
_ROUNDING: Final = 1e-6


QUIET: Final = 0.03
"""Traffic below this share of the busy time's counts as none: questions beside the load."""

_BUSY_QUANTILE: Final = 0.9
"""Which of the rates stands for busy time; a single burst of others does not."""


class Sample(NamedTuple):
    """The loopback counter at one instant.

    Attributes:
        at_s: monotonic seconds.
        loopback_bytes: since boot.
    """

    at_s: float
    loopback_bytes: int


class Work(NamedTuple):
    """What a server had done and used at one instant of a warm-up.

    Attributes:
        at_s: monotonic seconds.
        cpu_ns: its CPU time.
        done: bytes that it had received, or all over the loopback: grows with its requests.
    """

    at_s: float
    cpu_ns: int
    done: int


class Span(NamedTuple):
    """A stretch of monotonic seconds."""

    begin_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.end_s - self.begin_s


def loaded_span(samples: Sequence[Sample], whole: Span) -> Span:
    """The part of `whole` in which there was load all the time.

    A load tool takes a while to begin, and to write its results when it is done; shares of
    time and series would be diluted by both. The two intervals in which traffic begins and
    ends are left out, since they are loaded in part. Without traffic it is all of `whole`.
    """
    inside = [sample for sample in samples if whole.begin_s <= sample.at_s <= whole.end_s]
    rates = [
        (before.at_s, after.at_s, _rate(before, after))
        for before, after in itertools.pairwise(inside)
    ]
    busy = _quantile([rate for *_, rate in rates if rate > 0])
    loaded = [(begin, end) for begin, end, rate in rates if rate > busy * QUIET]
    if len(loaded) < _MIN_LOADED:
        return whole
    return Span(loaded[0][1], loaded[-1][0])


def byte_series(samples: Sequence[Sample], span: Span) -> tuple[float, ...]:
    """Bytes per second in each whole 250 ms of the span.

    The counter is read when the thread gets to run, so its value at the bounds of each bin is
    interpolated between the two readings around it.
    """
    if len(samples) < 2:  # noqa: PLR2004 - a rate needs two readings
        return ()
    count = int(span.length_s / BIN_S + _ROUNDING)
    values = _interpolate(samples, [span.begin_s + index * BIN_S for index in range(count + 1)])
    return tuple(max(0.0, after - before) / BIN_S for before, after in itertools.pairwise(values))


def late_slope(readings: Sequence[tuple[float, float]], span: Span, last_s: float) -> float | None:
    """Least-squares slope over the second half of a span, per second; None below three readings.

    The first half is left out: caches and pools fill there, whatever comes later.

    Args:
        readings: (monotonic second, value).
        span: the time under load.
        last_s: how long after it readings still count: memory does not shrink at once.
    """
    middle_s = (span.begin_s + span.end_s) / 2
    late = [(at_s, value) for at_s, value in readings if middle_s <= at_s <= last_s]
    if len(late) < _MIN_READINGS:
        return None
    times, values = zip(*late, strict=True)
    return statistics.linear_regression(times, values).slope


def quarters(work: Sequence[Work], begin_s: float) -> tuple[Quarter, ...]:
    """CPU time per unit of work from one look to the next, in ns, of those after `begin_s`.

    A stretch without work has no cost and is left out: the load had not begun, or connections
    ended and took their counts with them.
    """
    seen = [each for each in work if each.at_s >= begin_s]
    return tuple(
        Quarter(
            (after.cpu_ns - seen[0].cpu_ns) / 1e9,
            (after.cpu_ns - before.cpu_ns) / (after.done - before.done),
        )
        for before, after in itertools.pairwise(seen)
        if after.done > before.done and after.cpu_ns > before.cpu_ns
    )


def steal_share(begin: CpuTimes, end: CpuTimes) -> float | None:
    """Share of the CPUs' time that the hypervisor gave to others."""
    total = end.total - begin.total
    return max(0, end.steal - begin.steal) / total if total > 0 else None


def others_share(
    begin: CpuTimes, end: CpuTimes, ours_ticks: float, *, irq_apart: bool | None
) -> float | None:
    """Share of our CPUs' time that processes other than ours used.

    Busy time is all time less idle, waiting and stolen time, which a tickless kernel
    measures rather than samples. Interrupts count as busy only where the kernel adds them to
    the process they hit (`irq_apart` False), because then they are in `ours_ticks` too. Where
    that is unknown the lower figure is taken.

    Args:
        begin: our CPUs at the first mark.
        end: our CPUs at the second.
        ours_ticks: CPU time of all our processes in between, in ticks.
        irq_apart: whether processes' CPU time leaves interrupts out.
    """
    total = end.total - begin.total
    if total <= 0:
        return None
    busy = total - (end.idle - begin.idle) - max(0, end.steal - begin.steal)
    if irq_apart is not False:
        busy -= max(0, end.irq - begin.irq)
    return min(1.0, max(0.0, busy - ours_ticks) / total)


def cpus_busy(begin: CpuTimes, end: CpuTimes) -> float | None:
    """Share of the CPUs' own time that was not idle; stolen time is not theirs to use."""
    total = (end.total - begin.total) - max(0, end.steal - begin.steal)
    if total <= 0:
        return None
    return min(1.0, max(0.0, 1 - (end.idle - begin.idle) / total))


def ends_of(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Mean of the first and of the last third of a series of readings."""
    third = len(values) // 3
    if not third:
        return None, None
    return sum(values[:third]) / third, sum(values[-third:]) / third


def _interpolate(known: Sequence[Sample], times: Sequence[float]) -> list[float]:
    """Values at ascending times; held at the ends."""
    values: list[float] = []
    index = 0
    for at in times:
        while index + 2 < len(known) and known[index + 1][0] < at:
            index += 1
        (t0, v0), (t1, v1) = known[index], known[index + 1]
        share = (at - t0) / (t1 - t0) if t1 > t0 else 1.0
        values.append(v0 + (v1 - v0) * min(1.0, max(0.0, share)))
    return values


def _rate(before: Sample, after: Sample) -> float:
    seconds = after.at_s - before.at_s
    return (after.loopback_bytes - before.loopback_bytes) / seconds if seconds > 0 else 0.0


def _quantile(rates: Sequence[float]) -> float:
    return sorted(rates)[int(len(rates) * _BUSY_QUANTILE)] if rates else 0.0
