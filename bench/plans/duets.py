"""Plans of duets: each server together with the baseline, and a copy of the baseline too."""

from __future__ import annotations

import random
from typing import Final

from bench.model.plan import SOLO, Arm, Cell, LoadProfile, Plan, PlannedTrial
from bench.plans.lengths import estimate
from bench.plans.planning import rounds_for

COPY_SUFFIX: Final = "-again"
ALONE_SUFFIX: Final = "-alone"

_ALONE_WARMUP_S: Final = 1.0
_ALONE_WINDOW_S: Final = 1.0


def as_duet(plan: Plan) -> Plan:
    """Turn a plan of blocks into one of duets.

    A copy of the baseline is added unless there is one: what the two copies differ by is the
    noise floor of the run. The baseline itself has no trials of its own: it is part of all.
    In the first round each server is also measured alone, which tells its rate.
    """
    baseline = next(arm for arm in plan.arms if arm.name == plan.baseline)
    arms = _with_copy(plan, baseline)
    groups = [(cell.workload, cell.profile) for cell in plan.cells if cell.server == baseline.name]
    wanted = {cell for cell in plan.cells if (cell.workload, cell.profile) in groups}
    cells = tuple(
        Cell(server=arm.name, workload=workload, profile=profile)
        for workload, profile in groups
        for arm in arms
        if arm not in plan.arms
        or Cell(server=arm.name, workload=workload, profile=profile) in wanted
    )
    plan = plan.replace(arms=arms, cells=cells, alone=_alone(plan))
    return with_alone(plan, 1)


def one_after_the_other(plan: Plan) -> Plan:
    """A plan of duets as one of blocks, for servers that cannot run at the same time."""
    plan = plan.replace(design="blocks")
    trials = tuple(t for number in range(1, plan.rounds + 1) for t in rounds_for(plan, number))
    return plan.replace(trials=trials, estimated_s=estimate(plan, trials))


def with_alone(plan: Plan, rounds: int) -> Plan:
    """The plan of duets with so many rounds in which servers are measured alone too."""
    plan = plan.replace(alone_rounds=rounds)
    trials = tuple(t for number in range(1, plan.rounds + 1) for t in duets_for(plan, number))
    seconds = estimate(plan, trials, copy_of(plan))
    return plan.replace(trials=trials, estimated_s=seconds)


def as_choice(plan: Plan, rounds: int) -> Plan:
    """A plan of duets between different servers, in which each is measured alone as well.

    How a scheduler shares a CPU between two servers says nothing of what either can do: their
    rates are those of the trials alone, in whole windows, and the duets tell the cost.

    Args:
        plan: of duets.
        rounds: with trials alone; below 3 there is no interval.
    """
    closed = (profile for profile in plan.profiles if profile.loop == "closed")
    solo = tuple(one.replace(id=one.id + SOLO) for one in closed)
    return with_alone(plan.replace(alone=solo), rounds) if solo else plan


def _alone(plan: Plan) -> tuple[LoadProfile, ...]:
    """A short closed loop, like the first of the plan."""
    closed = next((profile for profile in plan.profiles if profile.loop == "closed"), None)
    if closed is None:
        return ()
    update = {
        "id": closed.id + ALONE_SUFFIX,
        "warmup_s": min(_ALONE_WARMUP_S, closed.warmup_s),
        "duration_s": min(_ALONE_WINDOW_S, closed.duration_s),
    }
    return (closed.model_copy(update=update),)


def duets_for(plan: Plan, number: int) -> tuple[PlannedTrial, ...]:
    """The trials of one round in their order: every cell but the baseline's, then those alone."""
    duets = tuple(t for t in rounds_for(plan, number) if t.cell.server != plan.baseline)
    return (*duets, *_alone_for(plan, number)) if number <= plan.alone_rounds else duets


def _alone_for(plan: Plan, number: int) -> list[PlannedTrial]:
    """Each server but the copy once per workload, in random order; none without another."""
    copy = copy_of(plan)
    if {arm.name for arm in plan.arms} <= {plan.baseline, copy}:
        return []
    first = plan.profiles[0].id
    cells = [
        cell.replace(profile=profile.id)
        for profile in plan.alone
        for cell in plan.cells
        if cell.server != copy and cell.profile == first
    ]
    random.Random(f"{plan.seed}/{number}/alone").shuffle(cells)  # noqa: S311 - repeatable, not secret
    return [PlannedTrial(id=f"r{number:02d}-{c.id}", round=number, cell=c) for c in cells]


def copy_of(plan: Plan) -> str:
    """Name of the arm that is the baseline again, "" where there is none."""
    return next((arm.name for arm in plan.arms if arm.copy_of == plan.baseline), "")


def _with_copy(plan: Plan, baseline: Arm) -> tuple[Arm, ...]:
    """The baseline first, its copy second, then the others."""
    others = [arm for arm in plan.arms if arm.name != baseline.name]
    if copy_of(plan):
        return (baseline, *others)
    update = {"name": free_name(baseline.name + COPY_SUFFIX, plan), "copy_of": baseline.name}
    return (baseline, baseline.model_copy(update=update), *others)


def free_name(name: str, plan: Plan) -> str:
    """The name, or `name-2` and so on where a server is really called that."""
    taken = {*(arm.name for arm in plan.arms), *(one.server for one in plan.skipped)}
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return next(each for each in (name, *numbered) if each not in taken)
