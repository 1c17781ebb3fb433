"""Puts oha's totals and its single responses together into one result, and checks them; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.loadtools.merging import own_percentiles, summarize
from bench.model.finding import Finding, finding
from bench.model.load_result import LatencySummary, LoadResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.loadtools.oha_json import OhaReport
    from bench.loadtools.oha_rows import Rows
    from bench.model.load_result import LatencyKind, LatencySource, Loop
    from bench.model.plan import LoadProfile

PACER_LATE_S: Final = 0.002
PACER_SHARE: Final = 0.99
_TIME_STEP_S: Final = 2e-9  # oha stores whole nanoseconds as binary fractions
_US: Final = 1e6
_KINDS: Final[dict[Loop | None, LatencyKind | None]] = {
    "closed": "service",
    "open": "response",
    None: None,
}


def planned_requests(rate_rps: float, duration_s: float) -> int:
    """How many requests an open loop sends: those that fall due within the window."""
    return max(1, round(rate_rps * duration_s))


def of_trial(report: OhaReport, rows: Rows, profile: LoadProfile) -> LoadResult:
    """The result of one process of a trial, with its findings.

    Where the single responses do not agree with the totals there is no latency, and a
    finding instead: nothing falls back to oha's own percentiles.
    """
    problem = mismatch(report, rows)
    result = build(report, None if problem else rows, loop=profile.loop)
    if problem:
        result = result.replace(latency_us=None)
    findings = [_mismatch_finding(problem, report, rows, profile)] if problem else []
    if profile.loop == "open" and profile.rate_rps:
        result = _over_open_window(result, report, rows, profile)
        late = _pacer_finding(rows, profile.rate_rps, sum(report.errors.values()))
        findings += [late] if late else []
    return result.replace(findings=tuple(findings))


def build(report: OhaReport, rows: Rows | None, *, loop: Loop | None) -> LoadResult:
    """One result of totals and, where there are any, single responses.

    Without them latency is what oha prints (`exact` is false).
    """
    errors = report.error_counts()
    timeouts = errors.timeout or 0
    source: LatencySource = "intended-time" if loop == "open" else "raw"
    if rows is None:
        latency = _own_latency(report, timeouts, source)
    else:
        source = "intended-time" if rows.corrected else source
        latency = summarize(rows.histogram, timeouts=timeouts, source=source)
    return LoadResult(
        tool="oha",
        tool_version=None,
        loop=loop,
        latency_kind=_KINDS[loop],
        duration_s=report.total_s,
        requests=report.requests,
        ok=report.ok,
        throughput_rps=report.ok / report.total_s if report.total_s else 0.0,
        bytes_in=report.bytes,
        bytes_kind="body",
        status=report.status,
        errors=errors,
        latency_us=latency,
        histogram=None if rows is None else rows.histogram,
    )


def mismatch(report: OhaReport, rows: Rows) -> str:
    """In what the single responses disagree with the totals, "" = in nothing."""
    if rows.stored != report.requests:
        return f"oha stored {rows.stored} responses and reports {report.requests}"
    if rows.status != report.status:
        return f"oha stored the statuses {rows.status} and reports {report.status}"
    for name, stored, told in (
        ("fastest", rows.fastest_s, report.fastest_s),
        ("slowest", rows.slowest_s, report.slowest_s),
    ):
        if rows.stored and abs((stored or 0.0) - (told or 0.0)) > _TIME_STEP_S:
            return f"the {name} response that oha stored took {stored} s, it reports {told} s"
    return ""


def pacer_lateness(
    intended_s: Sequence[float], rate_rps: float, *, missing: int = 0
) -> list[float]:
    """Seconds by which oha's pacer was late for each request, ascending.

    Request i was due at i / rate. Requests that failed are not stored: with `missing` of them
    the true number lies between i and i + missing, and the least lateness is taken.
    """
    late = []
    for number, at in enumerate(intended_s):
        latest = min(int(at * rate_rps), number + missing)
        late.append(at - max(number, latest) / rate_rps)
    return sorted(late)


def _own_latency(report: OhaReport, timeouts: int, source: LatencySource) -> LatencySummary | None:
    if not report.requests or report.fastest_s is None or report.slowest_s is None:
        return None
    own = {key.removeprefix("p"): _microseconds(at) for key, at in report.percentiles.items()}
    return LatencySummary(
        count=report.requests,
        min=report.fastest_s * _US,
        mean=_microseconds(report.average_s),
        max=report.slowest_s * _US,
        exact=False,
        source=source,
        percentiles=own_percentiles(own, requests=report.requests, timeouts=timeouts),
    )


def _microseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * _US


def _over_open_window(
    result: LoadResult, report: OhaReport, rows: Rows, profile: LoadProfile
) -> LoadResult:
    """The window of an open loop: the schedule, or longer where the server fell behind.

    From the first to the last complete response there are n - 1 gaps; n of them are the time
    for n responses. Unlike oha's total this has no edges: one latency more or less at the
    ends would make a slow but untroubled server look short of the rate.
    """
    # The last request is due one gap before the end of the schedule.
    gap_s = 1 / profile.rate_rps if profile.rate_rps else 0.0
    scheduled = min(profile.duration_s, report.total_s + gap_s)
    span = report.total_s
    if rows.stored > 1 and rows.first_end_s is not None and rows.last_end_s is not None:
        span = (rows.last_end_s - rows.first_end_s) * rows.stored / (rows.stored - 1)
    duration_s = max(scheduled, span)
    return result.replace(
        duration_s=duration_s,
        throughput_rps=result.ok / duration_s if duration_s else 0.0,
    )


def _pacer_finding(rows: Rows, rate_rps: float, missing: int) -> Finding | None:
    late = pacer_lateness(rows.intended_s, rate_rps, missing=missing)
    p99 = late[min(len(late) - 1, int(len(late) * PACER_SHARE))] if late else 0.0
    if p99 <= PACER_LATE_S:
        return None
    return finding("late-pacer", "load", p99_ms=p99 * 1000, worst_ms=late[-1] * 1000)


def _mismatch_finding(problem: str, report: OhaReport, rows: Rows, profile: LoadProfile) -> Finding:
    return finding(
        "histogram-mismatch",
        "load",
        "interrupted" if not rows.stored and profile.loop == "open" else "",
        problem=problem,
        stored=rows.stored,
        told=report.requests,
    )
