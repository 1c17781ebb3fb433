"""Plans of duets: each server together with the baseline, and a copy of the baseline too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.matrix import rounds_for
from bench.model.plan import Arm, Cell, Plan, PlannedTrial

if TYPE_CHECKING:
    from bench.model.trial import TrialRecord

COPY_SUFFIX: Final = "-again"
HEADROOM: Final = 0.6
"""Share of the load CPUs that an offered rate may keep busy: beyond it a pacer sends late."""

_SECONDS_PER_TRIAL: Final = 2.0


def as_duet(plan: Plan) -> Plan:
    """Turn a plan of blocks into one of duets.

    A copy of the baseline is added unless there is one: what the two copies differ by is the
    noise floor of the run. The baseline itself has no trials of its own: it is part of all.
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
    plan = plan.model_copy(update={"arms": arms, "cells": cells})
    trials = tuple(t for number in range(1, plan.rounds + 1) for t in duets_for(plan, number))
    lengths = {p.id: p.warmup_s + p.duration_s + _SECONDS_PER_TRIAL for p in plan.profiles}
    estimated = sum(lengths[trial.cell.profile] for trial in trials)
    return plan.model_copy(update={"trials": trials, "estimated_s": estimated})


def duets_for(plan: Plan, number: int) -> tuple[PlannedTrial, ...]:
    """The trials of one round in their order: every cell but the baseline's."""
    return tuple(t for t in rounds_for(plan, number) if t.cell.server != plan.baseline)


def _with_copy(plan: Plan, baseline: Arm) -> tuple[Arm, ...]:
    """The baseline first, its copy second, then the others."""
    others = [arm for arm in plan.arms if arm.name != baseline.name]
    if any(_same(arm, baseline) for arm in others):
        return (baseline, *others)
    copy = baseline.model_copy(update={"name": baseline.name + COPY_SUFFIX})
    return (baseline, copy, *others)


def _same(arm: Arm, other: Arm) -> bool:
    return arm.model_copy(update={"name": other.name}) == other


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
    partner = record.partner
    if not record.usable or partner is None or record.load is None or partner.load is None:
        return None
    used = [part.resources.server_cpu_s or 0.0 for part in (record, partner)]
    answered = [record.load.ok, partner.load.ok]
    span = record.resources.span_s
    if not span or not all(used) or not all(answered):
        return None
    each = sum(cpu / ok for cpu, ok in zip(used, answered, strict=True))
    servers = sum(used) / span / each
    loads = [*record.resources.load_cpu_s, *partner.resources.load_cpu_s]
    cost = sum(loads) / sum(answered)
    return min(servers, load_cpus / (2 * cost)) if cost else servers
