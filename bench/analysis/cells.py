"""One cell over all rounds: estimates, merged latency, rates, bytes."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.analysis.bodies import body_bytes
from bench.analysis.limits import bound_of
from bench.analysis.trials import CellTrials, shown
from bench.model.database import DatabaseShare
from bench.model.load_result import PERCENTILES, unanswered
from bench.model.metric_names import METRICS
from bench.model.summary import (
    CellLatency,
    CellLateness,
    CellSummary,
    Metric,
    Metrics,
    Verdict,
)
from bench.model.trial_record import Handshakes, cpu_us_per_request, database_us_per_request
from bench.stats.histogram import enough_beyond
from bench.stats.intervals import Mean, geometric, mean_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.analysis.trials import CellTrials
    from bench.model.load_result import ErrorCounts, LoadResult
    from bench.stats.histogram import Histogram

_FIRST_APART: Final = 0.9
_NOT_FAILURES: Final = frozenset({"deadline"})


def summarize(
    cell: CellTrials,
    counts: Histogram,
    verdicts: Mapping[tuple[str, str], Verdict],
    codes: Sequence[str],
) -> CellSummary:
    """Build the summary of one cell.

    Args:
        cell: its trials.
        counts: merged histogram of its usable trials, empty where none was kept.
        verdicts: (server, metric) -> verdict within its workload and profile.
        codes: finding codes that concern it.
    """
    server, loads = cell.cell.server, _loads(cell)
    offered = _offered(cell)
    body = body_bytes(cell)
    return CellSummary(
        server=server,
        workload=cell.cell.workload,
        profile=cell.cell.profile,
        trials=cell.counts,
        metrics=Metrics(**{m: _metric(cell, m, verdicts.get((server, m))) for m in METRICS}),
        latency_us=latency(cell, counts),
        success_rate=_success_rate(loads),
        total_requests=sum(load.requests for load in loads) if loads else None,
        errors=_errors(loads),
        errors_excluded=_errors(_excluded(cell)),
        bytes_per_s=_bytes_per_s(cell, body),
        offered_rps=offered,
        achieved_ratio=_achieved(cell, offered),
        lateness_us=_lateness(cell),
        first_byte_us=_first_byte(cell),
        startup_s=middle(trial.startup_s for trial in cell.usable),
        first_request_s=middle(trial.first_request_s for trial in cell.usable),
        database=database_share(cell),
        memory_slope_bytes_per_s=slope.value if (slope := memory_slope(cell)) else None,
        protocol=cell.profile.protocol,
        handshakes=_handshakes(cell),
        bound=bound_of(cell),
        findings=tuple(codes),
    )


def _handshakes(cell: CellTrials) -> Handshakes | None:
    """Of all usable trials; counts only where each has them."""
    seen = [trial.handshakes for trial in cell.usable if trial.handshakes]
    if not seen:
        return None
    whole = [each.whole for each in seen if each.whole is not None]
    resumed = [each.resumed for each in seen if each.resumed is not None]
    return Handshakes(
        whole=sum(whole) if len(whole) == len(seen) else None,
        resumed=sum(resumed) if len(resumed) == len(seen) else None,
        resumes=any(each.resumes for each in seen),
    )


def _loads(cell: CellTrials) -> list[LoadResult]:
    return [trial.load for trial in cell.usable if trial.load]


def _excluded(cell: CellTrials) -> list[LoadResult]:
    used = {trial.trial for trial in cell.usable}
    return [trial.load for trial in cell.recorded if trial.load and trial.trial not in used]


def _errors(loads: Sequence[LoadResult]) -> int | None:
    """Requests that did not succeed; None where there is no load to count in."""
    return sum(_failures(load.errors) for load in loads) if loads else None


def _metric(cell: CellTrials, metric: str, verdict: Verdict | None) -> Metric | None:
    values = list(shown(metric, cell).values())
    if not values:
        return None
    estimate = geometric(values)
    return Metric(
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        n=estimate.n,
        verdict=verdict,
    )


def latency(cell: CellTrials, counts: Histogram) -> CellLatency | None:
    """Latency over all usable trials from the merged histogram, timeouts above all.

    Where no histogram was kept (results measured elsewhere), least, mean and greatest are
    combined from the trials; percentiles are then given only for a single trial.
    """
    loads = [load for load in _loads(cell) if load.latency_us]
    found = counts.moments
    if not loads:
        return None
    if found is None:
        return _from_trials(loads)
    late = sum(unanswered(load.errors, load.loop) for load in loads)
    fewest = min(
        load.latency_us.count + unanswered(load.errors, load.loop)
        for load in loads
        if load.latency_us
    )
    shown_percents = [q for q in PERCENTILES if enough_beyond(fewest, q)]
    values = counts.percentiles(shown_percents, censored=late)
    given = dict(zip(shown_percents, values, strict=True))
    return CellLatency(
        min=found.min,
        mean=found.mean,
        max=found.max,
        percentiles={f"{q:g}": given.get(q) for q in PERCENTILES},
    )


def _from_trials(loads: Sequence[LoadResult]) -> CellLatency:
    seen = [load.latency_us for load in loads if load.latency_us]
    least = [each.min for each in seen if each.min is not None]
    means = [(each.mean, each.count) for each in seen if each.mean is not None]
    only = seen[0].percentiles if len(seen) == 1 else {}
    return CellLatency(
        min=min(least) if len(least) == len(seen) else None,
        mean=_mean(means) if len(means) == len(seen) else None,
        max=max(each.max for each in seen),
        percentiles={f"{q:g}": only.get(f"{q:g}") for q in PERCENTILES},
    )


def _mean(means: Sequence[tuple[float, int]]) -> float | None:
    total = sum(count for _, count in means)
    return math.fsum(mean * count for mean, count in means) / total if total else None


def _success_rate(loads: Sequence[LoadResult]) -> float | None:
    ok = sum(load.ok for load in loads)
    total = ok + sum(_failures(load.errors) for load in loads)
    return ok / total if total else None


def _failures(errors: ErrorCounts | None) -> int:
    """Requests that did not succeed; those in flight when the window closed are none of them."""
    if errors is None:
        return 0
    return sum(count or 0 for kind, count in errors if kind not in _NOT_FAILURES)


def _bytes_per_s(cell: CellTrials, body: float | None) -> float | None:
    """Rate x mean body size; the tool's own count where only that is there and it is bodies."""
    rates = list(cell.values("throughput_rps").values())
    if body is not None and rates:
        return geometric(rates).value * body
    counted = [load for load in _loads(cell) if load.bytes_kind == "body" and load.duration_s]
    if not counted:
        return None
    return math.fsum(load.bytes_in / load.duration_s for load in counted) / len(counted)


