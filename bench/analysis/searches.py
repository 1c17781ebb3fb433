"""What share of a capacity an offered rate really was, by what the servers reached in this run."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from bench.analysis.joint_capacity import joint_capacity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.plan import Plan
    from bench.model.summary import CellSummary
    from bench.model.trial_record import TrialRecord


def load_share(plan: Plan, trials: Sequence[TrialRecord], cell: CellSummary) -> float | None:
    """The offered rate over what was reached saturated, warm, in the trials of this run.

    In a duet that is what both reach together on their CPUs; in blocks what the slowest of the
    servers reaches.

    Returns:
        None in a closed loop, and where no saturated trial tells a capacity.
    """
    if not cell.offered_rps:
        return None
    closed = {profile.id for profile in plan.profiles if profile.loop == "closed"}
    same = [t for t in trials if t.workload == cell.workload and t.usable and t.profile in closed]
    if plan.design == "duet":
        reached = _together(plan, same, cell.server)
    else:
        reached = min(_alone(same), default=None)
    return cell.offered_rps / reached if reached else None


def _together(plan: Plan, trials: Sequence[TrialRecord], server: str) -> float | None:
    """Of a server and the baseline; of the baseline itself beside its copies."""
    names = {server} if server != plan.baseline else plan.copies
    found = [
        rate
        for trial in trials
        if trial.server in names and (rate := joint_capacity(trial, load_cpus=plan.cpus.load_count))
    ]
    return median(found) if found else None


def _alone(trials: Sequence[TrialRecord]) -> list[float]:
    """Median rate of each server."""
    rates: dict[str, list[float]] = {}
    for trial in trials:
        if trial.load and trial.load.throughput_rps:
            rates.setdefault(trial.server, []).append(trial.load.throughput_rps)
    return [median(each) for each in rates.values()]
