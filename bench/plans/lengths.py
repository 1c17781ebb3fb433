"""How long a plan takes, and which trials of the calibration come before its first round."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.loadtools import closed_tool
from bench.stats.intervals import MIN_ROUNDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.model.plan import Cell, LoadProfile, Plan, PlannedTrial

TRIAL_OVERHEAD_S: Final = 1.5
"""Start, verification and stop of one trial, as seen with the servers that come with bench."""

SPREAD_LEAST: Final = 2
"""Trials of two copies without which nothing is known of their spread."""

SATURATE_S: Final = 1.0
"""What an open loop's warm-up takes before it: the load that a server can just take."""

_SHORT_TRIALS: Final = 16
_WHOLE_TRIALS: Final = 6
_REPEATS: Final = 3
_CONFIRMED: Final = 1.1

_WARMUP_S: Final = 1.0
"""From a second on a warm-up goes on until the server is warm: a cold pilot tells a tenth."""

_WINDOW_S: Final = 1.0
_ONLY_WINDOW_S: Final = 3.0
_PILOTS: Final = 3
"""The median of three is not an accident; of two copies the fewest whose spread says anything."""

_PILOT_S: Final = 4.5
_SHARE: Final = 0.2


class Calibrating(NamedTuple):
    """Trials of the calibration: of which cell, and how many."""

    cell: Cell
    repeat: int


def calibrating(plan: Plan, copy: str = "") -> tuple[Calibrating, ...]:
    """The trials that measure what a plan does not know yet.

    Three for each cell whose profile offers a share of a capacity, one where the time is short; in
    a plan of duets that asks for a precision also some that show how far two copies of the
    baseline differ.

    Args:
        plan: with the capacities and spreads that are known.
        copy: the arm that is the baseline again, "" where there is none.
    """
    repeat = _pilots(plan)
    wanted = [Calibrating(cell, repeat) for cell in plan.cells if _wanted(plan, cell, copy)]
    # All points of a load curve are shares of the same capacity.
    first: dict[str, Calibrating] = {}
    for one in wanted:
        first.setdefault(capacity_key(one.cell, plan), one)
    return tuple(first.values())


def calibrating_load(plan: Plan, profile: LoadProfile) -> LoadProfile:
    """The closed loop under which a capacity is measured."""
    tool = closed_tool(profile.tool)
    return profile.replace(
        tool=tool,
        loop="closed",
        arrivals=None,
        rate_share=None,
        rate_rps=None,
        warmup_s=_WARMUP_S,
        duration_s=_ONLY_WINDOW_S if _pilots(plan) == 1 else _WINDOW_S,
    )


def estimate(plan: Plan, trials: Iterable[PlannedTrial], copy: str = "") -> float:
    """Seconds that trials and the calibration before them take, guessed before any was run.

    A time that is given is the most, but for the rounds that are measured in any case.
    """
    profiles = {profile.id: profile for profile in plan.profiles}
    before = (
        one.repeat * _length(calibrating_load(plan, profiles[one.cell.profile]))
        for one in calibrating(plan, copy)
    )
    planned = tuple(trials)
    calibration = math.fsum(before)
    whole = calibration + trials_s(plan, planned)
    if plan.max_time_s is None:
        return whole
    least = calibration + trials_s(plan, (t for t in planned if t.round <= MIN_ROUNDS))
    return min(whole, max(least, plan.max_time_s))


def trials_s(plan: Plan, trials: Iterable[PlannedTrial]) -> float:
    """Seconds that trials take, guessed before any was run."""
    lengths = {profile.id: _length(profile) for profile in plan.loads}
    return sum(lengths[trial.cell.profile] for trial in trials)


def search_s(plan: Plan) -> float:
    """Seconds that a search takes, guessed: as many trials as in simulated ones, short and whole.

    Every rate that halves the tolerance takes three whole trials more.
    """
    tolerance = plan.search.tolerance if plan.search else 1.0
    halvings = max(0, math.ceil(math.log2(math.log(_CONFIRMED) / math.log1p(tolerance))))
    whole = _WHOLE_TRIALS + _REPEATS * halvings
    each = (_length(profile) for profile in plan.profiles)
    shorter = sum(profile.duration_s * 2 / 3 for profile in plan.profiles)
    cells = len(plan.cells) / max(1, len(plan.profiles))
    total = sum((_SHORT_TRIALS + whole) * length for length in each) - _SHORT_TRIALS * shorter
    guessed = cells * total
    limit = plan.max_time_s
    return guessed if limit is None else min(guessed, limit * len(plan.cells))


def capacity_key(cell: Cell, plan: Plan) -> str:
    """Under which a plan keeps what the server of a cell can do: once for a load curve."""
    curve = next((one.curve for one in plan.profiles if one.id == cell.profile), None)
    return f"{cell.server}/{cell.workload}/{curve or cell.profile}"


def _length(load: LoadProfile) -> float:
    before = SATURATE_S if load.loop == "open" and load.warmup_s >= _WARMUP_S else 0.0
    return before + load.warmup_s + load.duration_s + TRIAL_OVERHEAD_S


def _pilots(plan: Plan) -> int:
    """Trials per cell that is calibrated: three, where those take a fifth of the time at most."""
    shared = {profile.id for profile in plan.profiles if profile.rate_share is not None}
    cells = sum(cell.profile in shared for cell in plan.cells)
    if plan.design == "duet":
        cells -= sum(c.profile in shared and c.server == plan.baseline for c in plan.cells)
    needed = _PILOTS * _PILOT_S * max(cells, len(plan.workloads))
    affordable = plan.max_time_s is None or needed <= _SHARE * plan.max_time_s
    return _PILOTS if affordable else 1


def _wanted(plan: Plan, cell: Cell, copy: str) -> bool:
    """Whether a cell needs a calibrating trial."""
    profile = next(one for one in plan.profiles if one.id == cell.profile)
    if plan.design == "duet" and cell.server == plan.baseline:
        return False
    if profile.rate_share is not None:
        return capacity_key(cell, plan) not in plan.calibrated
    shares = any(one.rate_share is not None for one in plan.profiles)
    first = cell.profile == plan.profiles[0].id
    if shares or not first or not copy or cell.server != copy or plan.precision is None:
        return False
    return _pilots(plan) >= SPREAD_LEAST and cell.workload not in plan.spreads
