"""Findings of trials, each shown once per cell, and findings about the run as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.analysis.in_flight import SHORT, in_use, unexplained
from bench.analysis.verdicts import no_trials_because
from bench.model.finding import CODES, Example, Finding, finding
from bench.stats.intervals import MIN_ROUNDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.analysis.trials import CellTrials
    from bench.model.plan import Plan
    from bench.model.trial_record import TrialRecord

_GIVEN_UP_AFTER: Final = 2
_SEVERITIES: Final = ("info", "warning", "error")
_OWN: Final = frozenset({SHORT, "near-ceiling", "drift", "step"})
"""Told from all trials of a cell together, not from each; a closed loop's client-bound too."""
_HEADING: Final = (
    "arms-differ",
    "noisy-host",
    "unsteady-cpu",
    "baseline-missing",
    "missing-trials",
)
"""These stand first, in this order."""


def cell_findings(cell: CellTrials) -> tuple[Finding, ...]:
    """What the trials of one cell found, one finding per code and machine of the load."""
    seen: dict[tuple[str, object], dict[str, Finding]] = {}
    own = _OWN | {"client-bound"} if cell.profile.loop == "closed" else _OWN
    for trial in cell.recorded:
        for each in _of_trial(trial):
            if each.code not in own and not _refuted(cell, trial, each):
                which = each.code, each.evidence.get("machine")
                seen.setdefault(which, {}).setdefault(trial.trial, each)
    return tuple(_told_once(cell, found) for found in seen.values())


def _of_trial(trial: TrialRecord) -> list[Finding]:
    """A trial's findings; a reason without one is put in the trial's own sentence."""
    told = {each.code for each in trial.findings}
    missing = [code for code in trial.reasons if code not in told and code in CODES]
    said = trial.detail or trial.status
    return [
        *trial.findings,
        *(finding(code, trial.trial, "said", said=said) for code in missing),
    ]


def _refuted(cell: CellTrials, trial: TrialRecord, found: Finding) -> bool:
    """Whether the trial's own figures contradict a finding that an earlier version recorded.

    `little` where the requests under way at the end explain it, and `connections-short` where more
    were in use than were seen: connections of ours that came later were taken off the count.
    """
    used = in_use(trial.load, cell.profile) if trial.load else None
    if used is None or trial.load is None:
        return False
    if found.code == "little":
        return not unexplained(used, cell.profile.connections, trial.load.ok)
    seen = found.evidence.get("seen")
    return found.code == "connections-short" and isinstance(seen, int) and used > seen


def _told_once(cell: CellTrials, found: dict[str, Finding]) -> Finding:
    worst = max(found.values(), key=lambda each: _SEVERITIES.index(each.severity))
    trial = next(trial for trial, each in found.items() if each is worst)
    example = Example(trial, seen=len(found), trials=len(cell.recorded))
    return worst.replace(scope=cell.cell.id, example=example)


def run_findings(plan: Plan, cells: Sequence[CellTrials]) -> tuple[Finding, ...]:
    """What the whole run lacks: trials, rounds, a baseline."""
    if plan.search:  # single trials at many rates: nothing is compared
        return ()
    out = []
    planned = sum(cell.planned for cell in cells)
    missing = sum(cell.planned - len(cell.final) for cell in cells if not _given_up(cell))
    if missing:
        out.append(finding("missing-trials", "run", missing=missing, planned=planned))
    fewest = min((len(cell.usable) for cell in cells if cell.usable), default=MIN_ROUNDS)
    if fewest < MIN_ROUNDS:
        out.append(finding("too-few-rounds", "run", rounds=fewest, needed=MIN_ROUNDS))
    return (*out, *_baseline_missing(plan, cells))


def _given_up(cell: CellTrials) -> bool:
    """Whether the rest of its trials was left out on purpose, after two that failed."""
    return cell.counts.failed >= _GIVEN_UP_AFTER


def _baseline_missing(plan: Plan, cells: Sequence[CellTrials]) -> list[Finding]:
    groups = {(cell.cell.workload, cell.cell.profile) for cell in cells}
    base = {
        (cell.cell.workload, cell.cell.profile): cell
        for cell in cells
        if cell.cell.server == plan.baseline
    }
    lacking = sorted(group for group in groups if group not in base or not base[group].usable)
    if not lacking:
        return []
    where = "" if len(lacking) == len(groups) else f" in {_named(lacking)}"
    first = base.get(lacking[0])
    cause = no_trials_because(first) if first else _left_out(plan)
    return [
        finding(
            "baseline-missing",
            "run",
            cells=len(lacking),
            where=where,
            baseline=plan.baseline,
            cause=cause,
        )
    ]


def _left_out(plan: Plan) -> str:
    gone = [each for each in plan.skipped if each.server == plan.baseline]
    reasons = [each.reason for each in gone if not each.profiles]
    if gone and not reasons:
        return f"it takes no part there: {gone[0].reason}"
    return f"it was skipped: {reasons[0]}" if reasons else "it is not part of this run"


def _named(groups: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{workload} ({profile})" for workload, profile in groups)


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What heads the report first; the rest as it came; equal ones once."""
    unique = list({_key(each): each for each in findings}.values())
    rank = {code: place for place, code in enumerate(_HEADING)}
    return tuple(sorted(unique, key=lambda each: rank.get(each.code, len(rank))))


def _key(item: Finding) -> tuple[object, ...]:
    """What makes two findings the same: what they are about, and every figure."""
    figures = tuple(item.evidence.items())
    return item.code, item.scope, item.case, item.text, item.example, figures
