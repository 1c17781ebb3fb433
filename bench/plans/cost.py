"""Duets beside blocks: what a request costs, at an equal offered rate that is named."""

from __future__ import annotations

import random
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.loadtools import TOOLS, ranked, unsupported
from bench.loadtools.install.find import choose
from bench.model.finding import finding
from bench.model.plan import Cell, CostPlan, LoadProfile, PlannedTrial
from bench.model.server_config import CEILING
from bench.plans.duets import free_name
from bench.plans.lengths import estimate
from bench.plans.planning import in_random_order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from bench.model.finding import Finding
    from bench.model.plan import Plan, Workload
    from bench.model.trial_record import TrialRecord

COST_ID: Final = "cost"
SHARE: Final = 0.6
"""Of what both reach together: near the knee a small difference decides who queues."""

PACER_US: Final = 25.0
"""CPU time that a load tool needs for a request of an open loop where several are due at once."""

_WARMUP_S: Final = 1.0
_WINDOW_S: Final = 1.0
"""Three pairs measured 32 costs to 7.6 % in the median with windows of 1 s, to 6.3 % with 3 s: a
fourth pair of 1 s takes as long and narrows it more, by the quantile alone from 4.3 to 3.2."""

_LATER: Final = 2
"""Rounds of blocks before the first duets: a median of three tells what the servers reach."""


def with_cost(plan: Plan, workloads: Mapping[str, Workload]) -> Plan:
    """A plan of blocks with duets that decide the cost, as many rounds as it has."""
    cost = _cost_plan(plan, workloads)
    if cost is None:
        return plan
    plan = plan.replace(cost=cost)
    more = tuple(t for number in range(1, plan.rounds + 1) for t in cost_round(plan, number))
    plan = plan.replace(trials=(*plan.trials, *more))
    trials = tuple(trial for batch in batches(plan) for trial in batch)
    return plan.replace(trials=trials, estimated_s=estimate(plan, trials))


def _cost_plan(plan: Plan, workloads: Mapping[str, Workload]) -> CostPlan | None:
    profile = _profile(plan)
    baseline = next(arm for arm in plan.arms if arm.name == plan.baseline)
    name = free_name(f"{baseline.name}-again", plan)
    again = baseline.replace(name=name, copy_of=baseline.name)
    closed = {one.id for one in plan.profiles if one.loop == "closed"}
    there = {(cell.server, cell.workload) for cell in plan.cells if cell.profile in closed}
    arms = [arm.name for arm in plan.arms if arm.url is None and arm.server != CEILING]
    cells = [
        Cell(server=server, workload=workload, profile=profile.id)
        for workload in plan.workloads
        if (baseline.name, workload) in there and not unsupported(profile, workloads[workload])
        for server in (name, *arms)
        if server != baseline.name and (server == name or (server, workload) in there)
    ]
    others = any(cell.server not in {name, *plan.copies} for cell in cells)
    if baseline.name not in arms or not others:
        return None
    return CostPlan(profile=profile, again=again, cells=tuple(cells))


def _profile(plan: Plan) -> LoadProfile:
    """An open loop with the connections of the first closed one."""
    closed = next(profile for profile in plan.profiles if profile.loop == "closed")
    spoken = closed.protocol
    tool = choose("open", (_WARMUP_S, _WINDOW_S), protocol=spoken)
    tool = tool or ranked("open", protocol=spoken)[0]
    taken = {profile.id for profile in plan.profiles}
    update = {
        "id": next(name for name in (COST_ID, f"{COST_ID}-duets") if name not in taken),
        "tool": tool,
        "loop": "open",
        "rate_rps": None,
        "rate_share": SHARE,
        "warmup_s": _WARMUP_S,
        "duration_s": _WINDOW_S,
        "swept": None,
        "server_cpus": None,
        "arrivals": "poisson" if "poisson" in TOOLS[tool].arrivals else None,
    }
    return closed.model_copy(update=update)


