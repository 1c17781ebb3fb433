"""Makes one result of the document and the histograms of a paced process; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.errors import ParseError
from bench.loadtools.merging import own_percentiles, summarize
from bench.loadtools.schedule_kept import off_schedule, spread
from bench.model.load_result import ErrorCounts, LatencySummary, LoadResult, unanswered
from bench.model.pacing import Pacing, ScheduleSeries

if TYPE_CHECKING:
    from bench.loadtools.paced_histograms import PacedHistograms
    from bench.loadtools.paced_json import PacedReport, PacedTimes

_NS: Final = 1e9
_BROKEN: Final = ("reset", "no_answer", "closed_early")
"""Kinds of error that other load tools call read errors."""
_OWN: Final = ("connect", "timeout", *_BROKEN)
_BACKLOG_SHARE: Final = 0.01


def build(report: PacedReport, seen: PacedHistograms | None) -> LoadResult:
    """One process's result.

    Args:
        report: its document.
        seen: its histograms; without them the latency is what it printed (`exact` is false).

    Raises:
        ParseError: they are not of one run.
    """
    counts = report.requests
    if seen is not None and seen.response.count != counts.ok:
        raise ParseError(
            f"document and histograms of paced are not of one run: {counts.ok} and "
            f"{seen.response.count} responses"
        )
    errors = _errors(report)
    late = unanswered(errors, "open")
    latency = (
        _printed(report.response, late)
        if seen is None
        else summarize(seen.response, timeouts=late, source="intended-time")
    )
    duration_s = _duration_s(report)
    return LoadResult(
        tool="paced",
        tool_version=report.version,
        loop="open",
        latency_kind="response",
        duration_s=duration_s,
        requests=counts.completed,
        ok=counts.ok,
        throughput_rps=counts.ok / duration_s if duration_s else 0.0,
        bytes_in=report.bytes.in_body,
        bytes_kind="body",
        status=report.status,
        errors=errors,
        latency_us=latency,
        histogram=None if seen is None else seen.response,
        sent=tuple(kind.sent for kind in report.kinds),
        pacing=None if seen is None else _pacing(report, seen),
    )


def _errors(report: PacedReport) -> ErrorCounts:
    """By the kinds that all load tools share; malformed answers are `other`.

    What was left in the queue or in flight after the drain is `deadline`: a rate that the server
    cannot keep up with is reported as such, not as failures.
    """
    kinds, counts = report.errors, report.requests
    return ErrorCounts(
        connect=kinds.get("connect", 0),
        read=sum(kinds.get(name, 0) for name in _BROKEN),
        write=0,
        timeout=kinds.get("timeout", 0),
        status=counts.completed - counts.ok,
        deadline=counts.left_in_queue + counts.left_in_flight,
        other=sum(count for name, count in kinds.items() if name not in _OWN),
    )


def _duration_s(report: PacedReport) -> float:
    """The window, or longer where the server had fallen behind when it ended.

    From the first to the last complete response there are n - 1 gaps; n of them are the time
    that n responses took. An interrupted window is as long as it lasted.
    """
    planned = report.schedule.end_ns - report.schedule.window_ns
    if report.ended == "interrupted":
        planned = min(planned, report.cpu.over_ns)
    counts, backlog = report.requests, report.backlog
    behind = backlog.end_in_queue + backlog.end_in_flight
    if behind <= _BACKLOG_SHARE * counts.due or counts.completed <= 1:
        return planned / _NS
    span = backlog.last_completed_ns - backlog.first_completed_ns
    return max(planned, span * counts.completed / (counts.completed - 1)) / _NS


def _printed(times: PacedTimes, late: int) -> LatencySummary | None:
    if not times.count:
        return None
    own = {"50": times.p50_us, "90": times.p90_us, "99": times.p99_us, "99.9": times.p99_9_us}
    return LatencySummary(
        count=times.count,
        min=times.min_ns // 1000,
        mean=times.sum_ns / times.count / 1000,
        max=times.max_ns // 1000,
        exact=False,
        source="intended-time",
        percentiles=own_percentiles(own, requests=times.count, timeouts=late),
    )


def _pacing(report: PacedReport, seen: PacedHistograms) -> Pacing:
    schedule, counts = report.schedule, report.requests
    series = report.series
    return Pacing(
        arrivals=schedule.arrivals,
        seed=schedule.seed,
        rate_rps=schedule.rate,
        spin_us=report.settings.spin_us,
        window_s=(schedule.end_ns - schedule.window_ns) / _NS,
        due=counts.due,
        sent=counts.sent,
        from_queue=counts.sent_from_queue,
        queue_most=report.backlog.queue_most,
        lateness_us=spread(seen.lateness_free),
        queued_us=spread(seen.lateness_queued),
        service_us=spread(seen.service),
        first_byte_us=spread(seen.first_byte),
        failures={name: count for name, count in report.errors.items() if count},
        unsolicited=report.connections.unsolicited,
        arrivals_off=off_schedule(
            schedule.arrivals,
            seen.planned,
            seen.actual,
            report.arrivals.off_by_a_tenth,
        ),
        intervals=report.arrivals.intervals,
        off_by_a_tenth=report.arrivals.off_by_a_tenth,
        late_free=seen.lateness_free,
        late_queued=seen.lateness_queued,
        service=seen.service,
        planned=seen.planned,
        actual=seen.actual,
        first_byte=seen.first_byte,
        series=ScheduleSeries(
            step_s=series.step_ms / 1000,
            sent=series.sent,
            completed=series.completed,
            response_us=tuple(ns // 1000 for ns in series.response_sum_ns),
        ),
    )
