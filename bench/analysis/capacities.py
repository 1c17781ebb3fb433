"""The trials of a search as its steps, and what they amount to; pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.model.capacity import CapacityResult, CapacityStep
from bench.model.promise import Promise, parse_promise
from bench.stats.rate_search import (
    OVERLOADED_BELOW,
    Found,
    SearchRules,
    Tried,
    replay,
    so_far,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.model.capacity import SearchEnd, StepCause
    from bench.model.load_result import LoadResult
    from bench.model.plan import Cell, LoadProfile, Plan
    from bench.model.trial_record import TrialRecord
    from bench.stats.histogram import Histogram
    from bench.stats.rate_search import LoadLimit, Trying

_PACER: Final = frozenset({"late-pacer", "pacer-late", "arrivals-off"})
"""Findings of a load tool that did not send when it should have."""

_OTHER_WORK: Final = frozenset({"steal", "others-on-cpu"})
"""Findings of a machine whose CPUs had other work."""

_OVERLOAD: Final = frozenset({"errors", "timeouts", "no-answer"})
_DEATH: Final = frozenset({"server-died", "memory-limit", "server-restarted"})
_KEPT_UP: Final = 0.99
_LATE_SHARE: Final = 0.1
_SLACK: Final = 0.1
_GIVE_UP_AFTER: Final = 2
_LOWEST_RPS: Final = 20.0
_LEAST_REQUESTS: Final = 20
_MOST_PER_CONNECTION: Final = 50_000.0
"""One request at a time each, and no exchange takes less than 20 us."""

_SHORT: Final = 3
_WHOLE: Final = "-whole"


class SearchState(NamedTuple):
    """Where the search of one cell stands.

    Attributes:
        following: what is to be tried next, None where it has ended or cannot go on.
        repeats: the id of a trial that showed nothing and is run again next, or "".
    """

    result: CapacityResult
    following: Trying | None
    repeats: str


def sought(plan: Plan) -> tuple[Cell, ...]:
    """The cells of a plan whose rate is searched."""
    names = {profile.id for profile in plan.profiles if profile.sought}
    return tuple(cell for cell in plan.cells if cell.profile in names)


def base_of(plan: Plan, cell: Cell) -> LoadProfile:
    """The load of a cell whose rate is searched."""
    return next(profile for profile in plan.profiles if profile.id == cell.profile)


def step_load(base: LoadProfile, asked: Trying, promise: Promise) -> LoadProfile:
    """The load of one step.

    A short trial is a third of a whole one; either is longer, at most three times, where the rate
    is so low that the promise would rest on too few requests.
    """
    window = base.duration_s if asked.whole else base.duration_s / _SHORT
    seconds = min(3 * window, max(window, promise.needed / asked.rate))
    rate = f"{asked.rate:g}".replace(".", "_").replace("+", "")
    return base.replace(
        id=f"{base.id}-r{rate}{_WHOLE if asked.whole else ''}",
        rate_rps=asked.rate,
        duration_s=round(seconds, 3),
        curve=base.id,
        own=True,
    )


def rules_of(plan: Plan, base: LoadProfile) -> SearchRules:
    """How finely and from where on is searched: from a rate with some requests per window."""
    tolerance = plan.search.tolerance if plan.search else 0.0
    return SearchRules(
        tolerance,
        lowest=max(_LOWEST_RPS, _LEAST_REQUESTS * _SHORT / base.duration_s),
        highest=base.connections * _MOST_PER_CONNECTION,
        patience=plan.search.patience if plan.search else 0,
    )


def capacities(
    plan: Plan,
    trials: Sequence[TrialRecord],
    histogram: Callable[[str], Histogram | None],
) -> tuple[CapacityResult, ...]:
    """What was found for every cell that is searched, in the order of the plan."""
    return tuple(state_of(plan, cell, trials, histogram).result for cell in sought(plan))


def state_of(
    plan: Plan,
    cell: Cell,
    trials: Iterable[TrialRecord],
    histogram: Callable[[str], Histogram | None],
) -> SearchState:
    """Where the search of a cell stands after these trials."""
    assert plan.search is not None  # noqa: S101 - only such plans are asked about
    promise = parse_promise(plan.search.promise)
    base = base_of(plan, cell)
    loads = {profile.id: profile for profile in plan.profiles if profile.curve == base.id}
    own = [
        trial
        for trial in trials
        if (trial.server, trial.workload) == (cell.server, cell.workload) and trial.profile in loads
    ]
    steps: list[CapacityStep] = []
    wasted: list[TrialRecord] = []
    for trial in own:
        step = step_of(promise, trial, loads[trial.profile], histogram(trial.trial))
        wasted = [] if step else [*wasted, trial]
        if step and plan.search.patience and _disturbed(step, trial):
            step = step.replace(cause="disturbed")
        steps += [step] if step else []
    stands = replay(rules_of(plan, base), [_tried(step, promise) for step in steps])
    given_up = len(wasted) >= _GIVE_UP_AFTER
    found = stands.found or so_far([_tried(s, promise) for s in steps], rules_of(plan, base))
    end: SearchEnd = "unusable" if given_up else found.end
    result = _result(cell, promise, found, steps).replace(
        end=end, reason=_said(wasted) if given_up else ""
    )
    following = None if given_up else stands.following
    return SearchState(result, following, wasted[-1].trial if wasted and following else "")


def _said(wasted: Sequence[TrialRecord]) -> str:
    last = wasted[-1]
    said = last.detail.strip().splitlines()
    return f"{last.trial}: {said[0] if said else ', '.join(last.reasons) or last.status}"


def _result(
    cell: Cell, promise: Promise, found: Found, steps: Sequence[CapacityStep]
) -> CapacityResult:
    return CapacityResult(
        server=cell.server,
        workload=cell.workload,
        promise=promise.text,
        rate_rps=_neat(found.rate),
        low=_neat(found.low),
        high=None if found.high is None else _neat(found.high),
        limit=found.limit,
        at_least=found.at_least,
        steps=tuple(steps),
        profile=cell.profile,
        end=found.end,
        confirmed=found.confirmed,
    )


def _neat(rate: float) -> float:
    return float(f"{rate:.5g}")


def _tried(step: CapacityStep, promise: Promise) -> Tried:
    """A step as the search sees it."""
    ratio = math.inf if step.value_us is None else step.value_us / promise.limit_us
    limit: LoadLimit = ""
    if step.cause in ("client", "pacer"):
        limit = "client" if step.cause == "client" else "pacer"
    mean_s, spoiled = step.value_us or 0.0, step.cause == "disturbed"
    return Tried(
        step.rate_rps, step.whole, ratio, step.share, step.holds, limit, mean_s / 1e6, spoiled
    )


def _disturbed(step: CapacityStep, trial: TrialRecord) -> bool:
    """Whether other work on the machine, not the server, may have broken the promise.

    A server that answered less than nine tenths of the rate was overloaded, unless more than a
    tenth of the CPUs was gone.
    """
    if step.cause not in ("broken", "behind") or not _OTHER_WORK.intersection(trial.reasons):
        return False
    taken = (trial.counters.steal_share or 0.0) + (trial.counters.others_share or 0.0)
    return step.share >= OVERLOADED_BELOW or taken > 1 - OVERLOADED_BELOW


def step_of(
    promise: Promise, trial: TrialRecord, load: LoadProfile, counts: Histogram | None
) -> CapacityStep | None:
    """What a trial says of a promise; None where it says nothing of the server."""
    died = bool(_DEATH.intersection(trial.reasons))
    if not trial.usable and not died and not _OVERLOAD.intersection(trial.reasons):
        return None
    if trial.status == "failed":  # nothing was loaded yet
        return None
    measured = trial.load
    value = measured_us(promise, measured, counts, load) if measured else None
    share = answered_share(measured, load, promise) if measured else 0.0
    cause = _cause(trial, promise, value, share)
    latency = measured.latency_us if measured else None
    return CapacityStep(
        rate_rps=load.rate_rps or 0.0,
        achieved_rps=measured.throughput_rps if measured else None,
        p99_us=latency.percentiles.get("99") if latency else None,
        holds=cause == "kept",
        cause=cause,
        value_us=value,
        share=share,
        whole=load.id.endswith(_WHOLE),
        trial=trial.trial,
    )


def _cause(trial: TrialRecord, promise: Promise, value: float | None, share: float) -> StepCause:
    """A promise that is kept is kept: a late pacer makes response times longer, never shorter."""
    if value is not None and value < promise.limit_us and share >= _KEPT_UP and trial.usable:
        return "kept"
    if _late(trial, promise, value):
        return "pacer"
    if trial.bound == "client":
        return "client"
    if _DEATH.intersection(trial.reasons):
        return "died"
    if not trial.usable:
        return "errors"
    return "behind" if share < _KEPT_UP else "broken"


def _late(trial: TrialRecord, promise: Promise, value: float | None) -> bool:
    """Whether the load tool, not the server, may have broken the promise.

    Where it tells how late it sent while a connection was free: by a tenth of the limit or more,
    and without that the promise would have been kept. What fails all the same is the server's.
    """
    found = {item.code for item in trial.findings}
    lateness = trial.pacing.lateness_us if trial.pacing else None
    if lateness is None:
        return bool(_PACER & found)
    central = promise.measure in ("p50", "mean")
    late = (lateness.p50 if central else lateness.p99) or 0
    if late >= _LATE_SHARE * promise.limit_us and value is not None:
        return value - late < promise.limit_us
    return "arrivals-off" in found and value is not None and value < 2 * promise.limit_us


def measured_us(
    promise: Promise, measured: LoadResult, counts: Histogram | None, load: LoadProfile
) -> float | None:
    """The promised measure in microseconds, failures above all; None where it falls among them.

    Unlike in tables a percentile is used however few requests lie beyond it: whether it is below
    a limit is a question of how many requests are above that, and the search asks it again.
    """
    if counts is None or counts.moments is None:
        return None
    failed = _failed(measured)
    if promise.percent is None:
        total = counts.moments.mean * counts.count + failed * load.timeout_s * 1e6
        return total / (counts.count + failed)
    return counts.ranked(promise.percent, censored=failed)


def _failed(measured: LoadResult) -> int:
    """Requests without a response; those with a wrong status are among the counted ones."""
    if measured.errors is None:
        return 0
    return sum(count or 0 for name, count in measured.errors if name not in ("deadline", "status"))


def answered_share(measured: LoadResult, load: LoadProfile, promise: Promise) -> float:
    """Share of the offered rate with which the server kept up.

    The last responses come after the window: as much of that as the promise allows, and at most
    a tenth of the window, is not a falling behind.
    """
    window = load.duration_s
    slack = min(promise.limit_us / 1e6, _SLACK * window)
    over = max(0.0, measured.duration_s - window - slack)
    left = (measured.errors.deadline or 0) if measured.errors else 0
    asked = measured.requests + left + _failed(measured)
    answered = (asked - left) / asked if asked else 0.0
    return answered * window / (window + over)
