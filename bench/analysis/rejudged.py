"""Findings of a recorded trial, judged again by its figures: earlier versions judged otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.model.finding import finding

if TYPE_CHECKING:
    from bench.model.finding import Finding
    from bench.model.load_result import LoadResult
    from bench.model.pacing import Pacing
    from bench.model.plan import Plan
    from bench.model.trial_record import TrialRecord

_GROWING: Final = 3.0
"""Longest over median time of a response: a queue that grows evenly makes it 2."""


def kept_up(load: LoadResult, pacing: Pacing | None) -> bool:
    """Whether an open loop was answered whole, the last responses a moment after the window.

    At 150 requests/s four that are under way when the window ends are more than a hundredth of
    it. A server that falls behind lets requests wait for a connection, or takes longer and longer;
    one that keeps up has the last answer within the longest time that a response took.

    Args:
        load: of one side of the trial.
        pacing: how its schedule was kept; None = the load tool has none, and nothing is known.
    """
    if pacing is None or pacing.service_us is None or load.errors is None:
        return False
    if load.errors.deadline or pacing.from_queue or pacing.failures:
        return False
    times = pacing.service_us
    late_us = (load.duration_s - pacing.window_s) * 1e6
    return late_us <= times.max and bool(times.p50) and times.max > _GROWING * (times.p50 or 0)


def rejudged(plan: Plan, trial: TrialRecord) -> TrialRecord:
    """The trial with the findings that its figures give rise to now."""
    found = tuple(again for each in trial.findings if (again := _again(plan, trial, each)))
    return trial if found == trial.findings else trial.replace(findings=found)


def _again(plan: Plan, trial: TrialRecord, item: Finding) -> Finding | None:
    if item.code == "saturated" and trial.load and kept_up(trial.load, trial.pacing):
        return None
    of_cost = plan.cost is not None and trial.profile == plan.cost.profile.id
    if of_cost and item.code == "arrivals-off" and item.case in ("poisson", "even"):
        return finding(
            "arrivals-off",
            item.scope,
            "cost-even" if item.case == "even" else "cost-poisson",
            severity=item.severity,
            off=item.evidence.get("off"),
            intervals=item.evidence.get("intervals"),
        )
    return item
