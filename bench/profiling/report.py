"""The report of a profile run: "Where the time goes" as Markdown and HTML, and its pictures."""

from __future__ import annotations

from statistics import geometric_mean
from typing import TYPE_CHECKING, NamedTuple

from bench.model.cpu_profile import ServerProfile
from bench.profiling.pictures import flame_svg, speedscope
from bench.profiling.stacks import folded
from bench.reports.blocks import (
    Bullets,
    Document,
    Drawing,
    Figure,
    Paragraph,
    Section,
    Table,
    link,
)
from bench.reports.charts.rendering import render_svg
from bench.reports.html import render_html
from bench.reports.markdown import render_markdown
from bench.reports.profile_figures import breakdown_chart
from bench.reports.profiles import differences
from bench.reports.wording.findings import told
from bench.reports.wording.time_goes import gap_words
from bench.units import format_count, format_percent, format_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.cpu_profile import Breakdown, ProfileRecord
    from bench.model.finding import Finding
    from bench.profiling.stacks import Profile
    from bench.reports.blocks import Block, Text
    from bench.reports.charts.chart import Chart

Rows = list[tuple[str, ...]]


def table_section(title: str, text: str, columns: tuple[str, ...], rows: Rows) -> Section:
    """A heading, a sentence, and rows under column names; cells are words with figures."""
    words = frozenset(range(len(columns)))
    return Section(title, (Paragraph(text), Table(columns, tuple(rows), words)))


class Profiled(NamedTuple):
    """One server's profile, read and broken down."""

    record: ProfileRecord
    profile: Profile
    breakdown: Breakdown
    findings: tuple[Finding, ...]

    def shown(self, folder: str) -> ServerProfile:
        """What the report of a run shows of it; `folder` as in `ServerProfile`."""
        record = self.record
        without = [trial.load.throughput_rps for trial in record.without if trial.load]
        profiled = record.profiled.load
        return ServerProfile(
            folder=folder,
            server=record.server,
            title=record.title,
            workload=record.workload,
            method=record.method,
            runtime=record.runtime,
            interpreter=record.interpreter,
            started=record.started,
            seconds=record.window_s,
            seen=(
                geometric_mean(without) if without and min(without) > 0 else None,
                profiled.throughput_rps if profiled else None,
            ),
            slowdown=record.slowdown,
            spread=record.spread,
            cpu_us=None if self.breakdown.refused else record.cpu_us,
            breakdown=self.breakdown,
            findings=self.findings,
        )


def render(found: Sequence[Profiled]) -> list[tuple[str, bytes]]:
    """Every file of the report; the same bytes for the same profiles."""
    chart = _chart(found)
    files = chart_files(chart)
    flames = []
    for item in found:
        server = item.record.server
        title = f"{server}, {item.record.workload}: CPU time by {item.record.method}"
        flame = flame_svg(item.profile, title)
        flames.append(
            Section(f"Flame graph of {server}", (Drawing(f"flame-{server}", flame.decode()),))
        )
        files += [
            (f"{server}.flame.svg", flame),
            (f"{server}.speedscope.json", speedscope(item.profile, title)),
            (f"{server}.folded.txt", folded(item.profile.stacks).encode()),
            (f"{server}.breakdown.json", item.breakdown.model_dump_json(indent=2).encode() + b"\n"),
        ]
    figure = Figure(chart.name, chart.title, chart.alt)
    drawing = Drawing(chart.name, dict(files)[f"charts/{chart.name}.svg"].decode())
    return [
        *files,
        ("report.md", render_markdown(_document(found, [_links(found)], figure))),
        ("report.html", render_html(_document(found, flames, drawing))),
    ]


def chart_files(chart: Chart) -> list[tuple[str, bytes]]:
    """A chart for a light and for a dark page, named as in the report of a run."""
    pictures = render_svg(chart)
    return [
        (f"charts/{chart.name}.svg", pictures["light"]),
        (f"charts/{chart.name}.dark.svg", pictures["dark"]),
    ]


def _chart(found: Sequence[Profiled]) -> Chart:
    """One bar per server, named as on the command line."""
    names = {item.record.server: item.record.server for item in found}
    shown = [item.shown("") for item in found]
    return breakdown_chart("breakdown", found[0].record.workload, shown, names)


def sections(found: Sequence[Profiled]) -> list[Section]:
    """The tables of the report in order."""
    tables = [_shares(found), _overview(found)]
    if any(item.breakdown.gil for item in found):
        tables.append(_gil(found))
    tables += [
        _difference(found[0], item)
        for item in found[1:]
        if all(x.record.cpu_us is not None and not x.breakdown.refused for x in (found[0], item))
    ]
    tables += [_functions(item) for item in found if item.breakdown.functions]
    return tables


def _shares(found: Sequence[Profiled]) -> Section:
    names = list(dict.fromkeys(
        s.category for item in found for s in item.breakdown.slices if s.category != "unknown"
    ))  # fmt: skip
    rows: Rows = []
    for name in [*names, "unknown"]:
        cells = [_cell(item, name) for item in found]
        if name == "unknown" or any(cell != "-" for cell in cells):
            rows.append((name, *cells))
    total = tuple(_us(item.record.cpu_us) for item in found)
    rows.append(("CPU per request", *total))
    return table_section(
        "Where the time goes",
        "Share of the server's CPU time, and microseconds of CPU per request: the CPU per "
        "request of the trials without a profiler times the share. In brackets: the profiler saw "
        "too little for a conclusion.",
        ("category", *(item.record.server for item in found)),
        rows,
    )


def _cell(item: Profiled, name: str) -> str:
    for part in item.breakdown.slices:
        if part.category == name and (part.samples or name == "unknown"):
            share = format_percent(part.share)
            return (
                f"({share})" if item.breakdown.refused else f"{share}, {_us(part.us_per_request)}"
            )
    return "-"


