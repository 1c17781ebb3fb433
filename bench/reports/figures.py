"""Which charts a run has data for, with their titles and text alternatives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.reports import rows
from bench.reports.blocks import Figure
from bench.reports.charts.chart import Bar, Chart, Panel, Point
from bench.reports.charts.specs import (
    bars,
    deviation_axis,
    factor_axis,
    latency_curves,
    lines,
    round_axis,
    share_axis,
    time_axis,
)
from bench.reports.curve_figures import curve_charts
from bench.reports.escape import line
from bench.reports.primary_metric import PER_CPU, THROUGHPUT
from bench.reports.profile_figures import where_charts
from bench.reports.view import apart, by_workload, metric_of, rate
from bench.reports.wording.baseline_difference import by_payload
from bench.reports.wording.phrases import join
from bench.units import format_bytes, format_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.reports.blocks import Block
    from bench.reports.primary_metric import PrimaryMetric
    from bench.reports.view import Entry, Group, View

_BIN_S: Final = 0.25
_PLATEAU_SHARE: Final = 0.25
_CLAMP: Final = 50.0


class Charts(NamedTuple):
    """The charts of a run by the place where they stand; left out where there is no data."""

    first: tuple[Chart, ...]
    after: tuple[Chart, ...]
    folded: tuple[Chart, ...]
    where: tuple[Chart, ...] = ()
    curves: tuple[Chart, ...] = ()

    @property
    def all(self) -> tuple[Chart, ...]:
        """In the order of the report."""
        return (*self.curves, *self.first, *self.after, *self.folded, *self.where)


NO_CHARTS: Final = Charts((), (), ())
"""For forms that cannot show pictures."""


def make_charts(view: View) -> Charts:
    """Every chart that the run has data for."""
    return Charts(
        tuple(_some(_throughput(view), _latency(view))),
        tuple(_some(_cpu(view), _payload(view))),
        tuple(_some(_warmup(view), _rounds(view))),
        where_charts(view),
        curve_charts(view),
    )


def figures(charts: Iterable[Chart]) -> tuple[Block, ...]:
    """The blocks that stand for charts."""
    return tuple(Figure(chart.name, chart.title, chart.alt) for chart in charts)


def _some(*charts: Chart | None) -> list[Chart]:
    return [chart for chart in charts if chart is not None]


def _servers(view: View) -> list[str]:
    """All servers in the order of the plan: it decides the colors."""
    return [line(title) for title in view.titles.values()]


def _name(group: Group, groups: list[Group]) -> str:
    """The workload's title; with the profile where another group of the chart has the same."""
    same = sum(other.subject == group.subject for other in groups)
    return line(group.title if same > 1 else group.subject)


def _closed(view: View) -> list[Group]:
    return [group for group in view.groups if group.by_rate]


def _chart(name: str, title: str, alt: list[str], panels: list[Panel]) -> Chart | None:
    if not panels:
        return None
    if len(panels) == 1:
        panels = [panels[0]._replace(title="")]
    return Chart(name, line(title), line(f"{title}. {' '.join(alt)}"), tuple(panels))


def _bar(entry: Entry, name: str, show: Callable[[float], str]) -> Bar | None:
    metric = metric_of(entry, name)
    if metric is None:
        return None
    return Bar(line(entry.title), metric.value, metric.low, metric.high, show(metric.value))


def _bars(
    view: View, groups: list[Group], name: str, show: Callable[[float], str], unit: str
) -> tuple[list[Panel], list[str]]:
    panels, alt = [], []
    for group in groups:
        found = [bar for entry in group.measured if (bar := _bar(entry, name, show))]
        if found:
            panels.append(bars(_name(group, groups), found, _servers(view), unit))
            alt.append(f"{_name(group, groups)}: {join([f'{b.server} {b.label}' for b in found])}.")
    return panels, alt


def _throughput(view: View) -> Chart | None:
    """The rates; in a duet, where they are the scheduler's, requests per CPU-second instead."""
    groups = [group for group in view.groups if group.by_rate or group.lead is PER_CPU]
    if not groups:
        return None
    lead = groups[0].lead
    unit = "requests/sec" if lead is THROUGHPUT else "requests per CPU-second"
    panels, alt = _bars(view, groups, lead.metric, format_rate, f"{unit}, 95 % interval")
    return _chart("throughput", _best_title(groups, lead), alt, panels)


def _best_title(groups: list[Group], lead: PrimaryMetric) -> str:
    """Names the best server where its interval lies above all others."""
    title = "Requests per second" if lead is THROUGHPUT else lead.column
    best = [name for name in by_workload(groups, lambda group: _best(group, lead.metric)) if name]
    if not best:
        return title
    winner = max(dict.fromkeys(best), key=best.count)
    most = f"{title}: {winner} answered the most"
    workloads = len({group.workload for group in groups})
    several = f" in {best.count(winner)} of {workloads} workloads"
    return most if workloads == 1 else most + several


def _best(group: Group, name: str) -> str:
    """The title of the server that is above all others, "" where the intervals overlap."""
    found = [(m.value, e) for e in group.measured if (m := metric_of(e, name))]
    ranked = [entry for _, entry in sorted(found, key=lambda pair: pair[0])]
    if len(ranked) < 2:  # noqa: PLR2004 - nobody to be better than
        return ""
    return ranked[-1].title if apart(ranked[-2], ranked[-1], name) else ""


