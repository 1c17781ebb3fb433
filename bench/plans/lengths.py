"""How long a plan takes, and which trials of the calibration come before its first round."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.loadtools import TOOLS, closed_tool

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.model.plan import Cell, LoadProfile, Plan, PlannedTrial

TRIAL_OVERHEAD_S: Final = 1.5
"""Start, verification and stop of one trial, as seen with the servers that come with bench."""

SPREAD_LEAST: Final = 2
"""Trials of two copies without which nothing is known of their spread."""

_SHORT_TRIALS: Final = 16
_WHOLE_TRIALS: Final = 6
_REPEATS: Final = 3
_CONFIRMED: Final = 1.1
_WARMUP_S: Final = 1.0
_WINDOW_S: Final = 3.0
_PILOT_WARMUP_S: Final = 0.5
_PILOT_WINDOW_S: Final = 1.0
_PILOTS: Final = 3
"""Duets of two copies: the fewest whose spread says anything; cheap enough for a short session."""

_PILOT_S: Final = 2.5
_SHARE: Final = 0.2


class Calibrating(NamedTuple):
    """Trials of the calibration: of which cell, and how many."""

    cell: Cell
    repeat: int


def calibrating(plan: Plan, twin: str = "") -> tuple[Calibrating, ...]:
    """The trials that measure what a plan does not know yet.

    One for each cell whose profile offers a share of a capacity; in a plan of duets that asks
    for a precision also some that show how far two copies of the baseline differ.

    Args:
        plan: with the capacities and spreads that are known.
        twin: the arm that is the baseline again, "" where there is none.
    """
    counts = ((cell, _pilots(plan) if cell.server == twin else 1) for cell in plan.cells)
    wanted = [Calibrating(cell, repeat) for cell, repeat in counts if _wanted(plan, cell, repeat)]
    # All points of a load curve are shares of the same capacity.
    first: dict[str, Calibrating] = {}
    for one in wanted:
        first.setdefault(capacity_key(one.cell, plan), one)
    return tuple(first.values())


def calibrating_load(plan: Plan, profile: LoadProfile) -> LoadProfile:
    """The closed loop under which a capacity is measured."""
    tool = closed_tool(profile.tool)
    warmup, window = _WARMUP_S, _WINDOW_S
    if plan.design == "duet":
        warmup = _WARMUP_S if TOOLS[tool].whole_seconds else _PILOT_WARMUP_S
        window = _PILOT_WINDOW_S
    update = {
        "tool": tool,
        "loop": "closed",
        "rate_share": None,
        "rate_rps": None,
        "warmup_s": warmup,
        "duration_s": window,
    }
    return profile.model_copy(update=update)


def estimate(plan: Plan, trials: Iterable[PlannedTrial], twin: str = "") -> float:
    """Seconds that trials and the calibration before them take, guessed before any was run."""
    profiles = {profile.id: profile for profile in plan.profiles}
    before = (
        one.repeat * _length(calibrating_load(plan, profiles[one.cell.profile]))
        for one in calibrating(plan, twin)
    )
    return trials_s(plan, trials) + sum(before)


def trials_s(plan: Plan, trials: Iterable[PlannedTrial]) -> float:
    """Seconds that trials take, guessed before any was run."""
    lengths = {profile.id: _length(profile) for profile in (*plan.profiles, *plan.alone)}
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
    return load.warmup_s + load.duration_s + TRIAL_OVERHEAD_S


def _pilots(plan: Plan) -> int:
    """Duets of two copies per workload: enough for a spread where one is asked for and affordable.

    They may take a fifth of the time that is allowed.
    """
    if plan.design != "duet" or plan.precision is None:
        return 1
    needed = _PILOTS * _PILOT_S * len(plan.workloads)
    affordable = plan.max_time_s is None or needed <= _SHARE * plan.max_time_s
    return _PILOTS if affordable else 1


def _wanted(plan: Plan, cell: Cell, repeat: int) -> bool:
    """Whether a cell needs a calibrating trial."""
    profile = next(one for one in plan.profiles if one.id == cell.profile)
    if plan.design == "duet" and cell.server == plan.baseline:
        return False
    if profile.rate_share is not None:
        return capacity_key(cell, plan) not in plan.calibrated
    shares = any(one.rate_share is not None for one in plan.profiles)
    first = cell.profile == plan.profiles[0].id
    return repeat >= SPREAD_LEAST and first and not shares and cell.workload not in plan.spreads