def _us(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} us"


def _overview(found: Sequence[Profiled]) -> Section:
    rows: Rows = []
    for item in found:
        record, seen = item.record, item.breakdown.quality
        plain, profiled = record.plain.load, record.profiled.load
        rows.append((
            record.server,
            record.interpreter or "-",
            record.method,
            format_rate(plain.throughput_rps) if plain else "-",
            format_rate(profiled.throughput_rps) + " (profiled)" if profiled else "-",
            _slowdown(record),
            format_count(seen.samples) + (" us" if record.method == "node" else ""),
            f"{seen.seen_per_cpu_s:.0f} of {seen.asked_per_cpu_s:.0f}"
            if seen.seen_per_cpu_s is not None and seen.asked_per_cpu_s else "-",
            " / ".join(format_percent(share) for share in
                       (seen.lost_share, seen.error_share, seen.unreadable_share,
                        seen.waiting_share)),
        ))  # fmt: skip
    return table_section(
        "What the profiler saw",
        "The profiled throughput is that of a disturbed server: it enters no comparison. "
        "Slowdown: against the trials before and after it, with what those two differ by. "
        "Asleep: samples of threads that slept; they are left out.",
        ("server", "ran with", "method", "req/s", "req/s with it", "slowdown", "samples",
         "per CPU second", "lost / errors / no name / asleep"),
        rows,
    )  # fmt: skip


def _slowdown(record: ProfileRecord) -> str:
    """What the profiler costs, and by how much two trials without it differ."""
    if record.slowdown is None:
        return "-"
    spread = "" if record.spread is None else f" (they: {format_percent(record.spread)})"
    return format_percent(record.slowdown) + spread


def _gil(found: Sequence[Profiled]) -> Section:
    rows: Rows = [
        (item.record.server, _percent(gil.held_on_cpu), _percent(gil.held),
         _percent(gil.taking_share), str(gil.threads))
        for item in found
        if (gil := item.breakdown.gil)
    ]  # fmt: skip
    return table_section(
        "The GIL",
        "Held on a CPU: share of the window in which its holder ran on a CPU, the least that it "
        "was held (perf). Held: share of looks at which a thread had it, running or not (py-spy). "
        "Taking: share of CPU time spent in taking and releasing it. Time asleep while waiting "
        "is not CPU time and is not seen. Threads: those that took it after a wait (perf), those "
        "seen holding it (py-spy).",
        ("server", "held on a CPU", "held", "taking and releasing", "threads"),
        rows,
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else format_percent(share)


def _difference(ours: Profiled, theirs: Profiled) -> Section:
    a, b = ours.record.server, theirs.record.server
    found = differences(ours.breakdown, theirs.breakdown)
    extra = sum(item.extra for item in found)
    word, said = ("more" if extra >= 0 else "less"), gap_words(found).format(other=b)
    rows: Rows = [
        (item.category, f"{item.extra:+.1f} us", f"{item.ours:.1f} us", f"{item.theirs:.1f} us")
        for item in found
    ]
    if ours.record.runtime == theirs.record.runtime:
        note = ""
    else:
        note = " The runtimes have categories of their own: one that is missing counts as 0."
    return table_section(
        f"{a} against {b}",
        f"{a} spends {abs(extra):,.1f} us of CPU per request {word} than {b}. {said} "
        f"Largest first.{note}".replace("  ", " "),
        ("category", "extra", a, b),
        rows,
    )


def _functions(item: Profiled) -> Section:
    rows: Rows = [
        (f.name, f.place, format_percent(f.own_share), format_percent(f.share))
        for f in item.breakdown.functions
    ]
    return table_section(
        f"Functions of {item.record.server}",
        "Own: it is the innermost function of the script. With perf the stacks of Python end at "
        "the innermost function, so both are the same there."
        if item.record.runtime == "python"
        else "Own: it is the innermost function of the script.",
        ("function", "file", "own", "in the stack"),
        rows,
    )


def notes(found: Sequence[Profiled]) -> list[str]:
    """Findings and what the categories mean, as sentences."""
    lines = [
        f"{item.record.server}: {f.text}" + (f"; {f.advice}" if f.advice else "")
        for item in found
        for f in map(told, item.findings)
    ]
    meaning = {s.category: s.note for item in found for s in item.breakdown.slices
               if s.note and s.samples}  # fmt: skip
    return [*lines, *(f"{name}: {text}" for name, text in meaning.items())]


def _document(found: Sequence[Profiled], pictures: Sequence[Section], chart: Block) -> Document:
    """The report: tables with the chart under the first heading, findings, pictures."""
    servers = ", ".join(item.record.server for item in found)
    said = Section("Findings", (Bullets(tuple(notes(found))),))
    title = f"Profile of {servers}, {found[0].record.workload}"
    first, *others = sections(found)
    return Document(title, (), (with_chart(first, chart), *others, said, *pictures))


def with_chart(section: Section, chart: Block) -> Section:
    """The chart between the sentence of a section and its table."""
    text, *others = section.blocks
    return Section(section.title, (text, chart, *others))


def _links(found: Sequence[Profiled]) -> Section:
    """Where the pictures of each server lie beside the report."""
    names = [item.record.server for item in found]
    return Section("Pictures", (Bullets(tuple(_line(name) for name in names)),))


def _line(name: str) -> Text:
    return (
        f"{name}: ",
        link("flame graph", f"{name}.flame.svg"),
        ", ",
        link("speedscope", f"{name}.speedscope.json"),
        ", ",
        link("folded stacks", f"{name}.folded.txt"),
    )
