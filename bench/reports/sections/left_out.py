"""Which trials were left out or marked, and why; nothing is left out silently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.blocks import Bullets, Folded, Heading, OnPage, Paragraph, Table, code, strong
from bench.reports.wording.findings import text_of

if TYPE_CHECKING:
    from bench.model.finding import Finding
    from bench.model.trial_record import TrialRecord
    from bench.reports.blocks import Block, Text
    from bench.reports.view import View

_LISTED: Final = 20
_COLUMNS: Final = ("Trial", "Status", "Reasons", "What happened")


def trial_blocks(view: View) -> tuple[Block, ...]:
    """The excluded trials, the marked ones by cause, and the other findings."""
    return (*_excluded(view), *_suspect(view), *_other_findings(view))


def _excluded(view: View) -> list[Block]:
    if not view.excluded:
        return []
    text = "They enter no figure above; their records stay in the run directory."
    return [Heading("Trials left out"), Paragraph(text), *_listed(view.excluded)]


def _listed(trials: tuple[TrialRecord, ...]) -> list[Block]:
    shown = Table(_COLUMNS, tuple(map(_line, trials[:_LISTED])), frozenset(range(4)))
    if len(trials) <= _LISTED:
        return [shown]
    rest = Table(_COLUMNS, tuple(map(_line, trials[_LISTED:])), frozenset(range(4)))
    return [shown, Folded(f"{len(trials) - _LISTED} more", (rest,))]


def _line(trial: TrialRecord) -> tuple[Text, ...]:
    return (code(trial.trial),), trial.status, ", ".join(trial.reasons), trial.detail


def _suspect(view: View) -> list[Block]:
    marked = [trial for trial in view.run.trials if trial.status == "suspect"]
    if not marked:
        return []
    by_code: dict[str, list[TrialRecord]] = {}
    for trial in marked:
        for reason in trial.reasons:
            by_code.setdefault(reason, []).append(trial)
    total = len(view.run.trials)
    text = f"{len(marked)} of {total} trials are marked as suspect; they are kept in all figures."
    items = tuple(_cause(name, trials) for name, trials in sorted(by_code.items()))
    details = Table(_COLUMNS, tuple(map(_line, marked)), frozenset(range(4)))
    fold = OnPage(f"The {len(marked)} marked trials", (details,))
    return [Heading("Trials marked"), Paragraph(text), Bullets(items), fold]


def _cause(name: str, trials: list[TrialRecord]) -> Text:
    found = (item for trial in trials for item in trial.findings if item.code == name)
    example = next(found, None)
    noun = "trial" if len(trials) == 1 else "trials"
    tail = f", such as: {text_of(example)}" if example else ""
    return (strong(name), f": {len(trials)} {noun}{tail}")


def _other_findings(view: View) -> list[Block]:
    """Every finding of the run and the host, those that head the report included."""
    found = list(dict.fromkeys(_key(item) for item in view.run.summary.findings))
    if not found:
        return []
    table = Table(
        ("Finding", "Severity", "About", "What was seen", "What to do"),
        tuple(
            ((code(name),), severity, scope, text, advice)
            for name, severity, scope, text, advice in found
        ),
        frozenset(range(5)),
    )
    return [OnPage(f"All findings of this run ({len(found)})", (table,))]


def _key(item: Finding) -> tuple[str, str, str, str, str]:
    return item.code, item.severity, item.scope, item.text, item.advice
