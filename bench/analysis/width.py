"""Whether the rounds so far are precise enough, and how precise planned ones will probably be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from bench.analysis.limits import ceiling_arms
from bench.analysis.trials import CellTrials, by_cell, shown
from bench.analysis.verdicts import paired_ratio
from bench.stats.intervals import MIN_ROUNDS, Estimate, geometric
from bench.stats.median_polish import median
from bench.stats.rounds import rounds_to_go, width_factor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.model.plan import Plan
    from bench.model.summary import Comparison, Summary
    from bench.model.trial_record import TrialRecord


class Precision(NamedTuple):
    """How precise the rounds so far are.

    Attributes:
        reached: nothing more is to be done: no precision is asked for, it is there, or
            max_rounds is.
        widest: the widest compared half-width as a share, None before there is an interval.
        cell: id of that cell, "" where there is none.
        more_rounds: about how many more it takes, at most as many as are allowed; 0 if reached.
    """

    reached: bool
    widest: float | None
    cell: str
    more_rounds: int


def precision(plan: Plan, trials: Iterable[TrialRecord]) -> Precision:
    """Judge the rounds so far by the width of their intervals, never by what they say.

    Compared are throughput ratios to the baseline (closed loop); p50 ratios where every profile
    is open; single estimates where there is nothing to compare with. Cells without any usable
    trial do not count: no number of rounds mends them.

    Args:
        plan: with `precision` and `max_rounds`.
        trials: all records so far; whole rounds.
    """
    kept = tuple(trials)
    estimates = _estimates(plan, by_cell(plan, kept))
    widest, cell = _widest(estimates)
    # A cell that is not tried again leaves no record of its later rounds: the plan counts too.
    done = max([plan.rounds, *(trial.round for trial in kept)])
    allowed = max(0, plan.max_rounds - done)
    if plan.precision is None or not estimates or not allowed:
        return Precision(reached=True, widest=widest, cell=cell, more_rounds=0)
    target = math.log1p(plan.precision)
    needed = max(rounds_to_go(estimate, target, allowed) for _, estimate in estimates)
    return Precision(needed == 0, widest, cell, min(allowed, needed))


def _widest(estimates: Sequence[tuple[str, Estimate]]) -> tuple[float | None, str]:
    halves = [(half, cell) for cell, each in estimates if (half := each.half_width) is not None]
    if not halves:
        return None, ""
    half, cell = max(halves)
    return math.expm1(half), cell


def _estimates(plan: Plan, cells: Sequence[CellTrials]) -> list[tuple[str, Estimate]]:
    """Cell id -> the estimate whose width counts."""
    left_out = ceiling_arms(plan)
    usable = [cell for cell in cells if cell.usable and cell.cell.server not in left_out]
    closed = [cell for cell in usable if cell.profile.loop == "closed"]
    metric = "throughput_rps" if closed else "p50_us"
    counted = closed or usable
    if plan.design == "duet":
        metric, counted = "requests_per_cpu_second", usable
    ratios = [
        (cell.cell.id, ratio.estimate)
        for base in counted
        if base.cell.server == plan.baseline
        for cell in counted
        if _same_group(cell, base) and (ratio := paired_ratio(cell, base, metric))
    ]
    single = [
        (cell.cell.id, geometric(list(values.values())))
        for cell in counted
        if (values := shown(metric, cell))
    ]
    return ratios or single


def _same_group(cell: CellTrials, base: CellTrials) -> bool:
    return cell is not base and (cell.cell.workload, cell.cell.profile) == (
        base.cell.workload,
        base.cell.profile,
    )


class Expected(NamedTuple):
    """What intervals planned rounds will probably give.

    Attributes:
        half_width: typical half-width of a throughput ratio, as a share.
        sd: median standard deviation of the log-ratios seen earlier.
        runs: how many earlier runs this rests on.
    """

    half_width: float
    sd: float
    runs: int


def expected_width(earlier: Iterable[Summary], *, fingerprint: str, rounds: int) -> Expected | None:
    """Estimate the width of coming intervals from earlier runs on this host.

    Args:
        earlier: summaries of earlier runs; those of other hosts are left out.
        fingerprint: of this host.
        rounds: planned.

    Returns:
        None where no earlier run has an interval, or fewer than 3 rounds are planned.
    """
    spreads = [
        seen
        for summary in earlier
        if summary.host.fingerprint == fingerprint and (seen := _spreads(summary))
    ]
    if rounds < MIN_ROUNDS or not spreads:
        return None
    sd = median([each for seen in spreads for each in seen])
    return Expected(math.expm1(width_factor(rounds) * sd), sd, len(spreads))


def _spreads(summary: Summary) -> list[float]:
    rounds = {
        (cell.server, cell.workload, cell.profile): cell.metrics.throughput_rps.n
        for cell in summary.cells
        if cell.metrics.throughput_rps
    }
    seen = (
        _spread(row, rounds.get((row.server, row.workload, row.profile), 0))
        for row in summary.comparisons
        if row.metric == "throughput_rps"
    )
    return [spread for spread in seen if spread is not None]


def _spread(row: Comparison, n: int) -> float | None:
    low, high = row.verdict.low, row.verdict.high
    if low is None or high is None or low <= 0 or n < MIN_ROUNDS:
        return None
    return math.log(high / low) / 2 / width_factor(n)
