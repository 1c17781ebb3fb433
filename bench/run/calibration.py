"""Short trials before the first round: what servers can do, and how far two copies differ.

None of them enters an estimate.
"""

from __future__ import annotations

import math
from statistics import stdev
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import StoreError
from bench.loadtools import TOOLS, closed_tool
from bench.model.plan import Cell, PlannedTrial
from bench.plans.duets import copy_of, cost_ratio, joint_capacity
from bench.stats.median_polish import median

if TYPE_CHECKING:
    from bench.model.plan import LoadProfile, Plan
    from bench.model.trial_record import TrialRecord
    from bench.run.events import Listener
    from bench.run.measuring import Measuring
    from bench.store.run_directory import RunDirectory

_WARMUP_S: Final = 1.0
_WINDOW_S: Final = 3.0
_PILOT_WARMUP_S: Final = 0.5
_PILOT_WINDOW_S: Final = 1.0
_PILOTS: Final = 3
"""Duets of two copies: the fewest whose spread says anything; cheap enough for a short session."""

_SPREAD_LEAST: Final = 2
_PILOT_S: Final = 2.5
_SHARE: Final = 0.2


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


def pilots(plan: Plan) -> int:
    """Duets of two copies per workload: enough for a spread where one is asked for and affordable.

    They may take a fifth of the time that is allowed.
    """
    if plan.design != "duet" or plan.precision is None:
        return 1
    needed = _PILOTS * _PILOT_S * len(plan.workloads)
    affordable = plan.max_time_s is None or needed <= _SHARE * plan.max_time_s
    return _PILOTS if affordable else 1


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
    twin = copy_of(plan)
    for cell in plan.cells:
        repeat = pilots(plan) if cell.server == twin else 1
        if _wanted(plan, cell, repeat):
            block.measure(cell, repeat)
    if not block.overheads:
        return Calibrated(plan, None)
    enough = {name: logs for name, logs in block.logs.items() if len(logs) >= _SPREAD_LEAST}
    spreads = {name: stdev(logs) for name, logs in enough.items()}
    update = {
        "calibrated": {**plan.calibrated, **block.capacities},
        "spreads": {**plan.spreads, **spreads},
    }
    plan = plan.model_copy(update=update)
    directory.write_model("plan.json", plan)
    return Calibrated(plan, median(block.overheads))


def _wanted(plan: Plan, cell: Cell, repeat: int) -> bool:
    """Whether a cell needs a calibrating trial."""
    profile = next(one for one in plan.profiles if one.id == cell.profile)
    if plan.design == "duet" and cell.server == plan.baseline:
        return False
    if profile.rate_share is not None:
        return _key(cell) not in plan.calibrated
    shares = any(one.rate_share is not None for one in plan.profiles)
    first = cell.profile == plan.profiles[0].id
    return repeat >= _SPREAD_LEAST and first and not shares and cell.workload not in plan.spreads


def _key(cell: Cell) -> str:
    return f"{cell.server}/{cell.workload}/{cell.profile}"


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
            self.capacities[_key(cell)] = median(capacities)
        if repeat >= _SPREAD_LEAST:
            ratios = [ratio for record in usable if (ratio := cost_ratio(record))]
            self.logs.setdefault(cell.workload, []).extend(map(math.log, ratios))

    def _trial(self, cell: Cell, number: int) -> TrialRecord:
        name = f"r00-{cell.id}" + (f".p{number}" if number > 1 else "")
        planned = PlannedTrial(id=name, round=0, cell=cell)
        profile = next(one for one in self._plan.profiles if one.id == cell.profile)
        tool = closed_tool(profile.tool)
        warmup, window = _WARMUP_S, _WINDOW_S
        if self._plan.design == "duet":
            warmup, window = _PILOT_WARMUP_S, _PILOT_WINDOW_S
            warmup = _WARMUP_S if TOOLS[tool].whole_seconds else warmup
        update = {
            "tool": tool,
            "loop": "closed",
            "rate_share": None,
            "rate_rps": None,
            "warmup_s": warmup,
            "duration_s": window,
        }
        record = self._measuring.measure(planned, profile.model_copy(update=update), order=-1)
        self._directory.write_model(f"trials/{planned.id}/trial.json", record)
        self.overheads.append(max(0.0, record.phases_s.total - warmup - window))
        return record

    def _capacity(self, record: TrialRecord) -> float | None:
        if self._plan.design == "duet":
            return joint_capacity(record, load_cpus=self._plan.cpus.load_count)
        return record.load.throughput_rps if record.load else None
