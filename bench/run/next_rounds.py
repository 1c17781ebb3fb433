"""Which round comes next, and what all that are still to come will take; decides by width only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.analysis import precision
from bench.plans.cost import cost_round
from bench.plans.duets import duets_for
from bench.plans.planning import rounds_for
from bench.stats.intervals import MIN_ROUNDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.analysis import GroupWidth, Precision
    from bench.model.plan import Plan, PlannedTrial
    from bench.model.trial_record import TrialRecord
    from bench.run.deadline import RunClock

    Kept = Callable[[tuple[PlannedTrial, ...]], tuple[PlannedTrial, ...]]


_MADE_UP: Final = 10
"""Rounds after which a group whose trials are lost again and again is left without an interval."""


class NextRound(NamedTuple):
    """One more round of one workload and profile.

    Attributes:
        whole: its trials, those of cells that are left out included.
        togo_s: what all rounds that are still needed will take.
    """

    group: GroupWidth
    whole: tuple[PlannedTrial, ...]
    togo_s: float


def next_round(plan: Plan, state: Precision, pace: RunClock, kept: Kept) -> NextRound | None:
    """The round that is needed most and ends in time; None where none does.

    A group that would not reach its goal with all the time that is left waits until the others
    have theirs: a saturated Fastify and its copy, known to +-69 % only, took half of a minute that
    ended with both known to +-1.8 % at an equal rate, where 1.5 % were asked for. Where trials were
    lost so that there is no interval, up to ten rounds make up for them, whatever time is left.
    """
    togo_s = min(pace.left_s, needed_s(plan, state.groups, pace, kept))
    for group in sorted(state.groups, key=lambda one: not _in_reach(plan, one, pace, kept)):
        whole = group_round(plan, group)
        made_up = group.lacking and group.rounds < _MADE_UP and kept(whole) == whole
        if made_up or pace.fits(group.rounds + 1, kept(whole)):
            return NextRound(group, whole, togo_s)
    return None


def _in_reach(plan: Plan, group: GroupWidth, pace: RunClock, kept: Kept) -> bool:
    return needed_s(plan, (group,), pace, kept) <= pace.left_s


def needed_s(plan: Plan, groups: Iterable[GroupWidth], pace: RunClock, kept: Kept) -> float:
    """What the rounds that are still needed will take."""
    return sum(
        group.more_rounds * pace.length_s(kept(group_round(plan, group))) for group in groups
    )


def forecast_s(plan: Plan, records: Sequence[TrialRecord], pace: RunClock, kept: Kept) -> float:
    """How long the run still goes on: planned trials, and rounds that the precision will need.

    At most what the time allows, but for the rounds that are measured in any case.
    """
    done = {record.trial.removesuffix(".2") for record in records}
    ahead = [trial for trial in kept(plan.trials) if trial.id not in done]
    seconds = pace.length_s(ahead)
    if plan.precision is not None and len(records) >= MIN_ROUNDS:
        for group in precision(plan, records).groups:
            same = {
                t.round
                for t in ahead
                if (t.cell.workload, t.cell.profile) == (group.workload, group.profile)
            }
            more = 0 if group.widest is None else max(0, group.more_rounds - len(same))
            seconds += more * pace.length_s(kept(group_round(plan, group)))
    least = pace.length_s(trial for trial in ahead if trial.round <= MIN_ROUNDS)
    return max(least, min(seconds, pace.left_s))


def group_round(plan: Plan, group: GroupWidth) -> tuple[PlannedTrial, ...]:
    """The next round of a workload and profile; of cells that the plan still has."""
    number = group.rounds + 1
    make = duets_for if plan.design == "duet" else rounds_for
    cells = {*plan.cells, *(plan.cost.cells if plan.cost else ())}
    return tuple(
        trial
        for trial in (*make(plan, number), *cost_round(plan, number))
        if (trial.cell.workload, trial.cell.profile) == (group.workload, group.profile)
        and trial.cell in cells
    )
