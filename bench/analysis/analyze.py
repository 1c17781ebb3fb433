"""The whole way from the records of a run to its summary; a pure function of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from bench.analysis.aggregate import cell_findings, ordered, run_findings
from bench.analysis.cells import summarize
from bench.analysis.cost_verdicts import CostDuets, cost_duets, main_cells
from bench.analysis.lengths_advice import window_advice
from bench.analysis.limits import as_bounds, ceiling_arms, lower_bounds
from bench.analysis.loadtool_effect import tool_findings
from bench.analysis.noise import (
    arms_findings,
    copies,
    copy_pairs,
    noise_floor,
    noisy_host,
    outlier_findings,
    residuals_of,
    unsteady_cpu,
)
from bench.analysis.scalings import scalings
from bench.analysis.searches import load_share
from bench.analysis.trials import CellTrials, by_cell, not_compared
from bench.analysis.verdicts import GroupVerdicts, group_verdicts
from bench.analysis.windows import detail, read_windows, window_findings
from bench.model.plan import Cell
from bench.model.summary import CellDetail, CellSummary, Comparison, Summary
from bench.stats.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.analysis.data import RunData
    from bench.model.finding import Finding
    from bench.model.plan import Plan
    from bench.model.trial_record import TrialRecord


class _Group(NamedTuple):
    """One workload and profile, analyzed."""

    cells: tuple[CellSummary, ...]
    details: tuple[CellDetail, ...]
    rows: tuple[Comparison, ...]
    findings: tuple[Finding, ...]


def analyze(data: RunData) -> tuple[Summary, tuple[CellDetail, ...]]:
    """Estimate every cell, compare it with the baseline and collect what must be known.

    Returns:
        The summary, and one detail per cell in the order of `summary.cells`.
    """
    plan = data.plan
    cells = by_cell(plan, data.trials)
    grouped = _grouped(cells)
    cost = cost_duets(plan, data.trials)
    told = main_cells(plan)
    done = [_with_cost(_group(data, group), cost, told) for group in grouped]
    found = (*copies(grouped, copy_pairs(plan)), *cost.copies)
    floor = noise_floor(found)
    polished = [each for each in map(residuals_of, grouped) if each]
    slow = unsteady_cpu(cells, pairs=plan.cost is not None)
    host = noisy_host(cells, floor, polished, plan.margin), slow
    findings = ordered(
        (
            *arms_findings(found),
            *(each for each in host if each),
            *data.findings,
            *run_findings(plan, cells),
            *tool_findings(cells),
            *outlier_findings(polished),
            *(each for group in done for each in group.findings),
            *cost.findings,
        )
    )
    summaries = tuple(cell for group in done for cell in group.cells)
    summary = Summary(
        run_id=data.info.run_id,
        title=plan.title,
        started=data.info.started,
        finished=data.info.finished,
        host=data.host,
        baseline=plan.baseline,
        margin=plan.margin,
        seed=plan.seed,
        cells=summaries,
        comparisons=tuple(row for group in done for row in group.rows),
        noise_floor=floor,
        measured_s=round(math.fsum(trial.phases_s.total for trial in data.trials), 3),
        window=window_advice(plan, grouped),
        scaling=scalings(cells, summaries, plan.margin),
        findings=findings,
        skipped=plan.skipped,
    )
    return summary, tuple(each for group in done for each in group.details)


def _grouped(cells: Sequence[CellTrials]) -> list[tuple[CellTrials, ...]]:
    groups: dict[tuple[str, str], list[CellTrials]] = {}
    for cell in cells:
        groups.setdefault((cell.cell.workload, cell.cell.profile), []).append(cell)
    return [tuple(group) for group in groups.values()]


def _group(data: RunData, cells: tuple[CellTrials, ...]) -> _Group:
    plan = data.plan
    ceilings = ceiling_arms(plan)
    limited = lower_bounds(cells, ceilings)
    baseline = _baseline(plan, cells)
    verdicts = group_verdicts(
        cells,
        baseline,
        plan.margin,
        as_bounds(limited, plan.baseline, cells),
        ceilings,
        copies=plan.copies,
        unlike=_unlike(plan),
    )
    done = []
    for cell in cells:
        own = limited.get(cell.cell.server)
        done.append(_cell(data, cell, verdicts, own[0] if own else None))
    if baseline is None:
        done.sort(key=lambda each: _rate(each[0]), reverse=True)
    return _Group(
        tuple(summary for summary, _, _ in done),
        tuple(shown for _, shown, _ in done),
        verdicts.rows,
        tuple(each for _, _, findings in done for each in findings),
    )


def _with_cost(group: _Group, cost: CostDuets, told: frozenset[Cell]) -> _Group:
    """The cost of each server where it is shown: once per workload."""
    cells = tuple(
        cell.replace(cost=cost.found.get((cell.server, cell.workload)))
        if Cell(server=cell.server, workload=cell.workload, profile=cell.profile) in told
        else cell
        for cell in group.cells
    )
    return group._replace(cells=cells)


def _unlike(plan: Plan) -> frozenset[str]:
    """Arms of a plan of duets that are other servers than the baseline."""
    names = (arm.name for arm in plan.arms if plan.design == "duet")
    return frozenset(name for name in names if plan.unlike(name))


def _baseline(plan: Plan, cells: Sequence[CellTrials]) -> CellTrials | None:
    return next((c for c in cells if c.cell.server == plan.baseline and c.usable), None)


def _rate(cell: CellSummary) -> float:
    return cell.metrics.throughput_rps.value if cell.metrics.throughput_rps else 0.0


def _cell(
    data: RunData, cell: CellTrials, verdicts: GroupVerdicts, limit: Finding | None
) -> tuple[CellSummary, CellDetail, tuple[Finding, ...]]:
    counts = _merged(data, cell.usable)
    windows = read_windows(cell)
    findings = (
        *((limit,) if limit else ()),
        *cell_findings(cell),
        *window_findings(cell, windows),
    )
    codes = tuple(dict.fromkeys(each.code for each in findings))
    summary = summarize(cell, counts, verdicts.verdicts, codes)
    share = load_share(data.plan, data.trials, summary)
    arm = next((arm for arm in data.plan.arms if arm.name == summary.server), None)
    spoken = arm.under(cell.profile).protocol if arm else summary.protocol
    built = _built_bytes(data, cell.cell.server)
    summary = summary.replace(load_share=share, built_bytes=built, protocol=spoken)
    timed = [trial for trial in cell.usable if not not_compared(trial, "p99_us")]
    told = counts if len(timed) == len(cell.usable) else _merged(data, timed)
    return summary, detail(cell, told, windows), findings


def _built_bytes(data: RunData, server: str) -> int | None:
    """Size of the program that a build made, else of what it installed."""
    origin = next((arm.server for arm in data.plan.arms if arm.name == server), server)
    build = data.builds.get(server) or data.builds.get(origin)
    return build.artefact_bytes or build.installed_bytes if build else None


def _merged(data: RunData, trials: Sequence[TrialRecord]) -> Histogram:
    kept = [data.histogram(trial.trial) for trial in trials]
    return Histogram.merged(each for each in kept if each)
