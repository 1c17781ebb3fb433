"""Results Summary: per workload and profile the table of the source report, and its notes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bench.model.http_protocol import WITH_TLS
from bench.reports import rows
from bench.reports.blocks import (
    Bullets,
    Folded,
    Heading,
    OnPage,
    Paragraph,
    Section,
    Subject,
    Table,
    plain,
    strong,
)
from bench.reports.figures import figures
from bench.reports.primary_metric import MEDIAN_TIME, RESPONSE_TIME
from bench.reports.sections.answer import AT_LEAST, AT_MOST
from bench.reports.sections.costs import costs
from bench.reports.sections.databases import databases
from bench.reports.sections.left_out import trial_blocks
from bench.reports.sections.start_and_memory import start_and_memory
from bench.reports.view import describe_profile, describe_size, metric_of
from bench.reports.withheld import cause, lost, usable, withheld
from bench.reports.wording.notes import (
    UNTIMED,
    WINDOW_SHORT,
    first_event,
    is_lower_bound,
    notes,
    verdict_phrase,
)
from bench.reports.wording.verdict_words import ratio_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model.plan import LoadProfile
    from bench.model.summary import Metric
    from bench.reports.blocks import Block, Text
    from bench.reports.figures import Charts
    from bench.reports.view import Entry, Group, View

_FOLD_ABOVE: Final = 3
"""With more groups than this the further rows of their tables are folded."""
_INTERVAL: Final = "95 % interval"
_VERDICT: Final = "Verdict"
_LEGEND: Final = (
    "Ratio = the larger value of the row over the smaller one; "
    f'"{rows.BETTER}" marks the rows in which the baseline is the worse one.'
)
_PAIRED: Final = " The ratio beside an interval pairs the trials of each round."


def results(view: View, charts: Charts) -> Section:
    """All groups, then the trials that were left out or marked."""
    blocks: list[Block] = [*_legend(view), *figures(charts.first)]
    blocks += [Subject(group.subject, tuple(_group(view, group))) for group in view.groups]
    blocks += (*costs(view, charts), *databases(view), *start_and_memory(view))
    if charts.on_page:
        blocks.append(OnPage("Every trial, warm-up and rounds", figures(charts.on_page)))
    return Section("Results Summary", (*blocks, *trial_blocks(view)))


def _group(view: View, group: Group) -> list[Block]:
    size = describe_size(group)
    blocks: list[Block] = [Heading(f"{group.title} ({size})" if size else group.title)]
    if not group.measured:
        return [*blocks, Paragraph("No server has a usable trial here.")]
    blocks += [Paragraph(_about(view, group)), *_tables(view, group)]
    said = _notes(view, group)
    return [*blocks, Bullets(said)] if said else blocks


def _tables(view: View, group: Group) -> list[Block]:
    """All rows; with many groups those that the source report has not are folded."""
    table = metric_table(group)
    if len(view.groups) <= _FOLD_ABOVE:
        return [table]
    kept = {row.label for row in rows.SOURCE_ROWS}
    kept |= {group.lead.column, f"{group.lead.label}, {_INTERVAL}", _VERDICT}
    first = [row for row in table.rows if plain(row[0]) in kept]
    rest = tuple(row for row in table.rows if plain(row[0]) not in kept)
    title = f"Percentiles, CPU and memory: {group.title}"
    return [replace(table, rows=tuple(first)), Folded(title, (replace(table, rows=rest),))]


def _legend(view: View) -> list[Block]:
    """What the ratios of all tables are, once."""
    groups = [group for group in view.groups if group.baseline and group.others]
    paired = _PAIRED if any(_interval_rows(group) for group in groups) else ""
    return [Paragraph(_LEGEND + paired)] if groups else []


def _notes(view: View, group: Group) -> tuple[Text, ...]:
    """What limits the figures of a server, and the ceiling that all stand below."""
    found: list[Text] = [
        (strong(entry.title), f": {said}")
        for entry in group.entries
        if (said := notes(view, group, entry))
    ]
    if group.ceiling and group.ceiling.measured:
        found.append((strong(group.ceiling.title), f": {_ceiling(group, group.ceiling)}"))
    return tuple(found)


def _ceiling(group: Group, entry: Entry) -> str:
    metric = _lead(group, entry)
    if metric is None:
        return rows.ABSENT
    show = rows.shower(group.lead_metric)
    interval = rows.format_interval(metric, show)
    value = show(metric.value) + ("" if interval == rows.ABSENT else f" {interval}")
    return f"{group.lead.column} {value}, the most that the load tool can see on this machine"


def metric_table(group: Group) -> Table:
    """The table of the source report: metrics down, servers and ratios across."""
    columns = ["Metric"]
    for entry in group.entries:
        columns.append(entry.title)
        if group.baseline and entry is not group.baseline:
            columns.append("Ratio")
    lines = [
        (strong(row.label), *_cells(group, lambda e, r=row: _shown(group, r, e), row))  # type: ignore[misc] # the default binds the loop's row
        for row in rows.rows_for(group)
    ]
    lines += _interval_rows(group)
    return Table(tuple(columns), tuple(lines))


_DEARER: Final = frozenset({"CPU per Request", "Instructions per Request"})
_FEWER: Final = frozenset({"Requests per CPU-second"})


def _shown(group: Group, row: rows.CellRow, entry: Entry) -> str:
    """A value; one that the load tool or the machine limited is at least that.

    CPU time is at most that where requests that it was spent on were not counted.
    """
    text = rows.show(row, entry)
    short = WINDOW_SHORT in entry.cell.findings and text != rows.ABSENT
    if row.label in _DEARER or row.label in _FEWER:
        return (
            AT_MOST[short and row.label in _DEARER] + AT_LEAST[short and row.label in _FEWER] + text
        )
    metric = metric_of(entry, "p99_us")
    if metric and row.label == RESPONSE_TIME.column and metric.n < usable(entry):
        text += f" (n = {metric.n})"
    bound = row.label == group.lead.column and text != rows.ABSENT
    return AT_LEAST[bound and is_lower_bound(group, entry)] + text


def _cells(group: Group, show: Callable[[Entry], str], row: rows.CellRow) -> list[Text]:
    cells: list[Text] = []
    for entry in group.entries:
        cells.append(show(entry))
        if group.baseline and entry is not group.baseline:
            cells.append(rows.ratio(row, entry, group.baseline))
    return cells


def _interval_rows(group: Group) -> list[tuple[Text, ...]]:
    """The 95 % intervals and the verdict, where any server has an interval."""
    found = [_lead(group, entry) for entry in group.entries]
    lines: list[tuple[Text, ...]] = []
    if any(metric and metric.low is not None for metric in found):
        label = f"{group.lead.label}, {_INTERVAL}"
        lines.append((strong(label), *_pairs(group, _interval, _ratio_interval)))
    if group.others and any(metric and metric.verdict for metric in found) and lines:
        lines.append((strong(_VERDICT), *_pairs(group, _word, lambda *_: "")))
    return lines


def _lead(group: Group, entry: Entry) -> Metric | None:
    return metric_of(entry, group.lead_metric)


def _pairs(
    group: Group,
    value: Callable[[Group, Entry], str],
    against: Callable[[Group, Entry], str],
) -> list[Text]:
    cells: list[Text] = []
    for entry in group.entries:
        cells.append(value(group, entry))
        if group.baseline and entry is not group.baseline:
            cells.append(against(group, entry))
    return cells


def _interval(group: Group, entry: Entry) -> str:
    metric = _lead(group, entry)
    return rows.format_interval(metric, rows.shower(group.lead_metric)) if metric else rows.ABSENT


def _ratio_interval(group: Group, entry: Entry) -> str:
    """The paired ratio, above 1 as the column has it: of a/b or of b/a."""
    metric = _lead(group, entry)
    verdict = metric.verdict if metric else None
    if not verdict or not verdict.ratio or not verdict.low or not verdict.high:
        return rows.ABSENT
    if verdict.ratio < 1:
        return ratio_text(1 / verdict.ratio, 1 / verdict.high, 1 / verdict.low)
    return ratio_text(verdict.ratio, verdict.low, verdict.high)


def _word(group: Group, entry: Entry) -> str:
    metric = _lead(group, entry)
    if entry is group.baseline:
        return "baseline"
    if metric is None or metric.verdict is None:
        return rows.ABSENT
    return verdict_phrase(metric.verdict, group.lead)


def _about(view: View, group: Group) -> str:
    counts = sorted({metric.n for entry in group.entries if (metric := _lead(group, entry))})
    number = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0] if counts else 0}"
    noun = "trial" if number == "1" else "trials"
    parts = [group.lead.what, describe_profile(group.profile), f"{number} {noun} per server"]
    if group.baseline and group.others:
        parts.append(f"baseline {view.baseline}")
    streamed = first_event(group.profile.tool) if group.workload in view.run.plan.streams else ""
    return ", ".join(parts) + "." + _marked(group) + _untimed(group.profile) + streamed


def _marked(group: Group) -> str:
    """What the mark beside response times means, and what is compared instead."""
    late = [entry for entry in group.measured if withheld(entry)]
    if not late:
        return ""
    total = sum(map(usable, group.measured))
    instead = " p50 is compared in place of p99." if group.lead is MEDIAN_TIME else ""
    return (
        f"{rows.MARK} = not compared, since it holds the trials in which {cause(late)} "
        f"({lost(late)} of {total}).{instead}"
    )


def _untimed(profile: LoadProfile) -> str:
    """What the latencies leave out though every request has it."""
    if profile.connect_timed:
        return ""
    what = "connecting and the TLS handshake" if profile.protocol in WITH_TLS else "connecting"
    return UNTIMED.format(tool=profile.tool, what=what)
