"""How long the rounds of a run take: what is announced, and when no more fits."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from bench.plans.lengths import TRIAL_OVERHEAD_S
from bench.reports.wording.verdict_words import percent
from bench.stats.intervals import MIN_ROUNDS
from bench.stats.rounds import MIN_ADAPTIVE, ROUNDS_MAX, rounds_expected, width_factor
from bench.units import format_eta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.analysis import GroupWidth
    from bench.model.plan import Plan, PlannedTrial
    from bench.model.trial_record import TrialRecord

_SPREAD_TOLD: Final = 0.001
"""Three pilots that agree by chance are no spread of 0 %."""


class RunClock:
    """The clock of a run's measuring; builds are over when it starts.

    On resume the finished trials count with their own length; the pause and the calibration of
    the first part do not.

    Args:
        plan: for `max_time_s`.
        earlier: trials that are on disk already.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        plan: Plan,
        earlier: Iterable[TrialRecord],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = plan.max_time_s
        self._lengths = {load.id: load.warmup_s + load.duration_s for load in plan.loads}
        self._seen: dict[str, list[float]] = {}
        self._overhead = TRIAL_OVERHEAD_S  # until one was seen
        for record in earlier:
            self.saw(record)
        self._spent = sum(sum(lengths) for lengths in self._seen.values())
        self._clock = clock
        self._began = clock()

    def saw(self, record: TrialRecord) -> None:
        """Learn from a finished trial how long those of its profile take."""
        self._seen.setdefault(record.profile, []).append(record.phases_s.total)

    def calibrated(self, overhead_s: float | None) -> None:
        """Take the overhead of a trial from the calibration."""
        self._overhead = self._overhead if overhead_s is None else overhead_s

    def length_s(self, trials: Iterable[PlannedTrial]) -> float:
        """How long these trials will probably take."""
        return math.fsum(self._expected(trial.cell.profile) for trial in trials)

    def _expected(self, profile: str) -> float:
        seen = self._seen.get(profile)
        return sum(seen) / len(seen) if seen else self._lengths[profile] + self._overhead

    @property
    def left_s(self) -> float:
        """Seconds until the deadline; infinite where there is none."""
        if self._limit is None:
            return math.inf
        return self._limit - self._spent - (self._clock() - self._began)

    def fits(self, number: int, trials: Sequence[PlannedTrial]) -> bool:
        """Whether a round may begin: it would end in time, or there is no interval without it.

        Args:
            number: of the round, from 1.
            trials: what it still has to run.
        """
        return number <= MIN_ROUNDS or self.length_s(trials) <= self.left_s


def announcement(plan: Plan, pace: RunClock) -> str:
    """How many rounds it will take and how long, from the calibration; "" where that is unknown.

    Where the time does not suffice it says what will be known instead.
    """
    if not plan.spreads or plan.precision is None:
        return ""
    sd = max(plan.spreads.values())
    first = [trial for trial in plan.trials if trial.round == 1]
    each = pace.length_s(trial for trial in first if trial.cell in plan.cells)
    alone = pace.length_s(trial for trial in first if trial.cell not in plan.cells)
    alone *= plan.alone_rounds
    needed = rounds_expected(sd, math.log1p(plan.precision))
    possible = max(MIN_ROUNDS, int(min(ROUNDS_MAX, max(0.0, pace.left_s - alone) / each)))
    spread = percent(sd) if sd >= _SPREAD_TOLD else f"less than {percent(_SPREAD_TOLD)}"
    said = f"calibration: two copies differ by {spread} from trial to trial (sd)"
    asked = f"to tell {percent(plan.precision)}"
    if needed is not None and needed <= possible:
        return (
            f"{said}: about {needed} trials per arm, {format_eta(alone + needed * each)}, {asked}"
        )
    count = "more than 100" if needed is None else f"about {needed}"
    wide = math.expm1(width_factor(possible) * sd)
    return (
        f"{said}: {count} trials per arm {asked}, and the time allows {possible}: "
        f"those will tell about {percent(wide)}"
    )


def too_short(plan: Plan, pace: RunClock) -> str:
    """What to say where not even three rounds fit in the time allowed; "" where they do."""
    least = pace.length_s(t for t in plan.trials if t.round <= MIN_ROUNDS)
    if plan.max_time_s is None or least <= pace.left_s:
        return ""
    return (
        f"{MIN_ROUNDS} rounds, the least that gives an interval, need about {format_eta(least)}: "
        f"more than is left of {format_eta(plan.max_time_s)}; they are measured all the same"
    )


def ended_by_time(plan: Plan) -> str:
    """What to say where the next round would end too late."""
    return (
        f"the next round would end after the {format_eta(plan.max_time_s or 0.0)} allowed: "
        f"{plan.rounds} rounds are all"
    )


def precision_words(group: GroupWidth, togo_s: float) -> str:
    """Why a round of a workload and profile is added, and how long it may go on."""
    togo = f"about {group.more_rounds} to go here, {format_eta(togo_s)} in all"
    asked = f"{percent(group.goal)} asked for"
    if group.widest is None:
        return f"no interval yet, {asked}; {togo}"
    if group.widest <= group.goal:
        return f"{MIN_ADAPTIVE} are the least by which the width may be judged; {togo}"
    return f"{group.cell} is known to +-{percent(group.widest)}, {asked}; {togo}"
