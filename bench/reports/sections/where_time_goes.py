"""Where the time goes: profiles that were made for this run, by category, and body sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.blocks import Bullets, Heading, OnPage, Paragraph, Section, Table, strong
from bench.reports.figures import figures
from bench.reports.profiles import (
    by_workload,
    categories,
    differences,
    line_of,
    mean_of,
    title_of,
)
from bench.reports.rows import ABSENT, format_cost
from bench.reports.sections.profile_quality import (
    GIL_NOTE,
    function_blocks,
    gil_table,
    made_again,
    picture_links,
    profile_notes,
    refused_profiles,
    seen_table,
    workload_title,
)
from bench.reports.wording.time_goes import (
    gil_words,
    growth,
    interval,
    percent,
    reference_of,
    shares_and_gaps,
    slope_words,
)
from bench.units import format_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.model.cpu_profile import Conversion, ServerProfile, Slice
    from bench.reports.blocks import Block, Text
    from bench.reports.figures import Charts
    from bench.reports.view import View

TITLE: Final = "Where the time goes"
_INTRO: Final = (
    "A profiler looked into each server during trials of their own, which enter no comparison. "
    "Every sample of CPU time is put into one category by fixed rules. Microseconds per request "
    "are the CPU per request of trials beside it, without the profiler, times the share."
)
_SLOPE: Final = (
    "No profiler: CPU of the server per request while the JSON body grows, which is sent and "
    "comes back, and a straight line through all trials of a server, each weighted by the inverse "
    "square of the mean at its size, since noise grows with cost. 95 % intervals, Student t "
    "over the residuals; where the cost bends with the size they are wide. What a request costs "
    "before any byte holds the kernel, HTTP, routing and the handler. KB = 1000 bytes."
)
_LEAST_US: Final = 0.1


def where_time_goes(view: View, charts: Charts, *, links: bool) -> Section:
    """The whole section; without blocks where the run has no profiles."""
    groups = by_workload(view)
    conversion = last_conversion(view)
    blocks: list[Block] = []
    if groups:
        blocks.append(Paragraph(_INTRO))
        for name, found in groups.items():
            blocks += _workload(view, name, found, charts, several=len(groups) > 1)
        blocks += _over_all(view, groups, links=links)
    left_out = refused_profiles(view)
    if left_out:
        blocks.append(Bullets(left_out))
    if conversion:
        blocks += _conversion(view, conversion, charts)
    return Section(TITLE, tuple(blocks))


def last_conversion(view: View) -> Conversion | None:
    """The latest experiment over body sizes."""
    return max(view.run.conversions, key=lambda item: item.started, default=None)


def _workload(
    view: View, name: str, found: Sequence[ServerProfile], charts: Charts, *, several: bool
) -> list[Block]:
    title = view.run.plan.workload_titles.get(name, name)
    pictures = figures(chart for chart in charts.where if chart.name == f"where-{name}")
    blocks: list[Block] = [Heading(title)] if several else []
    blocks += [*pictures, Bullets(tuple(shares_and_gaps(view, found))), _shares(view, found)]
    tables = _gaps(view, found)
    if tables:
        blocks.append(OnPage(f"Server against server, {title}: largest difference first", tables))
    return blocks


def _shares(view: View, found: Sequence[ServerProfile]) -> Table:
    """Categories down, largest first over all servers; servers across."""
    parts = [{part.category: part for part in item.breakdown.slices} for item in found]

    def size(name: str) -> float:
        return sum(p[name].us_per_request or p[name].share for p in parts if name in p)

    names = sorted(categories(found), key=lambda name: (name == "unknown", -size(name)))
    names += [] if "unknown" in names else ["unknown"]
    rows = [(name, *(_cell(p.get(name)) for p in parts)) for name in names]
    own = strong("CPU per request, in the profile's own trials")
    total: tuple[Text, ...] = (own, *(_cost(item.cpu_us) for item in found))
    columns = ("Category", *(title_of(view, item) for item in found))
    return Table(columns, (*rows, total))


def _cell(part: Slice | None) -> str:
    if part is None or not part.samples:
        return ABSENT if part is None else "0"
    us = part.us_per_request
    if us is None:
        return percent(part.share)
    return (
        f"{format_cost(us) if us >= _LEAST_US else f'under {_LEAST_US} us'} ({percent(part.share)})"
    )


def _cost(us: float | None) -> str:
    return ABSENT if us is None else format_cost(us)


def _gaps(view: View, found: Sequence[ServerProfile]) -> tuple[Block, ...]:
    """Each server against the one that they are compared with."""
    known = [item for item in found if item.cpu_us is not None]
    least = reference_of(view, known)
    if least is None:
        return ()
    blocks: list[Block] = []
    for item in known:
        if item is not least:
            rows = tuple(
                (d.category, f"{d.extra:+,.1f} us", f"{d.ours:,.1f} us", f"{d.theirs:,.1f} us",
                 f"{d.noise:,.1f} us")
                for d in differences(item.breakdown, least.breakdown)
                if d.ours or d.theirs
            )  # fmt: skip
            ours, theirs = title_of(view, item), title_of(view, least)
            columns = (f"{ours} against {theirs}", "Extra", ours, theirs, "Sampling noise")
            blocks.append(Table(columns, rows))
    return tuple(blocks)


def _over_all(
    view: View, groups: Mapping[str, Sequence[ServerProfile]], *, links: bool
) -> list[Block]:
    """What holds for all workloads: growth, the lock, and how far to trust all that."""
    blocks: list[Block] = []
    grown = growth(view, groups)
    if grown:
        blocks += [Heading("What the larger body adds"), Bullets(tuple(grown))]
    items = [item for found in groups.values() for item in found]
    if any(item.breakdown.gil for item in items):
        said = list(dict.fromkeys(
            f"{workload_title(view, name)}: {text}"
            for name, found in groups.items() for text in gil_words(view, found)
        ))  # fmt: skip
        blocks.append(Heading("The GIL"))
        blocks += [Bullets(tuple(said))] if said else []
        blocks += [gil_table(view, items), Paragraph(GIL_NOTE)]
    blocks += [Heading("What the profiler saw"), seen_table(view, items)]
    notes = profile_notes(view, items)
    blocks += [Bullets(notes)] if notes else []
    blocks.append(OnPage("Functions, and what the categories mean", function_blocks(view, items)))
    return [*blocks, *(picture_links(view, items) if links else [made_again(view)])]


def _conversion(view: View, found: Conversion, charts: Charts) -> list[Block]:
    pictures = figures(chart for chart in charts.where if chart.name == "where-per-kb")
    said = slope_words(view, found)
    rows = tuple(
        (view.titles.get(server, server), *_line(found, server)) for server in found.servers
    )
    sizes = sorted({point.body_bytes for point in found.points})
    columns = ("Server", "Before any byte", "Each KB", "Trials")
    by_size = Table(
        ("Bytes of the body", *(view.titles.get(name, name) for name in found.servers)),
        tuple(
            (f"{size:,}", *(_cost(mean_of(found, name, size)) for name in found.servers))
            for size in sizes
        ),
    )
    return [
        Heading("What each KB costs"),
        Paragraph(_SLOPE),
        *pictures,
        *([Bullets(tuple(said))] if said else []),
        Table(columns, rows),
        OnPage("CPU per request at each size", (by_size,)),
    ]


def _line(found: Conversion, server: str) -> tuple[str, str, str]:
    line, count = line_of(found, server), format_count(len(found.of(server)))
    if line is None:
        return ABSENT, ABSENT, count
    return interval(line.intercept), interval(line.slope), count
