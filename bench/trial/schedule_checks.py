"""Whether an open loop was the load that it claims to be: what the load generator says of itself.

After Lancet (USENIX ATC 2019): a load generator that is late, whose arrivals are not those
intended, or whose latencies have not settled, measures itself or a moment, not the server. Pure.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from bench.model.finding import Finding, finding
from bench.trial.thresholds import (
    ARRIVALS_OFF_MAX,
    LATE_SHARE_MAX,
    STATIONARY_MAX,
    STATIONARY_STEPS,
    STATIONARY_Z,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.model.load_result import LoadResult
    from bench.model.pacing import Pacing, ScheduleSeries


def schedule_findings(load: LoadResult, scope: str) -> Iterator[Finding]:
    """What was wrong with the schedule of a window; nothing where the tool has none."""
    pacing = load.pacing
    if pacing is None:
        return
    checks = (_late(load, pacing, scope), _arrivals(pacing, scope), _unsteady(pacing, scope))
    yield from (found for found in checks if found is not None)


def offered_rps(load: LoadResult, planned_rps: float | None) -> float | None:
    """Requests per second that fell due: random arrivals are not quite those of their rate."""
    pacing = load.pacing
    if pacing is None or not pacing.window_s:
        return planned_rps
    return pacing.due / pacing.window_s


def _late(load: LoadResult, pacing: Pacing, scope: str) -> Finding | None:
    """Lateness while a connection was free, against a tenth of what is reported.

    It is part of every response time. In the median request it moves all of them, and is held
    against the median; in one of a hundred it moves the tail alone, and is held against the p99:
    of random arrivals some come while the one before is still being sent, which takes 10 us, and
    a tenth of a fast server's median is less.
    """
    reported = load.latency_us.percentiles if load.latency_us else {}
    median_us, tail_us = reported.get("50"), reported.get("99")
    late = pacing.lateness_us
    if late is None or not median_us:
        return None
    if late.p50 is not None and late.p50 > LATE_SHARE_MAX * median_us:
        return finding("pacer-late", scope, p50_us=late.p50, p99_us=late.p99, median_us=median_us)
    if late.p99 is not None and tail_us and late.p99 > LATE_SHARE_MAX * tail_us:
        return finding(
            "pacer-late", scope, "tail", p50_us=late.p50, p99_us=late.p99, tail_us=tail_us
        )
    return None


def _arrivals(pacing: Pacing, scope: str) -> Finding | None:
    """Requests that were not sent as scheduled although connections were free."""
    off = pacing.arrivals_off
    if off is None or pacing.intervals < STATIONARY_STEPS or off <= ARRIVALS_OFF_MAX:
        return None
    return finding(
        "arrivals-off",
        scope,
        "even" if pacing.arrivals == "even" else "poisson",
        off=round(off, 4),
        intervals=pacing.intervals,
    )


def _unsteady(pacing: Pacing, scope: str) -> Finding | None:
    """Whether response times at the end of the window are not those of its beginning.

    The last third of the window's steps against the first, by their ranks: one stall is an
    outlier, a queue that grows is not.
    """
    series = pacing.series
    if series is None:
        return None
    means = _means(series, round(pacing.window_s / series.step_s))
    third = len(means) // 3
    first, last = means[:third], means[len(means) - third :]
    if third < STATIONARY_STEPS or not median(first):
        return None
    ratio = median(last) / median(first)
    if max(ratio, 1 / ratio) < STATIONARY_MAX or abs(_rank_z(first, last)) < STATIONARY_Z:
        return None
    return finding(
        "not-stationary",
        scope,
        "rising" if ratio > 1 else "falling",
        first_us=round(median(first), 1),
        last_us=round(median(last), 1),
    )


def _means(series: ScheduleSeries, steps: int) -> list[float]:
    pairs = zip(series.response_us[:steps], series.completed[:steps], strict=True)
    return [total / count for total, count in pairs if count]


def _rank_z(one: Sequence[float], other: Sequence[float]) -> float:
    """Mann-Whitney's U of `other` over `one`, in standard deviations."""
    wins = sum((b > a) + (a == b) / 2 for a in one for b in other)
    n, m = len(one), len(other)
    return (wins - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
