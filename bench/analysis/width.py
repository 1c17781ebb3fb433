"""Whether the rounds so far are precise enough, and how precise planned ones will probably be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.analysis.limits import ceiling_arms
from bench.analysis.trials import COST_METRIC, CellTrials, by_cell, cost_cells, shown
from bench.analysis.verdicts import paired_ratio
from bench.stats.intervals import MIN_ROUNDS, Estimate, geometric
from bench.stats.median_polish import median
from bench.stats.rounds import rounds_to_go, width_factor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bench.model.plan import Cell, Plan
    from bench.model.summary import Comparison, Summary
    from bench.model.trial_record import TrialRecord


COST_GOAL: Final = 0.4
"""Of the precision: duets are that much narrower than blocks for the same time."""

LATENCY_GOAL: Final = 2.0
"""Of the precision: a p99 of a second's requests spreads more than their rate."""


class GroupWidth(NamedTuple):
    """How precise one workload and profile is.

    Attributes:
        cell: id of its widest cell.
        widest: that cell's half-width as a share, None before there is an interval.
        goal: the half-width that is asked for.
        rounds: so many it has.
        more_rounds: about how many more it takes, at most as many as are allowed.
        lacking: one of its cells has no interval yet: trials of it were lost, or not compared.
    """

    workload: str
    profile: str
    cell: str
    widest: float | None
    goal: float
    rounds: int
    more_rounds: int
    lacking: bool = False

    @property
    def urgency(self) -> float:
        """Width against its goal; infinite where there is no interval yet."""
        return math.inf if self.widest is None else self.widest / self.goal


class Precision(NamedTuple):
    """How precise the rounds so far are.

    Attributes:
        reached: nothing more is to be done: no precision is asked for, it is there, or
            max_rounds is.
        widest: the widest compared half-width as a share, None before there is an interval.
        cell: id of that cell, "" where there is none.
        more_rounds: about how many more it takes, at most as many as are allowed; 0 if reached.
        groups: those that need more rounds, the one farthest from its goal first.
    """

    reached: bool
    widest: float | None
    cell: str
    more_rounds: int
    groups: tuple[GroupWidth, ...] = ()


def precision(plan: Plan, trials: Iterable[TrialRecord]) -> Precision:
    """Judge the rounds so far by the width of their intervals, never by what they say.

    Compared are throughput ratios to the baseline (closed loop); p50 ratios where every profile
    is open; single estimates where there is nothing to compare with. Where a time is given, p99
    ratios and the cost of a request count too. Cells without any usable trial do not count: no
    number of rounds fixes them.

    Args:
        plan: with `precision` and `max_rounds`.
        trials: all records so far; whole rounds.
    """
    found = _widths(plan, tuple(trials))
    halves = [(each.widest, each.cell) for each in found if each.widest is not None]
    widest, cell = max(halves, default=(None, ""))
    needing = sorted((each for each in found if each.more_rounds), key=lambda g: -g.urgency)
    more = max((each.more_rounds for each in needing), default=0)
    return Precision(not needing, widest, cell, more, tuple(needing))


def _widths(plan: Plan, kept: tuple[TrialRecord, ...]) -> list[GroupWidth]:
    grouped: dict[tuple[str, str, float], list[tuple[str, Estimate]]] = {}
    for cell, goal, estimate in _estimates(plan, kept):
        grouped.setdefault((cell.workload, cell.profile, goal), []).append((cell.id, estimate))
    return [
        _width(plan, kept, (workload, profile), goal, estimates)
        for (workload, profile, goal), estimates in grouped.items()
    ]


def _width(
    plan: Plan,
    kept: tuple[TrialRecord, ...],
    group: tuple[str, str],
    goal: float,
    estimates: Sequence[tuple[str, Estimate]],
) -> GroupWidth:
    # A cell that is not tried again leaves no record of its later rounds: the plan counts too.
    planned = [t.round for t in plan.trials if (t.cell.workload, t.cell.profile) == group]
    done = max([*planned, *(r.round for r in kept if (r.workload, r.profile) == group)])
    allowed = max(0, plan.max_rounds - done) if plan.precision is not None else 0
    needed = max(rounds_to_go(each, math.log1p(goal), allowed) for _, each in estimates)
    halves = [(half, cell) for cell, each in estimates if (half := each.half_width) is not None]
    half, cell = max(halves, default=(None, estimates[0][0]))
    widest = None if half is None else math.expm1(half)
    lacking = len(halves) < len(estimates)
    return GroupWidth(*group, cell, widest, goal, done, min(allowed, needed), lacking)


def _estimates(plan: Plan, kept: tuple[TrialRecord, ...]) -> Iterator[tuple[Cell, float, Estimate]]:
    """Cell, its goal, and the estimate whose width counts."""
    goal = plan.precision or plan.margin
    left_out = ceiling_arms(plan)
    cells = [cell for cell in by_cell(plan, kept) if cell.cell.server not in left_out]
    usable = [cell for cell in cells if cell.usable]
    closed = [cell for cell in usable if cell.profile.loop == "closed"]
    if plan.design == "duet":
        yield from _of(plan, _decisive(plan, usable), COST_METRIC, goal)
        return
    yield from _of(plan, closed or usable, "throughput_rps" if closed else "p50_us", goal)
    if plan.max_time_s is None:
        return
    yield from _of(plan, cost_cells(plan, kept), COST_METRIC, COST_GOAL * goal)
    if closed:
        late = [cell for cell in usable if cell.profile.loop == "open"]
        yield from _of(plan, late, "p99_us", LATENCY_GOAL * goal, single=False)


def _decisive(plan: Plan, cells: list[CellTrials]) -> list[CellTrials]:
    """Without saturated duets of unlike servers, which decide nothing, where others do."""
    kept = [c for c in cells if c.profile.loop == "open" or not plan.unlike(c.cell.server)]
    return kept if any(c.cell.server not in {plan.baseline, *plan.copies} for c in kept) else cells


def _of(
    plan: Plan, counted: Sequence[CellTrials], metric: str, goal: float, *, single: bool = True
) -> Iterator[tuple[Cell, float, Estimate]]:
    ratios = [
        (cell.cell, goal, ratio.estimate)
        for base in counted
        if base.cell.server == plan.baseline
        for cell in counted
        if _same_group(cell, base) and (ratio := paired_ratio(cell, base, metric))
    ]
    ratios += [
        (cell.cell, goal, ratio.estimate)
        for cell in counted
        if not any(base.cell.server == plan.baseline for base in counted)
        and cell.partner is not None
        and (ratio := paired_ratio(cell, cell.partner, metric))
    ]
    alone = [
        (cell.cell, goal, geometric(list(values.values())))
        for cell in counted
        if single and (values := shown(metric, cell))
    ]
    yield from ratios or alone


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
