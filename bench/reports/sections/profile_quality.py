"""What the profiler saw and how far to trust it: quality, the GIL, functions, pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.blocks import Bullets, Paragraph, Table, code, link, strong
from bench.reports.profiles import refused, title_of, unknown_share
from bench.reports.rows import ABSENT, format_cost
from bench.reports.view import metric_of
from bench.reports.wording.findings import told
from bench.reports.wording.phrases import sentence
from bench.reports.wording.time_goes import percent
from bench.units import format_count, format_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.cpu_profile import ServerProfile
    from bench.reports.blocks import Block, Text
    from bench.reports.view import View

GIL_NOTE: Final = (
    "Held: share of the window in which its holder ran on a CPU, the least that it was held. "
    "Taking: share of CPU time spent in taking and releasing it. Threads: those seen taking it. "
    "Time asleep while waiting is not CPU time and is not seen."
)

_ALIKE: Final = 1.2
"""CPU per request that differs by more between a profile and the run is said."""


def workload_title(view: View, name: str) -> str:
    """The title that the run gives the workload, or its id."""
    return view.run.plan.workload_titles.get(name, name)


def seen_table(view: View, items: Sequence[ServerProfile]) -> Table:
    """What the profiler saw, one row per profile."""
    columns = (
        "Server", "Workload", "Ran with", "Method", "Requests/sec", "With the profiler",
        "Slowdown", "Spread without it", "Samples", "Per CPU second", "Lost",
        "Innermost without a name", "Unknown",
    )  # fmt: skip
    return Table(columns, tuple(_seen_row(view, item) for item in items), frozenset({0, 1, 2, 3}))


def _seen_row(view: View, item: ServerProfile) -> tuple[str, ...]:
    quality, (plain, profiled) = item.breakdown.quality, item.seen
    unit = " us" if item.method == "node" else ""
    rate = quality.seen_per_cpu_s
    asked = quality.asked_per_cpu_s
    return (
        title_of(view, item),
        workload_title(view, item.workload),
        item.interpreter or ABSENT,
        item.method,
        ABSENT if plain is None else format_rate(plain),
        ABSENT if profiled is None else format_rate(profiled),
        _share(item.slowdown),
        _share(item.spread),
        format_count(quality.samples) + unit,
        f"{rate:.0f} of {asked:.0f}" if rate is not None and asked else ABSENT,
        percent(quality.lost_share),
        percent(quality.unreadable_share),
        percent(unknown_share(item.breakdown)),
    )


def profile_notes(view: View, items: Sequence[ServerProfile]) -> tuple[Text, ...]:
    """Warnings about how it was taken, and what the innermost frames without names are."""
    notes: list[Text] = [
        f"{title_of(view, item)}, {workload_title(view, item.workload)}: "
        f"{sentence(finding.text)} {sentence(finding.advice)}".rstrip()
        for item in items
        for finding in map(told, item.findings)
        if finding.severity == "warning" or finding.code in {"profile-quality", "profile-method"}
    ]
    notes += [text for item in items if (text := _unlike(view, item))]
    if any((item.slowdown or 0.0) < 0 for item in items):
        notes.append(
            "A negative slowdown is the difference between two trials: "
            "the profiler cost less than they differ by themselves."
        )
    if any(item.breakdown.quality.unreadable_share for item in items):
        notes.append(
            "Where the innermost function has no name (a library without symbols), the library "
            "it lies in and its callers decide the category."
        )
    return tuple(notes)


def _unlike(view: View, item: ServerProfile) -> str:
    """Where the profile's own trials cost another amount of CPU than those of the run."""
    run = [
        metric.value
        for group in view.groups
        if group.workload == item.workload and group.by_rate
        for entry in group.measured
        if entry.server == item.server and (metric := metric_of(entry, "cpu_us_per_request"))
    ]
    if not run or item.cpu_us is None or 1 / _ALIKE < item.cpu_us / run[0] < _ALIKE:
        return ""
    return (
        f"{title_of(view, item)}, {workload_title(view, item.workload)}: the profile's own trials "
        f"cost {format_cost(item.cpu_us)} of CPU per request, those of the run "
        f"{format_cost(run[0])}: another interpreter, or another state of the machine."
    )


def refused_profiles(view: View) -> tuple[Text, ...]:
    """Profiles that are not shown, and why."""
    return tuple(
        (
            strong(f"{title_of(view, item)}, {workload_title(view, item.workload)}"),
            f": not shown: {sentence(item.breakdown.refused)}",
        )
        for item in refused(view)
    )


def gil_table(view: View, items: Sequence[ServerProfile]) -> Table:
    """Held, taken and wanted, one row per profile of a runtime with a GIL."""
    rows = tuple(
        (
            title_of(view, item),
            workload_title(view, item.workload),
            _share(gil.held_on_cpu if gil.held is None else gil.held),
            _share(gil.taking_share),
            format_count(gil.threads),
        )
        for item in items
        if (gil := item.breakdown.gil)
    )
    columns = ("Server", "Workload", "Held, at least", "Taking and releasing", "Threads")
    return Table(columns, rows, frozenset({0, 1}))


def _share(value: float | None) -> str:
    return ABSENT if value is None else percent(value)


def function_blocks(view: View, items: Sequence[ServerProfile]) -> tuple[Block, ...]:
    """What the categories mean, and the largest functions of each profile."""
    meaning: dict[str, dict[str, None]] = {}
    for item in items:
        for part in item.breakdown.slices:
            if part.note and part.samples:
                meaning.setdefault(part.category, {})[part.note] = None
    blocks: list[Block] = [
        Bullets(tuple((strong(name), f": {'; '.join(told)}.") for name, told in meaning.items())),
        Paragraph("Functions of the script by share of samples; own: it is the innermost one."),
    ]
    for item in items:
        rows = tuple(
            (code(f.name), f.place, percent(f.own_share), percent(f.share))
            for f in item.breakdown.functions[:10]
        )
        if rows:
            head = f"{title_of(view, item)}, {workload_title(view, item.workload)}"
            columns = (head, "File", "Own", "In the stack")
            blocks.append(Table(columns, rows, frozenset({0, 1})))
    return tuple(blocks)


def picture_links(view: View, items: Sequence[ServerProfile]) -> list[Block]:
    """Links to the pictures that lie in the run directory."""
    return [
        Paragraph("Every stack, to look into:"),
        Bullets(
            tuple(
                (
                    f"{title_of(view, item)}, {workload_title(view, item.workload)}: ",
                    link("flame graph", f"{item.folder}/{item.server}.flame.svg"),
                    ", ",
                    link("speedscope", f"{item.folder}/{item.server}.speedscope.json"),
                    ", ",
                    link("folded stacks", f"{item.folder}/{item.server}.folded.txt"),
                )
                for item in items
            )
        ),
    ]


def made_again(view: View) -> Block:
    """How the same is made again, for a report without links."""
    return Paragraph(
        (
            "Flame graphs and raw profiles lie in the run's directory; ",
            code(f"bench profile --into {view.run.info.run_id}"),
            " takes the profiles again.",
        )
    )
