"""Every comparison with the baseline that a report is about: by which metric, decided or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.reports.primary_metric import COST, RESPONSE_TIMES
from bench.reports.view import metric_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.summary import Verdict
    from bench.reports.primary_metric import PrimaryMetric
    from bench.reports.view import Entry, Group, View

DECIDED: Final = frozenset({"faster", "slower", "less", "more", "equivalent"})
"""Words of verdicts that answer the question; all others leave it open."""
_SAME_RATE: Final = 1e-3


class Decision(NamedTuple):
    """One comparison of a server with the baseline."""

    group: Group
    entry: Entry
    lead: PrimaryMetric
    verdict: Verdict

    @property
    def decided(self) -> bool:
        """Whether it has an answer."""
        return self.verdict.word in DECIDED


class AnswerRow(NamedTuple):
    """What a reader can act on: one server under one workload.

    Attributes:
        group: where its rate stands.
        entry: the server there.
        latency: the cells at an equal offered rate and the server among them, where there are.
    """

    group: Group
    entry: Entry
    latency: tuple[Group, Entry] | None


def verdict_by(entry: Entry, lead: PrimaryMetric) -> Verdict | None:
    """The verdict on a server by one metric."""
    if lead is COST:
        return entry.cell.cost.verdict if entry.cell.cost else None
    metric = metric_of(entry, lead.metric)
    return metric.verdict if metric else None


def decisions(view: View) -> tuple[Decision, ...]:
    """All comparisons of candidates: by what leads each group, and by cost where it was measured.

    Cost is one comparison per server and workload, under whichever profile it is shown.
    """
    found = [
        Decision(group, entry, group.lead, verdict)
        for group in view.groups
        for entry in group.candidates
        if (verdict := verdict_by(entry, group.lead))
    ]
    costs = {
        (group.workload, entry.server): Decision(group, entry, COST, verdict)
        for group in reversed(view.groups)
        for entry in group.candidates
        if (verdict := verdict_by(entry, COST))
    }
    return (*found, *reversed(costs.values()))


def answer_rows(view: View) -> tuple[AnswerRow, ...]:
    """One row per server and workload, in the order of the report; the baseline's included."""
    return tuple(
        AnswerRow(group, entry, _latency_of(view, group, entry))
        for group in _main_groups(view)
        for entry in group.entries
    )


def _main_groups(view: View) -> Iterator[Group]:
    """The groups that compare rates or CPU; of a workload without any, those at an equal rate."""
    main = [group for group in view.groups if group.lead not in RESPONSE_TIMES]
    covered = {group.workload for group in main}
    for group in view.groups:
        if group.lead not in RESPONSE_TIMES or group.workload not in covered:
            yield group


def _latency_of(view: View, group: Group, entry: Entry) -> tuple[Group, Entry] | None:
    """The server at an equal offered rate: in the group itself, or the first of its workload."""
    groups = [group] if group.is_open else [g for g in view.groups if g.workload == group.workload]
    for other in groups:
        timed = group.is_open or other.lead in RESPONSE_TIMES
        if other.is_open and _equal_rate(other) and timed:
            same = next((each for each in other.entries if each.server == entry.server), None)
            return (other, same) if same else None
    return None


def _equal_rate(group: Group) -> bool:
    rates = [entry.cell.offered_rps for entry in group.measured if entry.cell.offered_rps]
    return bool(rates) and max(rates) <= min(rates) * (1 + _SAME_RATE)


def cost_of(view: View, row: AnswerRow) -> Entry | None:
    """The cell that tells what a request of this server costs, under any profile."""
    for group in (row.group, *view.groups):
        if group.workload == row.group.workload:
            for entry in group.entries:
                if entry.server == row.entry.server and entry.cell.cost:
                    return entry
    return None
