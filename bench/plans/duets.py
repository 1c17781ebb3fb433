"""Plans of duets: each server together with the baseline, and a copy of the baseline too."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Final

from bench.model.plan import Arm, Cell, LoadProfile, Plan, PlannedTrial
from bench.plans.lengths import estimate
from bench.plans.planning import rounds_for

if TYPE_CHECKING:
    from bench.model.trial_record import TrialRecord

COPY_SUFFIX: Final = "-again"
HEADROOM: Final = 0.6
"""Share of the load CPUs that an offered rate may keep busy: beyond it a pacer sends late."""

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
    plan = plan.model_copy(update={"arms": arms, "cells": cells, "alone": _alone(plan)})
    return with_alone(plan, 1)


def one_after_the_other(plan: Plan) -> Plan:
    """A plan of duets as one of blocks, for servers that cannot run at the same time."""
    plan = plan.model_copy(update={"design": "blocks"})
    trials = tuple(t for number in range(1, plan.rounds + 1) for t in rounds_for(plan, number))
    return plan.model_copy(update={"trials": trials, "estimated_s": estimate(plan, trials)})


def with_alone(plan: Plan, rounds: int) -> Plan:
    """The plan of duets with so many rounds in which servers are measured alone too."""
    plan = plan.model_copy(update={"alone_rounds": rounds})
    trials = tuple(t for number in range(1, plan.rounds + 1) for t in duets_for(plan, number))
    seconds = estimate(plan, trials, copy_of(plan))
    return plan.model_copy(update={"trials": trials, "estimated_s": seconds})


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
        cell.model_copy(update={"profile": profile.id})
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
    update = {"name": _free(baseline.name + COPY_SUFFIX, plan), "copy_of": baseline.name}
    return (baseline, baseline.model_copy(update=update), *others)


def _free(name: str, plan: Plan) -> str:
    """The name, or `name-2` and so on where a server is really called that."""
    taken = {*(arm.name for arm in plan.arms), *(one.server for one in plan.skipped)}
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return next(each for each in (name, *numbered) if each not in taken)


def cost_ratio(record: TrialRecord) -> float | None:
    """CPU time per request of a duet's server / that of the baseline beside it.

    Returns:
        None where the duet has no usable figures.
    """
    costs = _costs(record)
    return costs[0] / costs[1] if costs else None


def _costs(record: TrialRecord) -> tuple[float, float] | None:
    """Server CPU seconds per successful request, of both sides."""
    partner = record.partner
    if not record.usable or partner is None or record.load is None or partner.load is None:
        return None
    used = [part.resources.server_cpu_s or 0.0 for part in (record, partner)]
    answered = [record.load.ok, partner.load.ok]
    if not all(used) or not all(answered):
        return None
    return used[0] / answered[0], used[1] / answered[1]


def joint_capacity(record: TrialRecord, *, load_cpus: int) -> float | None:
    """Requests/s at which two servers, each offered that rate, use up their CPUs together.

    Derived from a saturated closed-loop duet: CPU time that both got per second, divided by
    what one request to each costs. Bounded by what the load tools could send, so that a
    share of it leaves the same share of the load CPUs free.

    Args:
        record: of the calibrating duet.
        load_cpus: CPUs that the load tools share.

    Returns:
        None where the duet has no usable figures.
    """
    costs, span = _costs(record), record.resources.span_s
    partner, load = record.partner, record.load
    if costs is None or partner is None or partner.load is None or load is None or not span:
        return None
    used = math.fsum(part.resources.server_cpu_s or 0.0 for part in (record, partner))
    servers = used / span / math.fsum(costs)
    loads = math.fsum((*record.resources.load_cpu_s, *partner.resources.load_cpu_s))
    cost = loads / (load.ok + partner.load.ok)
    return min(servers, load_cpus / (2 * cost)) if cost else servers
