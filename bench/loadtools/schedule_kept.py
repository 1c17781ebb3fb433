"""Adds up how the processes of one window kept their schedule; exact, nothing averaged."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from bench.model.pacing import Pacing, ScheduleSeries, Spread
from bench.stats.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.model.pacing import Arrivals, Counted


def spread(histogram: Histogram) -> Spread | None:
    """Median, p99 and greatest value; None where nothing was counted."""
    moments = histogram.moments
    if moments is None:
        return None
    p50, p99 = histogram.percentiles((50, 99))
    return Spread(p50=p50, p99=p99, max=moments.max)


def off_schedule(
    arrivals: Arrivals, planned: Histogram, actual: Histogram, off_by_a_tenth: int
) -> float | None:
    """How unlike the intervals were those planned, 0 to 1; None without intervals.

    Random ones by the greatest difference between the two distributions. Even ones are all the
    same as planned, and any difference would be a distance of 1: there it is the share of
    intervals that were off by more than a tenth.
    """
    if not planned.count:
        return None
    if arrivals == "even":
        return off_by_a_tenth / planned.count
    return _distance(planned, actual)


def _distance(one: Histogram, other: Histogram) -> float:
    """The Kolmogorov-Smirnov distance of two histograms."""
    steps: dict[int, float] = {}
    for histogram, sign in ((one, 1.0), (other, -1.0)):
        for value, count in zip(histogram.values, histogram.counts, strict=True):
            steps[value] = steps.get(value, 0.0) + sign * count / histogram.count
    apart = most = 0.0
    for value in sorted(steps):
        apart += steps[value]
        most = max(most, abs(apart))
    return most


def add_pacing(parts: Sequence[Pacing | None]) -> Pacing | None:
    """One pacing of all processes; None where one of them tells none."""
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    if len(known) == 1:
        return known[0]
    first = known[0]
    free, queued, service, planned, actual, first_byte = (
        _sum(getattr(part, name) for part in known)
        for name in ("late_free", "late_queued", "service", "planned", "actual", "first_byte")
    )
    off = sum(part.off_by_a_tenth for part in known)
    return first.replace(
        due=sum(part.due for part in known),
        sent=sum(part.sent for part in known),
        from_queue=sum(part.from_queue for part in known),
        queue_most=max(part.queue_most for part in known),
        lateness_us=spread(free),
        queued_us=spread(queued),
        service_us=spread(service),
        first_byte_us=spread(first_byte),
        failures=_counts(part.failures for part in known),
        unsolicited=sum(part.unsolicited for part in known),
        arrivals_off=off_schedule(first.arrivals, planned, actual, off),
        intervals=planned.count,
        off_by_a_tenth=off,
        late_free=free,
        late_queued=queued,
        service=service,
        planned=planned,
        actual=actual,
        first_byte=first_byte,
        series=_series([part.series for part in known if part.series]),
    )


def _sum(parts: Iterable[Counted | None]) -> Histogram:
    return Histogram.merged(part for part in parts if isinstance(part, Histogram))


def _counts(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for name, count in part.items():
            total[name] = total.get(name, 0) + count
    return total


def _series(parts: Sequence[ScheduleSeries]) -> ScheduleSeries | None:
    if not parts:
        return None
    return ScheduleSeries(
        step_s=parts[0].step_s,
        sent=_columns([part.sent for part in parts]),
        completed=_columns([part.completed for part in parts]),
        response_us=_columns([part.response_us for part in parts]),
    )


def _columns(rows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip_longest(*rows, fillvalue=0))