def cost_round(plan: Plan, number: int) -> tuple[PlannedTrial, ...]:
    """The duets of one round; those of a workload follow each other, in random order."""
    if plan.cost is None:
        return ()
    rng = random.Random(f"{plan.seed}/{number}/cost")  # noqa: S311 - repeatable, not secret
    groups: dict[str, list[Cell]] = {}
    for cell in plan.cost.cells:
        groups.setdefault(cell.workload, []).append(cell)
    return in_random_order(plan, number, groups.values(), rng)


def without_cost_of(plan: Plan, gone: Collection[str]) -> Plan:
    """The plan without the duets of servers that take no part; without any if the baseline is."""
    if plan.cost is None or not gone:
        return plan
    lost = {*gone, *((plan.cost.again.name,) if plan.baseline in gone else ())}
    cells = tuple(cell for cell in plan.cost.cells if cell.server not in lost)
    if plan.baseline in gone:
        cells = ()
    left = {cell.id for cell in cells}
    trials = tuple(t for t in plan.trials if not is_cost(plan, t) or t.cell.id in left)
    cost = plan.cost.replace(cells=cells)
    return plan.replace(cost=cost, trials=trials)


def is_cost(plan: Plan, trial: PlannedTrial) -> bool:
    """Whether a trial is one of the duets that decide the cost."""
    return plan.cost is not None and trial.cell.profile == plan.cost.profile.id


def batches(plan: Plan) -> tuple[tuple[PlannedTrial, ...], ...]:
    """Planned trials round by round; duets begin after the third round of blocks.

    Until then it is not known what the servers reach, and so not what share of it to offer.
    """
    found: dict[tuple[int, int], list[PlannedTrial]] = {}
    last = max((trial.round for trial in plan.trials), default=0)
    for trial in plan.trials:
        duet = is_cost(plan, trial)
        at = min(last, trial.round + _LATER) if duet else trial.round
        found.setdefault((at, trial.round if duet else 0), []).append(trial)
    return tuple(tuple(found[key]) for key in sorted(found))


def with_rate(plan: Plan, records: Sequence[TrialRecord], planned: PlannedTrial) -> Plan | None:
    """The plan with the rate of a duet in it; None where there is none to offer."""
    cost = plan.cost
    if cost is None or not is_cost(plan, planned) or cost.rate(planned.cell):
        return plan
    rate = cost_rate(plan, records, planned.cell)
    if rate is None:
        return None
    return plan.replace(cost=cost.with_rate(planned.cell, rate))


def no_rate(plan: Plan, planned: PlannedTrial, known: Iterable[Finding]) -> list[Finding]:
    """What to note of a duet that has no rate; nothing where that is noted."""
    cell = planned.cell
    if any((one.code, one.scope) == ("not-calibrated", cell.id) for one in known):
        return []
    what = f"{cell.server} and {plan.baseline}"
    said = f"what a request costs is not compared: what {what} reach saturated is not known"
    return [finding("not-calibrated", cell.id, "said", said=said)]


def cost_rate(plan: Plan, records: Iterable[TrialRecord], cell: Cell) -> float | None:
    """Requests/s to send to each of a pair: a share of what both reach together.

    Each uses up the CPU alone at the rate that it reached saturated (median of its trials so
    far), so that together they do at 1 / (1 / a + 1 / b). The load tool has a limit as well.

    Returns:
        None where one of them was not measured.
    """
    assert plan.cost is not None  # noqa: S101 - asked of its cells alone
    server = plan.baseline if cell.server == plan.cost.again.name else cell.server
    reached = [_reached(plan, records, name, cell.workload) for name in (server, plan.baseline)]
    if None in reached:
        return None
    together = 1 / sum(1 / rate for rate in reached if rate)
    most = 1e6 * plan.cpus.load_count / (2 * PACER_US)
    return round(SHARE * min(together, most), 1)


def _reached(
    plan: Plan, records: Iterable[TrialRecord], server: str, workload: str
) -> float | None:
    """Median rate of a server's saturated trials, under the first profile that has some."""
    for profile in plan.profiles:
        rates = [
            record.load.throughput_rps
            for record in records
            if (record.server, record.workload, record.profile) == (server, workload, profile.id)
            and record.usable
            and record.load
            and record.load.ok
        ]
        if profile.loop == "closed" and rates:
            return median(rates)
    return None
