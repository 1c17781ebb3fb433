"""Charts of profiles: a stacked bar per server and workload, and lines over body sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.charts.chart import Chart, Point
from bench.reports.charts.specs import scattered
from bench.reports.charts.stacked_bars import COLORS, Part, stacked
from bench.reports.escape import line
from bench.reports.profiles import by_workload, categories, line_of, title_of
from bench.reports.rows import format_cost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.model.cpu_profile import Conversion, ServerProfile
    from bench.reports.view import View

_TOLD: Final = 4


def where_charts(view: View) -> tuple[Chart, ...]:
    """A chart for each profiled workload, and one for the experiment over body sizes."""
    charts = []
    for name, found in by_workload(view).items():
        subject = view.run.plan.workload_titles.get(name, name)
        titles = {item.server: title_of(view, item) for item in found}
        charts.append(breakdown_chart(f"where-{name}", subject, found, titles))
    last = max(view.run.conversions, key=lambda item: item.started, default=None)
    if last is not None:
        charts.append(slope_chart("where-per-kb", last, view.titles))
    return tuple(charts)


def breakdown_chart(
    name: str, subject: str, found: Sequence[ServerProfile], titles: Mapping[str, str]
) -> Chart:
    """Microseconds of CPU per request by category; shares where CPU per request is not known."""
    known = all(item.cpu_us is not None for item in found)
    bars = [
        (
            line(titles.get(item.server, item.server)),
            [
                Part(s.category, (s.us_per_request or 0.0) if known else s.share * 100, s.share)
                for s in item.breakdown.slices
                if s.samples
            ],
        )
        for item in found
    ]
    unit = "microseconds of CPU per request" if known else "% of CPU time"
    order = ordered(categories(found))
    title = line(f"{subject}: where the CPU time of a request goes")
    alt = line(f"{title}. {' '.join(_told(item, titles) for item in found)}")
    return Chart(name, title, alt, (stacked(bars, order, unit),))


def ordered(names: Sequence[str]) -> list[str]:
    """Categories in one order for all runtimes, unknown last."""
    known = [name for name in COLORS if name in names and name != "unknown"]
    rest = [name for name in names if name not in COLORS]
    return [*known, *rest, *(["unknown"] if "unknown" in names else [])]


def _told(item: ServerProfile, titles: Mapping[str, str]) -> str:
    """One bar in words: its length and its largest parts."""
    parts = sorted(item.breakdown.slices, key=lambda part: -part.share)[:_TOLD]
    said = ", ".join(f"{part.category} {part.share:.0%}" for part in parts if part.samples)
    whole = "" if item.cpu_us is None else f" {format_cost(item.cpu_us)}"
    return f"{titles.get(item.server, item.server)}{whole}: {said}."


def slope_chart(name: str, found: Conversion, titles: Mapping[str, str]) -> Chart:
    """Every trial as a dot, and the fitted line of each server."""
    shown = {server: line(titles.get(server, server)) for server in found.servers}
    fits = {server: fit for server in found.servers if (fit := line_of(found, server))}
    trials = [
        Point(shown[server], point.body_bytes / 1000, point.us)
        for server in found.servers
        for point in found.of(server)
        if point.us is not None
    ]
    fitted = [
        Point(shown[server], kb, fit.intercept.value + fit.slope.value * kb)
        for server, fit in fits.items()
        for kb in (0.0, max(point.x for point in trials))
    ]
    # The colors of a server are those of the run's other charts.
    everybody = list(dict.fromkeys([*(line(t) for t in titles.values()), *shown.values()]))
    x = {"title": "KB of the body", "scale": {"zero": True, "nice": False}}
    y = {"title": "microseconds of CPU per request", "scale": {"zero": True}}
    panel = scattered(trials, fitted, everybody, x, y)
    told = "; ".join(
        f"{shown[server]}: {fit.intercept.value:.0f} us and {fit.slope.value:.1f} us for each KB"
        for server, fit in fits.items()
    )
    title = "CPU per request over the size of the body"
    return Chart(name, title, line(f"{title}. {told}"), (panel,))
