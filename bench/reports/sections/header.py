"""What the reader must know before any number: findings that matter, what is missing."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Final

from bench.reports.blocks import Notice, code, strong
from bench.reports.sections.precision_reached import precision_reached
from bench.reports.wording.phrases import count, sentence

if TYPE_CHECKING:
    from bench.model.finding import Finding
    from bench.reports.blocks import Block, Text
    from bench.reports.view import View

HEAD_CODES: Final = (
    "translated",
    "arms-differ",
    "noisy-host",
    "unsteady-cpu",
    "search-cut",
    "resumed-changed",
    "concurrent-run",
    "baseline-missing",
    "remote",
    "low-power",
    "battery",
    "power-changed",
    "thermal",
    "throttled",
    "cpu-quota",
    "shared-core",
    "unlike-cores",
    "unpinned",
    "tool-version",
    "window-short",
    "near-ceiling",
    "client-bound",
    "saturated",
    "drift",
    "late-pacer",
    "pacer-late",
    "arrivals-off",
    "not-stationary",
    "unlike-conditions",
    "only-redirects",
    "wrong-response",
    "bytes-mismatch",
    "too-few-rounds",
)
"""Findings that head a report, in this order; an error of any other code comes after them."""

_OF_POINTS: Final = frozenset(
    {"saturated", "client-bound", "late-pacer", "pacer-late", "not-stationary"}
)
"""What a load curve and a search look for: it is marked there, point by point."""

_WHOLE_RUN: Final = frozenset({"run", "host"})


def doubts(view: View) -> tuple[Block, ...]:
    """What the reader must know before any number: it concerns all of them."""
    items = (*_findings(view, whole=True), *_skipped(view), *precision_reached(view))
    return (Notice("Read this first", items),) if items else ()


def limits(view: View) -> tuple[Block, ...]:
    """What limits single figures: cells that are bounds, drift or lack trials."""
    items = (*_findings(view, whole=False), *_without_result(view), *_excluded(view))
    return (Notice("What limits these figures", items),) if items else ()


def heading_findings(view: View) -> tuple[Finding, ...]:
    """The findings that head the report, the most important first.

    Errors of single trials do not: those trials are counted as left out.
    """
    rank = {name: index for index, name in enumerate(HEAD_CODES)}
    points = {entry.cell_id for group in view.curves for entry in group.entries}
    found = [
        item
        for item in view.run.summary.findings
        if not (item.scope in points and item.code in _OF_POINTS)
        if item.code in rank or (item.severity == "error" and item.scope in _WHOLE_RUN)
    ]
    return tuple(sorted(found, key=lambda item: (rank.get(item.code, len(rank)), item.code)))


def _findings(view: View, *, whole: bool) -> list[Text]:
    items: list[Text] = []
    for name, found in groupby(heading_findings(view), key=lambda item: item.code):
        same = list({(item.scope, item.text): item for item in found}.values())
        if whole:
            items += [_finding(item) for item in same if item.scope in _WHOLE_RUN]
            continue
        parts = [item for item in same if item.scope not in _WHOLE_RUN]
        if parts:
            items.append(_of_parts(view, name, parts))
    return items


def _finding(item: Finding) -> Text:
    return (strong(item.code), f": {sentence(item.text)} {sentence(item.advice)}".rstrip())


def _of_parts(view: View, name: str, parts: list[Finding]) -> Text:
    """One line for a cause that several cells share, with the first as the example."""
    first = parts[0]
    more = "" if len(parts) == 1 else f"{_counted(view, name, parts)}, first in "
    where = f" ({more}{_place(view, first.scope)})"
    return (
        strong(name),
        f"{where}: {sentence(first.text)} {sentence(first.advice)}".rstrip(),
    )


def _counted(view: View, name: str, parts: list[Finding]) -> str:
    """`10 trials of 5 cells`; cells alone where no single trial has it."""
    scopes = {item.scope for item in parts}
    if not scopes <= view.by_cell.keys():
        return f"{len(parts)} times"
    trials = sum(
        any(item.code == name for item in trial.findings)
        for scope in scopes
        for trial in view.by_cell[scope]
    )
    cells = count(len(scopes), "cell")
    return f"{count(trials, 'trial')} of {cells}" if trials else cells


def _place(view: View, scope: str) -> str:
    """A cell by its titles; anything else by its own name."""
    for group in view.groups:
        for entry in group.entries:
            if scope == f"{entry.cell.server}.{entry.cell.workload}.{entry.cell.profile}":
                return f"{entry.title}, {group.title}"
    cost = view.run.plan.cost
    for cell in cost.cells if cost else ():
        if scope == cell.id:
            title = view.run.plan.workload_titles.get(cell.workload, cell.workload)
            return f"{view.titles.get(cell.server, cell.server)}, {title}, cost at equal rate"
    return scope


def _skipped(view: View) -> list[Text]:
    return [
        (
            strong(view.titles.get(skip.server, skip.server)),
            f" takes no part in {', '.join(skip.profiles)}: {skip.reason}"
            if skip.profiles
            else f" was skipped: {skip.reason}",
        )
        for skip in view.run.summary.skipped
    ]


def _without_result(view: View) -> list[Text]:
    return [
        (strong(entry.title), f" has no usable trial of {group.title}.")
        for group in view.groups
        for entry in group.entries
        if not entry.measured
    ]


def _excluded(view: View) -> list[Text]:
    excluded = view.excluded
    if not excluded:
        return []
    reasons = Counter(reason for trial in excluded for reason in trial.reasons)
    causes = ", ".join(f"{name} {count}" for name, count in sorted(reasons.items()))
    total = len(view.run.trials)
    text = f"{len(excluded)} of {total} trials are left out of all figures"
    tail = f" (causes: {causes})" if causes else ""
    return [(strong(text), f"{tail}; each is listed under ", code("Trials left out"), ".")]