def _offered(cell: CellTrials) -> float | None:
    return next((t.offered_rps for t in cell.usable if t.offered_rps), cell.profile.rate_rps)


def _achieved(cell: CellTrials, offered: float | None) -> float | None:
    """Complete responses per second over those offered; of random arrivals, over those due."""
    trials = [(trial.load, trial.pacing) for trial in cell.usable if trial.load]
    seconds = math.fsum(load.duration_s for load, _ in trials)
    due = [pacing.due / pacing.window_s * load.duration_s for load, pacing in trials if pacing]
    if not offered or not seconds:
        return None
    asked = math.fsum(due) if len(due) == len(trials) else offered * seconds
    return sum(load.requests for load, _ in trials) / asked if asked else None


def _lateness(cell: CellTrials) -> CellLateness | None:
    """The load generator's own lateness: of each percentile the median over the trials."""
    late = [t.pacing.lateness_us for t in cell.usable if t.pacing and t.pacing.lateness_us]
    if not late:
        return None
    p50 = [each.p50 for each in late if each.p50 is not None]
    p99 = [each.p99 for each in late if each.p99 is not None]
    return CellLateness(p50=median(p50) if p50 else None, p99=median(p99) if p99 else None)


def _first_byte(cell: CellTrials) -> float | None:
    """Median time to the first byte of a body, where the whole body came clearly later."""
    times: list[tuple[float, float]] = []
    for trial in cell.usable:
        first = trial.pacing.first_byte_us if trial.pacing else None
        whole = trial.load.latency_us if trial.load else None
        last = whole.percentiles.get("50") if whole else None
        if first is not None and first.p50 is not None and last is not None:
            times.append((first.p50, last))
    began = middle(first for first, _ in times)
    ended = middle(last for _, last in times)
    apart = began is not None and ended is not None and began < _FIRST_APART * ended
    return began if apart else None


def middle(values: Iterable[float | None]) -> float | None:
    """Median of what is known, None where nothing is."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def memory_slope(cell: CellTrials) -> Mean | None:
    """How resident memory went on in the second halves of the windows, mean over the trials."""
    slopes = [trial.resources.memory_slope_bytes_per_s for trial in cell.usable]
    known = [slope for slope in slopes if slope is not None]
    return mean_of(known) if known else None


def database_share(cell: CellTrials) -> DatabaseShare | None:
    """Over the usable trials in which both were read; None where there was no database."""
    known = [
        (database, used, trial.server_process.database)
        for trial in cell.usable
        if trial.server_process
        and trial.server_process.database
        and (database := database_us_per_request(trial))
        and (used := cpu_us_per_request(trial))
    ]
    if not known:
        return None
    own = geometric([database for database, _, _ in known])
    server = geometric([used for _, used, _ in known])
    beside = known[-1][2]
    return DatabaseShare(
        cpu_us=own.value,
        low=own.low,
        high=own.high,
        server_cpu_us=server.value,
        share=own.value / (own.value + server.value),
        n=own.n,
        version=beside.version,
        pool=beside.pool,
        settings=beside.settings,
    )
