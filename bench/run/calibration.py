"""Short trials before the first round: what servers can do, and how far two copies differ.

None of them enters an estimate.
"""

from __future__ import annotations

import math
from statistics import stdev
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.analysis.joint_capacity import cost_ratio, joint_capacity
from bench.errors import StoreError, UsageError
from bench.model.finding import finding
from bench.model.plan import PlannedTrial
from bench.model.trial_record import TrialRecord
from bench.plans.cost import PACER_US
from bench.plans.duets import copy_of
from bench.plans.lengths import SPREAD_LEAST, calibrating, calibrating_load, capacity_key
from bench.stats.median_polish import median

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from bench.model.finding import Finding
    from bench.model.plan import Cell, LoadProfile, Plan
    from bench.run.events import Listener
    from bench.run.measuring import Measuring
    from bench.store.run_directory import RunDirectory


class Calibrated(NamedTuple):
    """What the calibration found.

    Attributes:
        plan: with capacities and spreads.
        overhead_s: length of a trial beside its warm-up and window, None where none was run.
    """

    plan: Plan
    overhead_s: float | None


def offered(plan: Plan, profile: LoadProfile, cell: Cell) -> LoadProfile:
    """The profile with a share of a capacity turned into a rate.

    The capacity is that of the slowest calibrated server, or the cell's own where the profile
    says so.

    Raises:
        StoreError: no capacity could be measured; no trial of such a cell should be run.
    """
    if profile.rate_share is None:
        return profile
    if profile.own:
        capacity = plan.calibrated.get(capacity_key(cell, plan))
        slowest = None if capacity is None else (cell.server, capacity)
    else:
        slowest = _slowest(plan, cell.workload, profile.curve or profile.id)
    if slowest is None:
        raise StoreError(f"no capacity of {cell.workload} could be measured for {profile.id}")
    least = slowest[1]
    return profile.replace(rate_rps=round(profile.rate_share * least, 3))


def _slowest(plan: Plan, workload: str, profile: str) -> tuple[str, float] | None:
    """Server and capacity of the slowest one that could be calibrated."""
    ending = f"/{workload}/{profile}"
    capacities = plan.calibrated.items()
    found = [(key.removesuffix(ending), rate) for key, rate in capacities if key.endswith(ending)]
    return min(found, key=lambda item: item[1], default=None)


def without_capacity(plan: Plan) -> tuple[Cell, ...]:
    """Cells that are offered a share of a capacity, and whose own could not be measured.

    A rate that takes no account of a server's own capacity may be far beyond it, so they are
    not measured. In a duet the baseline has none of its own.
    """
    known = plan.calibrated
    shared = _shared(plan)
    return tuple(
        cell
        for cell in plan.cells
        if cell.profile in shared
        and capacity_key(cell, plan) not in known
        and not (plan.design == "duet" and cell.server == plan.baseline)
    )


def not_calibrated(
    plan: Plan, directory: RunDirectory, lost: Collection[Cell] = ()
) -> list[Finding]:
    """One finding for each cell without a capacity: why, and what the others are offered.

    Of those that are lost already, and were not calibrated for that, there is none.
    """
    return [
        finding(
            "not-calibrated",
            cell.id,
            *_others(plan, cell)[0],
            server=cell.server,
            workload=cell.workload,
            profile=cell.profile,
            why=_why(directory, cell),
            **_others(plan, cell)[1],
        )
        for cell in without_capacity(plan)
        if cell not in lost
    ]


def _why(directory: RunDirectory, cell: Cell) -> str:
    """What went wrong in the calibrating trial, which lies in the run but does not count."""
    trial = _name(cell, 1)
    try:
        record = directory.read_model(f"trials/{trial}/trial.json", TrialRecord)
    except UsageError:
        return f"trial {trial} is not there"
    said = record.detail.strip().splitlines()
    reason = said[0] if said else ", ".join(record.reasons) or "no figures"
    return f"trial {trial}: {record.status}, {reason}"


def _others(plan: Plan, cell: Cell) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The rate that the other servers of a cell's group are offered: case and figures."""
    load = next(one for one in plan.profiles if one.id == cell.profile)
    slowest = _slowest(plan, cell.workload, load.curve or load.id)
    if slowest is None or load.own:
        return (), {}
    share = load.rate_share
    name, rate = slowest
    return ("others",), {"share": share or 0.0, "capacity": rate, "slowest": name}


