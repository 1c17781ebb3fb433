"""What limits the figures of a run, the most of them first; a rule without data says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.withheld import cause, withheld
from bench.reports.wording.notes import WINDOW_SHORT
from bench.reports.wording.phrases import named
from bench.reports.wording.run_words import floor_of
from bench.reports.wording.verdict_words import percent

if TYPE_CHECKING:
    from bench.model.finding import Finding
    from bench.reports.blocks import Text
    from bench.reports.view import Entry, Group, View

_RULES: Final = (
    ("client", "The load tool, not the server, was the limit of {}: at least that fast."),
    (WINDOW_SHORT, "Too few responses per connection in a window: {}; lower bounds."),
    ("near-ceiling", "Near what this machine can answer at all: {}; lower bounds."),
    ("saturated", "Could not keep up with the offered rate: {}."),
    ("drift", "Still changing inside the window: {}; a longer warm-up is needed."),
    (
        "little",
        "Rate x mean latency is not the connections that were open (Little): {}; no mean is sure.",
    ),
)


def limiting(view: View) -> list[Text]:
    """The machine, then cells by what was wrong with them, the noise floor, trials left out."""
    pairs = [(group, entry) for group in view.groups for entry in group.measured]
    sentences: list[Text] = [*_machine(view), *_uncompared(pairs)]
    for name, pattern in _RULES:
        found = [f"{e.title} ({g.title})" for g, e in pairs if _is(e, name)]
        if found:
            sentences.append(pattern.format(named(found)))
    sentences += _floor(view)
    if view.excluded:
        total = len(view.run.trials)
        sentences.append(
            f"{len(view.excluded)} of {total} trials are left out, with their causes above."
        )
    return sentences


def _is(entry: Entry, name: str) -> bool:
    if name == "client":
        return entry.cell.bound == "client" or "client-bound" in entry.cell.findings
    return name in entry.cell.findings


def _of_run(view: View, code: str) -> Finding | None:
    return next((each for each in view.run.summary.findings if each.code == code), None)


def _machine(view: View) -> list[Text]:
    """What concerns every figure at once."""
    sentences: list[Text] = []
    noisy, slow = _of_run(view, "noisy-host"), _of_run(view, "unsteady-cpu")
    if noisy and "suspect" in noisy.evidence:
        seen = noisy.evidence
        sentences.append(
            f"A noisy machine: {seen['suspect']} of {seen['usable']} trials are suspect "
            "(noisy-host)."
        )
    if slow and isinstance(longer := slow.evidence.get("longer"), float):
        seen = slow.evidence
        sentences.append(
            f"Slow cores: in {seen['slow']} of {seen['trials']} trials one fixed computation took "
            f"{percent(longer)} longer (the median) than in the fastest tenth (unsteady-cpu)."
        )
    return sentences


def _uncompared(pairs: list[tuple[Group, Entry]]) -> list[Text]:
    """Response times that are compared nowhere."""
    late = [(group, entry) for group, entry in pairs if withheld(entry)]
    if not late:
        return []
    which = named([f"{entry.title} ({group.title})" for group, entry in late])
    why = cause(entry for _, entry in late)
    return [f"p99 is not compared of trials in which {why}: {which}."]


def _floor(view: View) -> list[Text]:
    """By what the copies were compared, and at which rate: it says nothing of other figures."""
    floor, item = view.run.summary.noise_floor, _of_run(view, "noise-floor")
    if floor is None:
        return []
    if item is None or "metric" not in item.evidence:
        return [f"Noise floor {floor:.1%}: what two copies of one server may differ by here."]
    told = item.evidence
    titles = view.run.plan.workload_titles
    workload = str(told["workload"])
    text = (
        f"Noise floor {floor:.1%}: what two copies of one server may differ by in "
        f"{floor_of(told)} ({titles.get(workload, workload)}); of other figures it says nothing."
    )
    copied = any(entry.copy_of for group in view.groups for entry in group.entries)
    return [text] if copied else [f"{text} Of the others no copy was measured."]
