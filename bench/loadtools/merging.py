"""Splits a load profile over processes, and adds up what they measured; exact, nothing averaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.loadtools.registry import TOOLS
from bench.loadtools.schedule_kept import add_pacing
from bench.model.load_result import (
    PERCENTILES,
    ErrorCounts,
    LatencySummary,
    LoadResult,
    unanswered,
)
from bench.stats.histogram import Histogram, enough_beyond

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from bench.model.finding import Finding
    from bench.model.load_result import LatencySource
    from bench.model.plan import LoadProfile, Workload


_ERRORS_FROM: Final = 400


def shares(profile: LoadProfile, workload: Workload) -> tuple[LoadProfile, ...]:
    """Split connections and rate over the load processes; the remainder goes to the first.

    Where a process of the tool sends one kind of request, a workload of several kinds becomes
    one process per kind, with rate and connections by weight. There are never more processes
    than connections.
    """
    if TOOLS[profile.tool].one_kind and len(workload.kinds) > 1:
        weights = [kind.weight for kind in workload.kinds]
    else:
        most = min(profile.processes, profile.connections)
        if profile.rate_rps is not None:  # each process sends one request at least
            most = min(most, int(profile.rate_rps * profile.duration_s))
        weights = [1] * max(1, most)
    total = sum(weights)
    return tuple(
        profile.replace(
            processes=1,
            connections=connections,
            rate_rps=None if profile.rate_rps is None else profile.rate_rps * weight / total,
        )
        for weight, connections in zip(
            weights, _apportion(profile.connections, weights), strict=True
        )
    )


def _apportion(total: int, weights: Sequence[int]) -> list[int]:
    """Whole parts by weight, each at least 1 where there is enough; remainder to the first."""
    parts = [max(1, total * weight // sum(weights)) for weight in weights]
    while sum(parts) > total and max(parts) > 1:
        parts[parts.index(max(parts))] -= 1
    parts[0] += max(0, total - sum(parts))
    return parts


def summarize(
    histogram: Histogram, *, timeouts: int, source: LatencySource
) -> LatencySummary | None:
    """Summarize an exact histogram; None where nothing was counted.

    Args:
        histogram: of complete responses.
        timeouts: requests that rank above all of them.
        source: where the values come from.
    """
    moments = histogram.moments
    if moments is None:
        return None
    values = histogram.percentiles(PERCENTILES, censored=timeouts)
    return LatencySummary(
        count=moments.samples,
        min=moments.min,
        mean=moments.mean,
        max=moments.max,
        exact=True,
        source=source,
        percentiles={f"{p:g}": v for p, v in zip(PERCENTILES, values, strict=True)},
    )


def own_percentiles(
    values_us: Mapping[str, float | None], *, requests: int, timeouts: int
) -> dict[str, float | None]:
    """A tool's own percentiles, where they may stand for those of all requests.

    Tools rank complete responses only. A value is left out where fewer than ten requests lie
    beyond it, and where timeouts, which rank above all, are more than a tenth of what does.

    Args:
        values_us: key `50`, `99.9`; microseconds.
        requests: complete responses that were ranked.
        timeouts: requests that were not.
    """
    shown: dict[str, float | None] = {}
    for percent in PERCENTILES:
        population = requests + timeouts
        little = timeouts * 10 * 100 <= population * (100 - percent)
        fits = little and enough_beyond(population, percent)
        shown[f"{percent:g}"] = values_us.get(f"{percent:g}") if fits else None
    return shown


def judged(result: LoadResult, statuses: Collection[int]) -> LoadResult:
    """The result with success by the statuses that are expected, as far as the tool tells them.

    wrk tells only how many were above 399: where those alone are expected, they are the successes.
    Which of them it was is for the questions beside the load to find. An answer that came too
    late does not count, though the tool has it among its responses.
    """
    errors = result.errors or ErrorCounts()
    late = (errors.timeout or 0) if TOOLS[result.tool].late_counted else 0
    if result.status is not None:
        given = sum(count for status, count in result.status.items() if int(status) in statuses)
    elif statuses and min(statuses) >= _ERRORS_FROM:
        given = errors.status or 0
    else:
        return result
    right = max(0, given - late)
    return result.replace(
        ok=right,
        throughput_rps=right / result.duration_s if result.duration_s else 0.0,
        errors=errors.replace(status=result.requests - given),
    )


def merge(results: Sequence[LoadResult]) -> tuple[LoadResult, tuple[Finding, ...]]:
    """Add up the processes of one window.

    Rates are summed process by process (each over its own window), histograms are added and
    percentiles taken from the sum. Where one process has no exact histogram there is no
    merged latency either.

    Returns:
        The merged result and the findings of all processes.

    Raises:
        ValueError: no results, or results of different tools or loops.
    """
    if len({(result.tool, result.loop, result.bytes_kind) for result in results}) != 1:
        raise ValueError("only results of one tool and one kind of loop can be merged")
    findings = tuple(found for result in results for found in result.findings)
    if len(results) == 1:
        return results[0].replace(findings=()), findings
    first = results[0]
    errors = _add_errors([result.errors for result in results])
    counts, latency = _merge_latency(results, unanswered(errors, first.loop))
    merged = first.replace(
        duration_s=max(result.duration_s for result in results),
        requests=sum(result.requests for result in results),
        ok=sum(result.ok for result in results),
        throughput_rps=sum(result.throughput_rps for result in results),
        bytes_in=sum(result.bytes_in for result in results),
        status=_add_status([result.status for result in results]),
        errors=errors,
        latency_us=latency,
        histogram=counts,
        sent=_add_sent([result.sent for result in results]),
        findings=(),
        pacing=add_pacing([result.pacing for result in results]),
    )
    return merged, findings


def _merge_latency(
    results: Sequence[LoadResult], timeouts: int
) -> tuple[Histogram | None, LatencySummary | None]:
    known = [each.histogram for each in results if isinstance(each.histogram, Histogram)]
    sources = {each.latency_us.source for each in results if each.histogram and each.latency_us}
    if len(known) < len(results) or len(sources) > 1:
        return None, None
    merged = Histogram.merged(known)
    source = sources.pop() if sources else "raw"
    return merged, summarize(merged, timeouts=timeouts, source=source)


def _add_errors(parts: Sequence[ErrorCounts | None]) -> ErrorCounts | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return ErrorCounts(
        **{
            name: _add_known([getattr(part, name) for part in known])
            for name in ErrorCounts.model_fields
        }
    )


def _add_known(parts: Sequence[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _add_status(parts: Sequence[dict[str, int] | None]) -> dict[str, int] | None:
    total: dict[str, int] = {}
    for part in parts:
        if part is None:
            return None
        for status, count in part.items():
            total[status] = total.get(status, 0) + count
    return dict(sorted(total.items()))


def _add_sent(parts: Sequence[tuple[int, ...] | None]) -> tuple[int, ...] | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or len({len(part) for part in known}) > 1:
        return None
    return tuple(sum(counts) for counts in zip(*known, strict=True))
