"""What was asked for and not reached: rounds that did not fit, intervals that stayed wide."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.analysis.width import COST_GOAL, LATENCY_GOAL
from bench.reports.blocks import strong
from bench.reports.decisions import decisions
from bench.reports.primary_metric import COST, MEDIAN_TIME, PER_CPU, RESPONSE_TIME, THROUGHPUT
from bench.reports.wording.phrases import join
from bench.reports.wording.verdict_words import percent
from bench.units import format_eta

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.model.plan import Plan
    from bench.reports.blocks import Text
    from bench.reports.primary_metric import PrimaryMetric
    from bench.reports.view import View

_NAMES: Final = {
    THROUGHPUT.metric: "rates",
    PER_CPU.metric: "ratios of requests per CPU-second",
    COST.metric: "costs",
    RESPONSE_TIME.metric: "p99",
}


class Reached(NamedTuple):
    """How narrow the intervals of ratios by one metric are.

    Attributes:
        goal: half-width that was asked for, a share.
        narrow: how many are not wider.
        total: how many were compared.
        middle: median of the half-widths, a share; None where no ratio has an interval.
    """

    lead: PrimaryMetric
    goal: float
    narrow: int
    total: int
    middle: float | None


def precision_reached(view: View) -> tuple[Text, ...]:
    """One item, where the run is less than was asked for; nothing where it is all of it."""
    said = [*_rounds(view.run.plan), *_intervals(reached(view))]
    return ((strong("Less than asked for"), f": {' '.join(said)}"),) if said else ()


def reached(view: View) -> tuple[Reached, ...]:
    """By each metric whose width decides how long a run goes on, in the order of the report."""
    plan = view.run.plan
    if plan.precision is None:
        return ()
    widths: dict[str, list[float | None]] = {}
    leads: dict[str, tuple[PrimaryMetric, float]] = {}
    for each in decisions(view):
        lead, verdict = each.lead, each.verdict
        instead = lead is MEDIAN_TIME  # of p99, which was asked for and cannot be compared
        lead = RESPONSE_TIME if instead else lead
        share = _share(plan, lead, closed=any(group.by_rate for group in view.groups))
        if share is None or (lead is PER_CPU and verdict.word == "not-comparable"):
            continue
        leads[lead.metric] = lead, share * plan.precision
        half = None if instead else _half(verdict.low, verdict.high)
        widths.setdefault(lead.metric, []).append(half)
    return tuple(_reached(*leads[name], found) for name, found in widths.items())


def _share(plan: Plan, lead: PrimaryMetric, *, closed: bool) -> float | None:
    """Of the precision, what is asked of this metric; None where its width decides nothing."""
    if lead in (THROUGHPUT, PER_CPU):
        return 1.0
    if plan.max_time_s is None or not closed:
        return None
    return COST_GOAL if lead is COST else LATENCY_GOAL


def _half(low: float | None, high: float | None) -> float | None:
    """Half the interval of a ratio as a share: 0.12 from 0.89x to 1.12x."""
    return math.sqrt(high / low) - 1 if low and high else None


def _reached(lead: PrimaryMetric, goal: float, found: list[float | None]) -> Reached:
    known = [each for each in found if each is not None]
    narrow = sum(each <= goal for each in known)
    return Reached(lead, goal, narrow, len(found), median(known) if known else None)


def _rounds(plan: Plan) -> list[str]:
    if not plan.rounds_asked or plan.rounds >= plan.rounds_asked:
        return []
    time = f"the {format_eta(plan.max_time_s)} allowed" if plan.max_time_s else "the time allowed"
    return [f"{plan.rounds} of {plan.rounds_asked} rounds were made, no more fitted into {time}."]


def _intervals(found: Iterable[Reached]) -> list[str]:
    """`2 of 32 rates are known to +-12 % (half of them to +-54 % or better)` and so on."""
    missed = [each for each in found if each.narrow < each.total]
    if not missed:
        return []
    parts = [
        f"{each.narrow} of {each.total} {_NAMES[each.lead.metric]} are known to "
        f"+-{percent(each.goal)}{_middle(each)}"
        for each in missed
    ]
    return [f"Of the precision that was asked for, {join(parts)}."]


def _middle(each: Reached) -> str:
    return "" if each.middle is None else f" (half of them to +-{percent(each.middle)} or better)"
