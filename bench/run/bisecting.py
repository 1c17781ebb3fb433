"""Carries out a bisect: each look is a run of its own, finished ones are kept and read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.analysis.trials import COST_METRIC, by_cell
from bench.errors import BenchError, BuildError, UsageError
from bench.model.bisect import BisectLook
from bench.model.fields import arm_name
from bench.plans.bisect_plan import arm_of, least_s, plan_look
from bench.run.start import start_run
from bench.stats.bisection import CostRatios
from bench.stats.intervals import MIN_ROUNDS
from bench.trial.learned_work import LearnedWork

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model.bisect import BisectAsked
    from bench.model.plan import Plan
    from bench.model.summary import RunView
    from bench.plans.ab import Contest
    from bench.plans.project import Project
    from bench.run.events import Listener
    from bench.run.start import Options
    from bench.store.bisect_files import BisectFolder


class BisectParts(NamedTuple):
    """What a bisect is carried out with.

    Attributes:
        listen: makes what hears how the run of a look goes on.
        began: hears that a commit is about to be measured against others, and seconds left.
    """

    project: Project
    asked: BisectAsked
    folder: BisectFolder
    options: Options
    listen: Callable[[Plan], Listener]
    began: Callable[[str, tuple[str, ...], float], None]


class PairLength:
    """How long a pair took so far: on a busy machine a multiple of what is planned."""

    def __init__(self) -> None:
        self._spent_s, self._pairs = 0.0, 0

    def saw(self, look: BisectLook) -> None:
        """Learn from a finished look."""
        pairs = sum(map(len, look.ratios.values()))
        if pairs:
            self._spent_s, self._pairs = self._spent_s + look.seconds, self._pairs + pairs

    @property
    def seconds(self) -> float:
        """Of one pair; 0 before any was measured."""
        return self._spent_s / self._pairs if self._pairs else 0.0


class BisectMeasuring:
    """Measures looks; one that was finished earlier is read instead.

    Args:
        parts: what it is carried out with.
    """

    def __init__(self, parts: BisectParts) -> None:
        self._parts = parts
        self._kept = parts.folder.looks()
        self._left_s = parts.asked.max_time_s - sum(look.seconds for look in self._kept)
        self._learned = LearnedWork()
        self._length = PairLength()
        for look in self._kept:
            self._length.saw(look)

    def __call__(self, commit: str, against: tuple[str, ...], pairs: int) -> CostRatios | None:
        """Compare a commit with others; None where no time is left.

        Raises:
            BenchError: what is compared with, or this machine, cannot be measured.
        """
        look = self._earlier(commit, against)
        if look is None:
            look = self._measured(commit, against, pairs)
            if look is None:
                return None
            self._left_s -= look.seconds
            self._length.saw(look)
            self._parts.folder.add(look)
        return CostRatios(look.ratios, look.failure, look.disturbed)

    def _earlier(self, commit: str, against: tuple[str, ...]) -> BisectLook | None:
        """The first kept look at the same commits; each is used once."""
        for index, look in enumerate(self._kept):
            if (look.commit, look.against) == (commit, against):
                return self._kept.pop(index)
        return None

    def _measured(self, commit: str, against: tuple[str, ...], pairs: int) -> BisectLook | None:
        parts = self._parts
        try:
            contest = plan_look(parts.project, parts.asked, commit, against, pairs)
        except (UsageError, BuildError) as error:
            if commit == parts.asked.bad:
                raise  # what is compared with everything must be right
            return _failed(commit, against, pairs, error.message)
        least = min(pairs, MIN_ROUNDS) * len(against)
        if self._left_s < max(least_s(contest.planned.plan), least * self._length.seconds):
            return None
        parts.began(commit, against, self._left_s)
        return self._run(contest, commit, against, pairs)

    def _run(
        self, contest: Contest, commit: str, against: tuple[str, ...], pairs: int
    ) -> BisectLook:
        parts = self._parts
        plan = contest.planned.plan.replace(max_time_s=self._left_s)
        planned = contest.planned._replace(plan=plan)
        listener = parts.listen(plan)
        how = parts.options._replace(reports=parts.folder.runs, learned=self._learned)
        result = start_run(contest.project, planned, listener, how)
        names = {each: arm_name(arm_of(parts.asked, each)) for each in (commit, *against)}
        ratios = _ratios(result.view, against, names)
        failure = "" if ratios else _failure(result.view, commit, names)
        states = {trial.status for trial in result.view.trials}
        return BisectLook(
            commit=commit,
            against=against,
            pairs=pairs,
            ratios=ratios,
            failure=failure,
            disturbed=bool(failure) and bool(states) and "failed" not in states,
            seconds=sum(trial.phases_s.total for trial in result.view.trials),
            run=result.directory.path.name,
        )


def _failed(commit: str, against: tuple[str, ...], pairs: int, reason: str) -> BisectLook:
    return BisectLook(
        commit=commit,
        against=against,
        pairs=pairs,
        ratios={},
        failure=reason.splitlines()[0],
        seconds=0.0,
        run="",
    )


def _ratios(
    view: RunView, against: tuple[str, ...], names: dict[str, str]
) -> dict[str, tuple[float, ...]]:
    """Cost of the commit, the baseline of the duets, against each arm; {} unless all are known."""
    cells = {cell.cell.server: cell for cell in by_cell(view.plan, view.trials)}
    found = {}
    for other in against:
        cell = cells.get(names[other])
        if cell is None or cell.partner is None:
            return {}
        theirs, ours = cell.values(COST_METRIC), cell.partner.values(COST_METRIC)
        rounds = sorted(theirs.keys() & ours.keys())
        if not rounds:
            return {}
        # What is done per CPU-second is the inverse of what a request costs.
        found[other] = tuple(theirs[number] / ours[number] for number in rounds)
    return found


def _failure(view: RunView, commit: str, names: dict[str, str]) -> str:
    """Why a commit has no figures, in one line.

    Args:
        view: the run of the look.
        commit: the one that was looked at.
        names: commit -> its arm, of all that took part.

    Raises:
        BenchError: it is one that it was compared with which could not be built.
    """
    lost = {one.server: one.reason.splitlines()[0] for one in view.plan.skipped}
    for other, name in names.items():
        if other != commit and name in lost:
            raise BenchError(f"{name} was to be compared with, and cannot be: {lost[name]}")
    if names[commit] in lost:
        return lost[names[commit]]
    bad = next((each for each in view.trials if not each.usable), None)
    said = bad.detail.strip().splitlines() if bad else []
    return said[0] if said else "no trial of it can be used"
