"""The answer first: three sentences, one table to act on, one chart, and what limits them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.reports import rows
from bench.reports.blocks import Paragraph, Table, strong
from bench.reports.decisions import answer_rows, cost_of, verdict_by
from bench.reports.figures import figures
from bench.reports.primary_metric import COST, MEDIAN_TIME, RESPONSE_TIME, RESPONSE_TIMES
from bench.reports.sections.header import limits
from bench.reports.sections.inconclusive import inconclusive
from bench.reports.view import metric_of
from bench.reports.withheld import cause, lost, usable, withheld
from bench.reports.wording.conclusion import in_short
from bench.reports.wording.notes import bare_phrase, is_lower_bound, verdict_phrase
from bench.reports.wording.phrases import count, join
from bench.reports.wording.verdict_words import times
from bench.units import format_rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model.summary import Verdict
    from bench.reports.blocks import Block
    from bench.reports.decisions import AnswerRow
    from bench.reports.figures import Charts
    from bench.reports.primary_metric import PrimaryMetric
    from bench.reports.view import Entry, Group, View

AT_LEAST: Final = {True: "≥ ", False: ""}
AT_MOST: Final = {True: "≤ ", False: ""}


class _Column(NamedTuple):
    title: str
    cell: Callable[[AnswerRow], str]
    words: bool = False


def answer(view: View, charts: Charts) -> tuple[Block, ...]:
    """What stands between the title and the first section."""
    short = in_short(view)
    blocks: list[Block] = [Paragraph((strong("In short:"), " ", short))] if short else []
    found = answer_rows(view)
    if any(row.entry.measured for row in found):
        blocks += [answer_table(view, found), Paragraph(_legend(view, found))]
        blocks += inconclusive(view)
    return (*blocks, *figures(charts.lead), *limits(view))


def answer_table(view: View, found: tuple[AnswerRow, ...]) -> Table:
    """One row per workload and server, a column for each thing that was compared."""
    columns = [*_names(found), *_main(found), *_cost(view, found), *_latency(found)]
    if any(_verdicts(view, row) for row in found):
        columns.append(_Column("Verdict", lambda row: _verdict(view, row), words=True))
    return Table(
        tuple(column.title for column in columns),
        tuple(tuple(column.cell(row) or rows.ABSENT for column in columns) for row in found),
        frozenset({0, *(place for place, column in enumerate(columns) if column.words)}),
        tuple(row.group.subject for row in found),
    )


def _names(found: tuple[AnswerRow, ...]) -> list[_Column]:
    server = _Column("Server", lambda row: row.entry.title, words=True)
    titles = {row.group.title for row in found}
    if len(titles) == 1:
        return [server]
    # the closed loop is the table's own: its rows need no more than the workload
    several = len({row.group.title for row in found}) > len({row.group.subject for row in found})
    return [
        _Column("Workload", lambda row: row.group.title if several else row.group.subject),
        server,
    ]


def _main(found: tuple[AnswerRow, ...]) -> list[_Column]:
    """The rate, or in a duet requests per CPU-second; nothing where only response times are."""
    groups = [row.group for row in found if row.group.lead not in RESPONSE_TIMES]
    if not groups:
        return []
    lead = groups[0].lead
    value = _Column(lead.column, lambda row: _value(row.group, row.entry, lead))
    against = _Column(
        f"{lead.name.capitalize() if lead.name == 'rate' else lead.column} against baseline",
        lambda row: _against(row.group, row.entry, lead),
    )
    return [value, against] if _compared(found, lead) else [value]


def _compared(found: tuple[AnswerRow, ...], lead: PrimaryMetric) -> bool:
    return any(verdict_by(row.entry, lead) for row in found if row.entry is not row.group.baseline)


def _value(group: Group, entry: Entry, lead: PrimaryMetric) -> str:
    metric = metric_of(entry, lead.metric)
    if metric is None or group.lead is not lead:
        return ""
    return AT_LEAST[is_lower_bound(group, entry)] + rows.shower(lead.metric)(metric.value)


def _against(group: Group, entry: Entry, lead: PrimaryMetric) -> str:
    if entry is group.baseline:
        return "baseline"
    verdict = verdict_by(entry, lead)
    return "" if verdict is None else bounded(group, entry, verdict)


def bounded(group: Group, entry: Entry, verdict: Verdict) -> str:
    """The ratio with its interval, marked where one side is a lower bound."""
    text = times(verdict) or rows.ABSENT
    own, base = (
        is_lower_bound(group, entry),
        bool(group.baseline and is_lower_bound(group, group.baseline)),
    )
    return text if own and base else AT_LEAST[own] + AT_MOST[base] + text


def _cost(view: View, found: tuple[AnswerRow, ...]) -> list[_Column]:
    if not any(cost_of(view, row) for row in found):
        return []
    return [_Column(COST.column, lambda row: _cost_cell(view, row))]


def _cost_cell(view: View, row: AnswerRow) -> str:
    if row.entry is row.group.baseline:
        return "baseline"
    entry = cost_of(view, row)
    cost = entry.cell.cost if entry else None
    if cost is None:
        return ""
    at = f" at {format_rate(cost.rate_rps)}/s" if cost.rate_rps else ""
    return f"{times(cost.verdict)}{at}"


def _latency(found: tuple[AnswerRow, ...]) -> list[_Column]:
    """By each percentile that leads at an equal offered rate: its value, and the comparison."""
    columns: list[_Column] = []
    for lead in RESPONSE_TIMES:
        if any(metric_of(entry, lead.metric) for entry in _led(found, lead)):
            value = partial(_time, lead=lead)
            against = partial(_time_against, lead=lead)
            columns.append(_Column(f"{lead.column}, at equal rate", value))
            columns.append(_Column(f"{lead.name} against baseline", against))
    return columns


def _led(found: tuple[AnswerRow, ...], lead: PrimaryMetric) -> list[Entry]:
    """The servers at an equal offered rate whose groups are compared by it."""
    known = [row.latency for row in found if row.latency]
    return [entry for group, entry in known if _timed_by(group) is lead]


def _timed_by(group: Group) -> PrimaryMetric:
    """The percentile by which response times of a group are compared."""
    return MEDIAN_TIME if group.lead is MEDIAN_TIME else RESPONSE_TIME


def _time(row: AnswerRow, lead: PrimaryMetric) -> str:
    group, entry = row.latency or (None, None)
    metric = metric_of(entry, lead.metric) if entry else None
    if metric is None or group is None or entry is None or _timed_by(group) is not lead:
        return ""
    offered = entry.cell.offered_rps
    at = f" at {format_rate(offered)}/s" if offered else ""
    fewer = f" (n = {metric.n})" if metric.n < usable(entry) else ""
    return rows.format_us(metric.value) + at + fewer


def _time_against(row: AnswerRow, lead: PrimaryMetric) -> str:
    if row.latency is None or _timed_by(row.latency[0]) is not lead:
        return ""
    group, entry = row.latency
    if entry is group.baseline:
        return "baseline"
    verdict = verdict_by(entry, lead)
    return times(verdict) if verdict else ""


def _verdicts(view: View, row: AnswerRow) -> list[tuple[PrimaryMetric, Verdict]]:
    """What is said of a server, metric by metric."""
    if row.entry is row.group.baseline:
        return []
    cost = cost_of(view, row)
    found = [
        (row.group.lead, verdict_by(row.entry, row.group.lead)),
        (COST, verdict_by(cost, COST) if cost else None),
    ]
    if row.latency and row.group.lead not in RESPONSE_TIMES:
        lead = _timed_by(row.latency[0])
        found.append((lead, verdict_by(row.latency[1], lead)))
    return [(lead, verdict) for lead, verdict in found if verdict]


def _verdict(view: View, row: AnswerRow) -> str:
    if row.entry is row.group.baseline:
        return "baseline"
    found = _verdicts(view, row)
    copy = f"a copy of {row.entry.copy_of}: noise" if row.entry.copy_of else ""
    if len(found) == 1:
        said = verdict_phrase(found[0][1], found[0][0])
    else:
        said = "; ".join(f"{lead.name} {bare_phrase(verdict, lead)}" for lead, verdict in found)
    return f"{said} ({copy})" if copy and said else copy or said


def _legend(view: View, found: tuple[AnswerRow, ...]) -> str:
    """What the figures of the table are, in one sentence each."""
    parts = [f"Baseline: {view.baseline}."] if any(row.group.baseline for row in found) else []
    parts += [f"Geometric means of each server: {said}."] if (said := _counts(view, found)) else []
    if any(_verdicts(view, row) for row in found):
        parts.append(
            "Against baseline: server / baseline, paired by round, with its 95 % interval."
        )
    parts += [
        f"{lead.column}: the mean over trials of the {lead.name} of each."
        for lead in RESPONSE_TIMES
        if _led(found, lead)
    ]
    if late := [entry for entry in _led(found, MEDIAN_TIME) if withheld(entry)]:
        parts.append(f"No p99 can be compared: {cause(late)} in {lost(late)} trials.")
    return " ".join(parts)


def _counts(view: View, found: tuple[AnswerRow, ...]) -> str:
    """How many trials are behind each column: `Requests/sec over 4 trials; p99 over 3 trials`."""
    main = [m.n for row in found if (m := metric_of(row.entry, row.group.lead_metric))]
    known = (cost_of(view, row) for row in found)
    costs = [entry.cell.cost.n for entry in known if entry and entry.cell.cost]
    parts = [_of(_names_of(found), main, "trial"), _of("CPU per request", costs, "duet")]
    for lead in RESPONSE_TIMES:
        if all(row.group.lead is not lead for row in found):
            own = [m.n for entry in _led(found, lead) if (m := metric_of(entry, lead.metric))]
            parts.append(_of(lead.name, own, "trial"))
    return "; ".join(part for part in parts if part)


def _names_of(found: tuple[AnswerRow, ...]) -> str:
    return join(list(dict.fromkeys(row.group.lead.column for row in found)))


def _of(name: str, counts: list[int], noun: str) -> str:
    """`p99 over 1 to 3 trials`, "" where there are none."""
    if not counts:
        return ""
    low, high = min(counts), max(counts)
    number = count(high, noun) if low == high else f"{low} to {count(high, noun)}"
    return f"{name} over {number}"
