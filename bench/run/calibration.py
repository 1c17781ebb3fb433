"""Short trials before the first round: what servers can do, and how far two copies differ.

None of them enters an estimate.
"""

from __future__ import annotations

import math
from statistics import stdev
from typing import TYPE_CHECKING, NamedTuple

from bench.errors import StoreError
from bench.model.plan import PlannedTrial
from bench.plans.duets import copy_of, cost_ratio, joint_capacity
from bench.plans.lengths import SPREAD_LEAST, calibrating, calibrating_load, capacity_key
from bench.stats.median_polish import median

if TYPE_CHECKING:
    from bench.model.plan import Cell, LoadProfile, Plan
    from bench.model.trial_record import TrialRecord
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


def offered(plan: Plan, profile: LoadProfile, workload: str) -> LoadProfile:
    """The profile with a share of the slowest server's capacity turned into a rate.

    Raises:
        StoreError: no capacity could be measured.
    """
    if profile.rate_share is None:
        return profile
    ending = f"/{workload}/{profile.id}"
    least = min((rate for key, rate in plan.calibrated.items() if key.endswith(ending)), default=0)
    if not least:
        raise StoreError(f"no capacity of {workload} could be measured for {profile.id}")
    return profile.model_copy(update={"rate_rps": round(profile.rate_share * least, 3)})


def calibrate(
    plan: Plan, measuring: Measuring, directory: RunDirectory, listener: Listener
) -> Calibrated:
    """Measure what a run on disk does not know yet, once per run.

    Capacities where a profile offers a share of them; in a plan of duets that asks for a
    precision also how far two copies of the baseline differ.

    Raises:
        KeyboardInterrupt: passed on.
        StoreError: the disk is full.
    """
    block = _Block(plan, measuring, directory, listener)
    for cell, repeat in calibrating(plan, copy_of(plan)):
        block.measure(cell, repeat)
    if not block.overheads:
        return Calibrated(plan, None)
    enough = {name: logs for name, logs in block.logs.items() if len(logs) >= SPREAD_LEAST}
    spreads = {name: stdev(logs) for name, logs in enough.items()}
    update = {
        "calibrated": {**plan.calibrated, **block.capacities},
        "spreads": {**plan.spreads, **spreads},
    }
    plan = plan.model_copy(update=update)
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
        """Run a cell's trials and keep its capacity, and the log-ratios of two copies."""
        self._listener.calibrating(cell.server, cell.workload)
        found = [self._trial(cell, number) for number in range(1, repeat + 1)]
        usable = [record for record in found if record.usable]
        capacities = [rate for record in usable if (rate := self._capacity(record))]
        if capacities:
            self.capacities[capacity_key(cell)] = median(capacities)
        if repeat >= SPREAD_LEAST:
            ratios = [ratio for record in usable if (ratio := cost_ratio(record))]
            self.logs.setdefault(cell.workload, []).extend(map(math.log, ratios))

    def _trial(self, cell: Cell, number: int) -> TrialRecord:
        name = f"r00-{cell.id}" + (f".p{number}" if number > 1 else "")
        planned = PlannedTrial(id=name, round=0, cell=cell)
        profile = next(one for one in self._plan.profiles if one.id == cell.profile)
        load = calibrating_load(self._plan, profile)
        record = self._measuring.measure(planned, load, order=-1)
        self._directory.write_model(f"trials/{planned.id}/trial.json", record)
        self.overheads.append(max(0.0, record.phases_s.total - load.warmup_s - load.duration_s))
        return record

    def _capacity(self, record: TrialRecord) -> float | None:
        if self._plan.design == "duet":
            return joint_capacity(record, load_cpus=self._plan.cpus.load_count)
        return record.load.throughput_rps if record.load else None