def _shared(plan: Plan) -> set[str]:
    return {profile.id for profile in plan.profiles if profile.rate_share is not None}


def _name(cell: Cell, number: int) -> str:
    return f"r00-{cell.id}" + (f".p{number}" if number > 1 else "")


def calibrate(
    plan: Plan,
    measuring: Measuring,
    directory: RunDirectory,
    listener: Listener,
    *,
    begun: Collection[tuple[str, str]] = (),
    lost: Collection[Cell] = (),
) -> Calibrated:
    """Measure what a run on disk does not know yet, once per run.

    Capacities where a profile offers a share of them; in a plan of duets that asks for a
    precision also how far two copies of the baseline differ.

    Args:
        plan: what it knows already is not measured again.
        measuring: carries out the trials.
        directory: keeps their records, and the plan.
        listener: hears what is calibrated.
        begun: (workload, profile) of trials on disk: their rate must stay what it was.
        lost: cells that are not measured at all.

    Raises:
        KeyboardInterrupt: passed on.
        StoreError: the disk is full.
    """
    shared = _shared(plan)
    block = _Block(plan, measuring, directory, listener)
    for cell, repeat in calibrating(plan, copy_of(plan)):
        if cell in lost:
            continue
        if cell.profile not in shared or (cell.workload, cell.profile) not in begun:
            block.measure(cell, repeat)
    if not block.overheads:
        return Calibrated(plan, None)
    enough = {name: logs for name, logs in block.logs.items() if len(logs) >= SPREAD_LEAST}
    spreads = {name: stdev(logs) for name, logs in enough.items()}
    plan = plan.replace(
        calibrated={**plan.calibrated, **block.capacities},
        spreads={**plan.spreads, **spreads},
    )
    directory.write_model("plan.json", plan)
    return Calibrated(plan, median(block.overheads))


class _Block:
    """The trials of the calibration and what they showed."""

    def __init__(
        self, plan: Plan, measuring: Measuring, directory: RunDirectory, listener: Listener
    ) -> None:
        self.capacities: dict[str, float] = {}
        self.logs: dict[str, list[float]] = {}
        self.overheads: list[float] = []
        self._plan = plan
        self._measuring = measuring
        self._directory = directory
        self._listener = listener

    def measure(self, cell: Cell, repeat: int) -> None:
        """Run a cell's trials and keep its capacity, and the log-ratios of two copies.

        A single one that tells nothing is repeated once, like a trial of a round.
        """
        self._listener.calibrating(cell.server, cell.workload)
        found = [self._trial(cell, number) for number in range(1, repeat + 1)]
        if repeat == 1 and not self._capacities(found):
            found.append(self._trial(cell, 2))
        usable = [record for record in found if record.usable]
        capacities = self._capacities(usable)
        if capacities:
            self.capacities[capacity_key(cell, self._plan)] = median(capacities)
        if repeat >= SPREAD_LEAST and cell.server == copy_of(self._plan):
            ratios = [ratio for record in usable if (ratio := cost_ratio(record))]
            self.logs.setdefault(cell.workload, []).extend(map(math.log, ratios))

    def _trial(self, cell: Cell, number: int) -> TrialRecord:
        planned = PlannedTrial(id=_name(cell, number), round=0, cell=cell)
        profile = next(one for one in self._plan.profiles if one.id == cell.profile)
        load = calibrating_load(self._plan, profile)
        record = self._measuring.measure(planned, load, order=-1)
        self._directory.write_model(f"trials/{planned.id}/trial.json", record)
        self.overheads.append(max(0.0, record.phases_s.total - load.warmup_s - load.duration_s))
        return record

    def _capacities(self, records: Iterable[TrialRecord]) -> list[float]:
        found = (self._capacity(record) for record in records if record.usable)
        return [rate for rate in found if rate]

    def _capacity(self, record: TrialRecord) -> float | None:
        if self._plan.design == "duet":
            cpus = self._plan.cpus.load_count
            most = 1e6 * cpus / (2 * PACER_US)  # what loads saturated is not what paces
            joint = joint_capacity(record, load_cpus=cpus)
            return min(most, joint) if joint else None
        return record.load.throughput_rps if record.load else None
