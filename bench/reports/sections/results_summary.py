"""Results Summary: an overview per group with verdicts, then its table of metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports import rows
from bench.reports.blocks import Folded, Heading, Paragraph, Section, Table, strong
from bench.reports.figures import figures
from bench.reports.sections.left_out import trial_blocks
from bench.reports.view import describe_profile, describe_size, metric_of
from bench.reports.wording.notes import is_lower_bound, notes, verdict_phrase
from bench.units import format_rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model.summary import Metric
    from bench.reports.blocks import Block, Text
    from bench.reports.figures import Charts
    from bench.reports.view import Entry, Group, View

_FOLD_ABOVE: Final = 3
"""With more groups than this the tables of metrics are folded; the overviews stay."""
_WIDE: Final = 2
_LEGEND: Final = (
    "Ratio = the larger value over the smaller one; "
    f'"{rows.BETTER}" marks the rows in which the baseline is the worse one.'
)


def results(view: View, charts: Charts) -> Section:
    """All groups, then the trials that were left out or marked."""
    blocks: list[Block] = [*_glance(view), *figures(charts.first)]
    for group in view.groups:
        blocks += _group(view, group)
    if charts.after:
        blocks += [Heading("What a request costs"), *figures(charts.after)]
    if charts.folded:
        blocks.append(Folded("Warm-up and rounds", figures(charts.folded)))
    return Section("Results Summary", (*blocks, *trial_blocks(view)))


def _glance(view: View) -> tuple[Block, ...]:
    """Workloads down, servers across: the first thing to look at when there are several."""
    if len(view.groups) < 2:  # noqa: PLR2004 - one group is its own overview
        return ()
    servers = list(dict.fromkeys(e.server for group in view.groups for e in group.entries))
    columns = ("Workload", *(view.titles.get(name, name) for name in servers))
    lines = tuple((group.title, *_glance_cells(group, servers)) for group in view.groups)
    leads = dict.fromkeys(group.lead.column for group in view.groups)
    what = f"{'; '.join(leads)}, and the ratio to {view.baseline}"
    return Heading("At a glance"), Paragraph(f"{what}."), Table(columns, lines)


def _glance_cells(group: Group, servers: list[str]) -> list[str]:
    by_name = {entry.server: entry for entry in group.entries}
    return [_glance_cell(group, by_name.get(name)) for name in servers]


def _glance_cell(group: Group, entry: Entry | None) -> str:
    metric = metric_of(entry, group.lead_metric) if entry else None
    if metric is None:
        return rows.ABSENT
    text = _shower(group.lead_metric)(metric.value)
    ratio = metric.verdict.ratio if metric.verdict else None
    if ratio is None or entry is group.baseline:
        return text
    # A ratio without its interval must not look like a result where the interval carries none.
    doubt = ", inconclusive" if metric.verdict and metric.verdict.word == "inconclusive" else ""
    return f"{text} ({ratio:.2f}x{doubt})"


def _shower(name: str) -> Callable[[float], str]:
    return rows.format_us if name.endswith("_us") else format_rate


def _group(view: View, group: Group) -> list[Block]:
    size = describe_size(group)
    blocks: list[Block] = [Heading(f"{group.title} ({size})" if size else group.title)]
    blocks += _overview(view, group)
    if not group.measured:
        return [*blocks, Paragraph("No server has a usable trial here.")]
    table = (metric_table(group), *_legend(group))
    if len(view.groups) > _FOLD_ABOVE and len(blocks) > 1:
        return [*blocks, Folded(f"All metrics of {group.title}", table)]
    return [*blocks, *table]


def _legend(group: Group) -> list[Block]:
    return [Paragraph(_LEGEND)] if group.baseline and group.others else []


def metric_table(group: Group) -> Table:
    """The table of the source report: metrics down, servers and ratios across."""
    columns = ["Metric"]
    for entry in group.entries:
        columns.append(entry.title)
        if group.baseline and entry is not group.baseline:
            columns.append("Ratio")
    lines = [
        (strong(row.label), *_cells(group, lambda e, r=row: rows.show(r, e), row))  # type: ignore[misc] # the default binds the loop's row
        for row in rows.rows_for(group)
    ]
    lines += _interval_rows(group)
    return Table(tuple(columns), tuple(lines))


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
        label = f"{group.lead.label}, 95 % interval"
        lines.append((strong(label), *_pairs(group, _interval, _ratio_interval)))
    if group.others and any(metric and metric.verdict for metric in found) and lines:
        lines.append((strong("Verdict"), *_pairs(group, _word, lambda *_: "")))
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
    return rows.format_interval(metric, _shower(group.lead_metric)) if metric else rows.ABSENT


def _ratio_interval(group: Group, entry: Entry) -> str:
    """The interval of the ratio as it is printed: of a/b or of b/a, whichever is above 1."""
    metric = _lead(group, entry)
    verdict = metric.verdict if metric else None
    if not verdict or not verdict.ratio or not verdict.low or not verdict.high:
        return rows.ABSENT
    low, high = verdict.low, verdict.high
    if verdict.ratio < 1:
        low, high = 1 / high, 1 / low
    return f"[{low:.2f}x, {high:.2f}x]"


def _word(group: Group, entry: Entry) -> str:
    metric = _lead(group, entry)
    if entry is group.baseline:
        return "baseline"
    if metric is None or metric.verdict is None:
        return rows.ABSENT
    return verdict_phrase(metric.verdict, group.lead)


def _overview(view: View, group: Group) -> list[Block]:
    """Server, rate, ratio, verdict and notes: one line per server."""
    found = [(entry, _lead(group, entry)) for entry in group.entries]
    judged = any(metric and metric.low is not None for _, metric in found)
    said = {entry.server: notes(view, group, entry) for entry in group.entries}
    if len(group.entries) <= _WIDE and not (judged or group.ceiling or any(said.values())):
        return []
    columns = _overview_columns(
        group, judged=judged, noted=bool(group.ceiling) or any(said.values())
    )
    lines = tuple(
        _overview_line(group, entry, metric, said[entry.server], columns) for entry, metric in found
    )
    if group.ceiling and group.ceiling.measured:
        lines += (_ceiling_line(group, group.ceiling, columns),)
    words = frozenset(
        {0, *(columns.index(name) for name in ("Verdict", "Notes") if name in columns)}
    )
    return [Paragraph(_overview_title(view, group)), Table(columns, lines, words)]


def _overview_columns(group: Group, *, judged: bool, noted: bool) -> tuple[str, ...]:
    columns = ["Server", *(["Achieved"] if group.is_open else []), group.lead.column]
    if group.baseline and group.others:
        columns.append("vs baseline")
        columns += ["Verdict"] if judged else []
    return (*columns, *(("Notes",) if noted else ()))


def _overview_title(view: View, group: Group) -> str:
    counts = sorted({metric.n for entry in group.entries if (metric := _lead(group, entry))})
    number = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0] if counts else 0}"
    noun = "trial" if number == "1" else "trials"
    parts = [group.lead.what, describe_profile(group.profile), f"{number} {noun} per server"]
    if any(_interval(group, entry) != rows.ABSENT for entry in group.entries):
        parts.append("95 % intervals")
    if group.baseline and group.others:
        parts.append(f"baseline {view.baseline}")
    return ", ".join(parts) + "."


def _overview_line(
    group: Group, entry: Entry, metric: Metric | None, said: str, columns: tuple[str, ...]
) -> tuple[Text, ...]:
    cells: dict[str, Text] = {
        "Server": strong(entry.title),
        "Achieved": _achieved(entry),
        group.lead.column: _AT_LEAST[is_lower_bound(group, entry)] + _with_interval(group, metric),
        "vs baseline": _against(group, entry, metric),
        "Verdict": _word(group, entry),
        "Notes": said,
    }
    return tuple(cells[name] for name in columns)


def _ceiling_line(group: Group, entry: Entry, columns: tuple[str, ...]) -> tuple[Text, ...]:
    cells: dict[str, Text] = {
        "Server": entry.title,
        group.lead.column: _with_interval(group, _lead(group, entry)),
        "Notes": "the most that the load tool can see on this machine",
    }
    return tuple(cells.get(name, rows.ABSENT) for name in columns)


_AT_LEAST: Final = {True: "\u2265 ", False: ""}
_AT_MOST: Final = {True: "\u2264 ", False: ""}


def _achieved(entry: Entry) -> str:
    share = entry.cell.achieved_ratio
    return rows.ABSENT if share is None else rows.format_achieved(share)


def _with_interval(group: Group, metric: Metric | None) -> str:
    if metric is None:
        return rows.ABSENT
    show = _shower(group.lead_metric)
    interval = rows.format_interval(metric, show)
    return show(metric.value) + ("" if interval == rows.ABSENT else f" {interval}")


def _against(group: Group, entry: Entry, metric: Metric | None) -> str:
    if entry is group.baseline:
        return "1 (baseline)"
    if metric is None or metric.verdict is None:
        return rows.ABSENT
    own, base = (
        is_lower_bound(group, entry),
        bool(group.baseline and is_lower_bound(group, group.baseline)),
    )
    bound = "" if own and base else _AT_LEAST[own] + _AT_MOST[base]
    return bound + rows.format_against(metric.verdict)
