"""Two runs against each other, unpaired; a pure function of what both recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from bench.analysis.in_flight import RATE_CAUSE, SHORT
from bench.analysis.limits import ceiling_arms
from bench.analysis.run_differences import changes
from bench.analysis.trials import CellTrials, by_cell, compared, shown
from bench.analysis.verdicts import (
    NoiseBounds,
    Ratio,
    decide,
    no_trials_because,
    short_costs,
)
from bench.errors import UsageError
from bench.model.metric_names import HIGHER_IS_BETTER, METRICS
from bench.model.run_comparison import CompareResult, CompareRow, MissingCell
from bench.model.summary import Metric
from bench.stats.intervals import geometric, welch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.model.plan import Cell
    from bench.model.summary import RunView, Verdict
    from bench.stats.intervals import Estimate

_LIMITS: Final = {
    SHORT: RATE_CAUSE,
    "client-bound": "the load tool was the limit",
    "near-ceiling": "near this machine's ceiling",
}


_RATE_TOLERANCE: Final = 0.01


class _Pair(NamedTuple):
    """One cell with usable trials in both runs."""

    cell: Cell
    before: CellTrials
    after: CellTrials


def compare(
    baseline: RunView,
    candidate: RunView,
    *,
    margin: float | None = None,
    metric: str = METRICS[0],
    across_hosts: bool = False,
) -> CompareResult:
    """Compare each cell that both runs have; the first run is the baseline.

    Rounds of two runs are no pairs: ratios are Welch's on logs. Holm's correction is made over
    the servers of one workload and profile, per metric; A/A copies have a family of their own.
    They open no gate, nor does the ceiling server, which shows what the machine did.

    Raises:
        UsageError: the machines differ and `across_hosts` is not given, or no cell is in both.
    """
    same_host = baseline.host.fingerprint == candidate.host.fingerprint
    if not same_host and not across_hosts:
        raise _other_host(baseline, candidate)
    before, after = _cells(baseline), _cells(candidate)
    pairs = tuple(_pairs(before, after))
    if not before.keys() & after.keys():
        raise _nothing_in_common(baseline, candidate)
    limit = baseline.summary.margin if margin is None else margin
    copies = _copies(baseline, candidate)
    ceilings = ceiling_arms(baseline.plan) | ceiling_arms(candidate.plan)
    rows = tuple(_rows(pairs, limit, (_bounds(baseline), _bounds(candidate)), copies))
    looked = [row for row in rows if row.metric == metric]
    return CompareResult(
        title=baseline.summary.title,
        baseline_run=baseline.info.run_id,
        candidate_run=candidate.info.run_id,
        same_host=same_host,
        margin=limit,
        metric=metric,
        rows=rows,
        missing=tuple(_missing(before, after, metric, copies | ceilings)),
        changes=changes(baseline, candidate),
        gate=tuple(r for r in looked if r.server not in copies | ceilings and _worse(r)),
        machine=tuple(row for row in looked if row.server in ceilings),
    )


def _copies(baseline: RunView, candidate: RunView) -> frozenset[str]:
    """Arms that are A/A copies in each of the runs that have them."""
    plans = (baseline.plan, candidate.plan)
    originals = {arm.name for plan in plans for arm in plan.arms if arm.name not in plan.copies}
    return (plans[0].copies | plans[1].copies) - originals


def _worse(row: CompareRow) -> bool:
    worse = "slower" if row.metric in HIGHER_IS_BETTER else "more"
    return row.verdict.word == worse and row.verdict.beyond_margin


def _other_host(baseline: RunView, candidate: RunView) -> UsageError:
    names = " and ".join(
        f"{view.info.run_id} ({view.host.cpu.model or 'unknown CPU'}, "
        f"{view.host.os.name or view.host.system} {view.host.os.version or ''})".replace(" )", ")")
        for view in (baseline, candidate)
    )
    return UsageError(
        f"the runs are of different hosts: {names}",
        advice="--across-hosts compares them all the same; then the machines differ too",
    )


def _nothing_in_common(baseline: RunView, candidate: RunView) -> UsageError:
    return UsageError(
        f"{baseline.info.run_id} and {candidate.info.run_id} have no cell in common",
        advice="compare two runs of one matrix",
    )


def _cells(view: RunView) -> dict[str, CellTrials]:
    return {cell.cell.id: cell for cell in by_cell(view.plan, view.trials)}


def _pairs(before: Mapping[str, CellTrials], after: Mapping[str, CellTrials]) -> Iterable[_Pair]:
    for key, cell in before.items():
        other = after.get(key)
        if other and cell.usable and other.usable and not _load_differs(cell, other):
            yield _Pair(cell.cell, cell, other)


def _load_differs(before: CellTrials, after: CellTrials) -> list[str]:
    """What is not the same in the load of two cells; latencies need equal offered rates."""
    neutral = {"warmup_s", "rate_rps", "rate_share", "processes"}
    a, b = before.profile.model_dump(exclude=neutral), after.profile.model_dump(exclude=neutral)
    found = sorted(key for key in a if a[key] != b[key])
    rates = _offered(before), _offered(after)
    if abs(rates[0] - rates[1]) > _RATE_TOLERANCE * max(rates):
        found.append(f"offered rate ({rates[0]:,.0f} and {rates[1]:,.0f} requests/s)")
    return found


def _offered(cell: CellTrials) -> float:
    """Requests/s as offered in the trials; 0 in a closed loop."""
    return next((trial.offered_rps for trial in cell.usable if trial.offered_rps), 0.0)


def _missing(
    before: Mapping[str, CellTrials],
    after: Mapping[str, CellTrials],
    metric: str,
    outside: frozenset[str],
) -> Iterable[MissingCell]:
    for key in dict.fromkeys((*before, *after)):
        a, b = before.get(key), after.get(key)
        found = _why_missing(a, b)
        cell = a or b
        if found and cell:
            side, reason = found
            gated = side != "neither" or compared(metric, cell.profile)
            gated = gated and cell.cell.server not in outside
            yield MissingCell(**cell.cell.model_dump(), side=side, reason=reason, gated=gated)


def _why_missing(
    a: CellTrials | None, b: CellTrials | None
) -> tuple[Literal["baseline", "candidate", "both", "neither"], str] | None:
    without, with_none = _lacks(a), _lacks(b)
    if without and with_none:
        return "both", without
    if without:
        return "baseline", without
    if with_none:
        return "candidate", with_none
    if a and b and (names := _load_differs(a, b)):
        return "neither", f"the loads differ in {', '.join(names)}"
    return None


def _lacks(cell: CellTrials | None) -> str | None:
    if cell is None:
        return "it is not part of the run"
    return None if cell.usable else no_trials_because(cell)


def _bounds(view: RunView) -> dict[str, str]:
    """Cell id -> why its throughput is a lower bound."""
    return {
        f"{cell.server}.{cell.workload}.{cell.profile}": reason
        for cell in view.summary.cells
        for code, reason in _LIMITS.items()
        if code in cell.findings
    }


def _rows(
    pairs: Sequence[_Pair],
    margin: float,
    bounds: tuple[Mapping[str, str], Mapping[str, str]],
    copies: frozenset[str],
) -> Iterable[CompareRow]:
    groups: dict[tuple[str, str], list[_Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair.cell.workload, pair.cell.profile), []).append(pair)
    for group in groups.values():
        before, after = (_by_server(group, side) for side in bounds)
        for metric in METRICS:
            yield from _metric_rows(group, metric, margin, NoiseBounds(after, before), copies)


def _by_server(group: Sequence[_Pair], bounds: Mapping[str, str]) -> dict[str, str]:
    return {p.cell.server: bounds[p.cell.id] for p in group if p.cell.id in bounds}


def _metric_rows(
    group: Sequence[_Pair], metric: str, margin: float, bounds: NoiseBounds, copies: frozenset[str]
) -> Iterable[CompareRow]:
    having = [
        pair
        for pair in group
        if compared(metric, pair.before.profile)
        and shown(metric, pair.before)
        and shown(metric, pair.after)
    ]
    ratios = {pair.cell.server: Ratio(_unpaired(pair, metric)) for pair in having}
    own = {name: ratio for name, ratio in ratios.items() if name not in copies}
    again = {name: ratio for name, ratio in ratios.items() if name in copies}
    verdicts = {
        **decide(metric, own, margin, bounds),
        **decide(metric, again, margin, bounds),
    }
    for pair in having:
        sides = pair.before, pair.after
        verdicts |= short_costs(metric, verdicts, pair.cell.server, sides)
    return [_row(pair, metric, verdicts[pair.cell.server]) for pair in having]


def _unpaired(pair: _Pair, metric: str) -> Estimate:
    return welch(_values(pair.after, metric), _values(pair.before, metric))


def _values(cell: CellTrials, metric: str) -> list[float]:
    return list(shown(metric, cell).values())


def _row(pair: _Pair, metric: str, verdict: Verdict) -> CompareRow:
    return CompareRow(
        **pair.cell.model_dump(),
        metric=metric,
        baseline=_estimate(pair.before, metric),
        candidate=_estimate(pair.after, metric),
        verdict=verdict,
    )


def _estimate(cell: CellTrials, metric: str) -> Metric:
    found = geometric(_values(cell, metric))
    return Metric(value=found.value, low=found.low, high=found.high, n=found.n, verdict=None)
