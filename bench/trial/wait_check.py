"""Whether answers under load came before their wait can have been over; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.model.finding import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.finding import Finding
    from bench.model.load_result import LoadResult
    from bench.model.plan import LoadProfile, Workload


def waits_skipped(
    load: LoadResult, workload: Workload, profile: LoadProfile, trial: str
) -> Iterator[Finding]:
    """Answers earlier than the shortest `min_time` of a workload, or more than can have waited.

    What a client sees is never shorter than the server's wait, so a single early answer is proof.
    The count is proof where a tool's latencies are not known: a connection carries one request at
    a time, and one more than that may be under way when the window begins.
    """
    waits = [kind.expect.min_time or 0.0 for kind in workload.kinds]
    least_s = min(waits, default=0.0)  # imported results have no requests
    if least_s <= 0 or workload.lua:
        return
    fastest = load.latency_us.min if load.latency_us else None
    if fastest is not None and fastest < least_s * 1e6:
        yield finding("wait-skipped", trial, fastest_ms=fastest / 1000, least_ms=least_s * 1000)
    elif load.requests > profile.connections * (load.duration_s / least_s + 1):
        yield finding(
            "wait-skipped",
            trial,
            "rate",
            requests=load.requests,
            window_s=load.duration_s,
            connections=profile.connections,
            least_ms=least_s * 1000,
        )