def _cpu(view: View) -> Chart | None:
    """CPU per request depends on the load: equal load where a workload has it."""
    opened = {group.workload for group in view.groups if group.is_open}
    groups = [g for g in view.groups if g.is_open or g.workload not in opened]
    name, unit = "cpu_us_per_request", "CPU per request (us), 95 % interval"
    panels, alt = _bars(view, groups, name, rows.format_cost, unit)
    title = "Server CPU that one request costs"
    return _chart("cpu", title, alt, panels)


def _latency(view: View) -> Chart | None:
    panels, alt = [], []
    for group in view.groups:
        curves = [(line(e.title), e.detail.curve) for e in group.measured if e.detail.curve]
        if group.is_open and curves:
            panels.append(
                latency_curves(line(group.title), curves, _servers(view), "response time (ms)")
            )
            alt += _percentile_words(group)
    return _chart("latency", "Response time at equal offered rate, by percentile", alt, panels)


def _percentile_words(group: Group) -> list[str]:
    words = []
    for entry in group.measured:
        found = entry.cell.latency_us.percentiles if entry.cell.latency_us else {}
        said = [f"p{key} {rows.format_us(us)}" for key, us in found.items() if us is not None]
        if said:
            words.append(f"{entry.title}: {join(said)}.")
    return words


def _payload(view: View) -> Chart | None:
    """Rate and CPU per request against payload size, over the same workloads."""
    sized = by_payload(view)
    if len(sized) < 2:  # noqa: PLR2004 - one size makes no line
        return None
    panels = []
    for name, title in (
        ("throughput_rps", "requests/sec"),
        ("cpu_us_per_request", "CPU per request (us)"),
    ):
        points = [
            Point(line(entry.title), size, metric.value)
            for size, group in sized
            for entry in group.measured
            if (metric := metric_of(entry, name))
        ]
        if points:
            x = factor_axis("request body (bytes)", [point.x for point in points])
            y = factor_axis(title, [point.y for point in points])
            panels.append(lines(title, points, _servers(view), x, y, dots=True))
    low, high = format_bytes(sized[0][0]), format_bytes(sized[-1][0])
    alt = [
        f"{size_words(size)}: {join([f'{e.title} {format_rate(rate(e))}' for e in g.measured])}."
        for size, g in sized
    ]
    return _chart(
        "payload", f"Rate and CPU per request from {low} to {high} of request body", alt, panels
    )


def size_words(size: float) -> str:
    """`4.10 KB per request, requests/sec`."""
    return f"{format_bytes(size)} per request, requests/sec"


def _warmup(view: View) -> Chart | None:
    """Each server's rate during the warm-up as a share of where it ends."""
    panels, alt = [], []
    groups = _closed(view)
    for group in groups:
        points = [
            Point(line(e.title), (index + 0.5) * _BIN_S, share)
            for e in group.measured
            for index, share in enumerate(_shares(e.detail.warmup))
        ]
        if points:
            x, y = time_axis("seconds of warm-up"), share_axis("% of the plateau")
            panels.append(lines(_name(group, groups), points, _servers(view), x, y))
            alt += _plateau_words(group)
    return _chart("warmup", "Warm-up: rate as a share of where it settles", alt, panels)


def _plateau_words(group: Group) -> list[str]:
    plateaus = [(e.title, e.detail.plateau_s) for e in group.measured]
    said = [f"{title} {seconds:.1f} s" for title, seconds in plateaus if seconds is not None]
    return [f"{group.title}, until 98 % of the plateau: {join(said)}."] if said else []


def _shares(series: tuple[float, ...]) -> list[float]:
    """Percent of the mean of the last quarter."""
    last = series[-max(1, round(len(series) * _PLATEAU_SHARE)) :]
    plateau = sum(last) / len(last) if last else 0.0
    return [100 * value / plateau for value in series] if plateau > 0 else []


def _rounds(view: View) -> Chart | None:
    """Each trial's rate against the server's mean over rounds; excluded ones are crosses."""
    panels: list[Panel] = []
    groups = _closed(view)
    beyond: list[str] = []
    for group in groups:
        points = [point for entry in group.measured for point in _round_points(entry)]
        far = [point for point in points if abs(point.y) > _CLAMP]
        beyond += [
            f"{point.server} {point.y:+.0f} % in round {point.x:.0f} of {_name(group, groups)}"
            for point in far
        ]
        points = [point._replace(y=max(-_CLAMP, min(_CLAMP, point.y))) for point in points]
        last = max((int(point.x) for point in points), default=0)
        if last > 1:
            x = round_axis(last)
            edge = f" (edge: {_CLAMP:.0f} % or more)" if far else ""
            y = deviation_axis(f"% off the server's mean{edge}", [point.y for point in points])
            name = _name(group, groups)
            panels.append(lines(name, points, _servers(view), x, y, dots=True))
    alt = [f"{len(view.excluded)} of {len(view.run.trials)} trials are left out (crosses)."]
    if beyond:
        alt.append(f"Farther than {_CLAMP:.0f} % off, drawn at the edge: {join(beyond)}.")
    return _chart("rounds", "Rounds: how far each trial is off its server's mean", alt, panels)


def _round_points(entry: Entry) -> list[Point]:
    usable = [
        value
        for _, value, status in entry.detail.rounds
        if value and status in ("valid", "suspect")
    ]
    if not usable:
        return []
    mean = math.exp(math.fsum(map(math.log, usable)) / len(usable))  # the same on each Python
    return [
        Point(
            line(entry.title),
            number,
            100 * (value / mean - 1),
            "" if status in ("valid", "suspect") else status,
        )
        for number, value, status in entry.detail.rounds
        if value  # without load there is no rate, and none that equals the mean
    ]
