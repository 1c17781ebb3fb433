"""Which charts a run has data for, with their titles and text alternatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.reports import rows
from bench.reports.blocks import Figure
from bench.reports.charts.chart import Bar, Chart, Panel, Point, made
from bench.reports.charts.points import RatioPoint, finite, ratios
from bench.reports.charts.specs import bars, factor_axis, latency_curves, lines
from bench.reports.curve_figures import curve_charts
from bench.reports.decisions import decisions
from bench.reports.escape import line
from bench.reports.primary_metric import PER_CPU, THROUGHPUT
from bench.reports.profile_figures import where_charts
from bench.reports.scaling_figures import scaling_charts
from bench.reports.trial_figures import trial_charts
from bench.reports.view import by_workload, metric_of, name_among, rate, titles_of, winner
from bench.reports.withheld import cause, withheld
from bench.reports.wording.baseline_difference import by_payload
from bench.reports.wording.notes import verdict_phrase
from bench.reports.wording.phrases import join, sentence
from bench.reports.wording.verdict_words import times
from bench.units import format_bytes, format_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.reports.blocks import Block
    from bench.reports.decisions import Decision
    from bench.reports.primary_metric import PrimaryMetric
    from bench.reports.view import Entry, Group, View

_CURVE_RATES: Final = 3


class Charts(NamedTuple):
    """The charts of a run by the place where they stand; left out where there is no data.

    Attributes:
        lead: the one that stands with the answer.
        first: before the tables of the results.
        after: what a request costs.
        on_page: every trial, warm-up and rounds: too many panels for a text.
        where: of profiles.
        scaling: of sweeps.
    """

    lead: tuple[Chart, ...]
    first: tuple[Chart, ...]
    after: tuple[Chart, ...]
    on_page: tuple[Chart, ...]
    where: tuple[Chart, ...] = ()
    curves: tuple[Chart, ...] = ()
    scaling: tuple[Chart, ...] = ()

    @property
    def in_text(self) -> tuple[Chart, ...]:
        """Those that Markdown shows, in the order of the report."""
        return (*self.lead, *self.scaling, *self.first, *self.after, *self.where)

    @property
    def all(self) -> tuple[Chart, ...]:
        """In the order of the report."""
        more = (*self.after, *self.on_page, *self.where)
        return (*self.curves, *self.lead, *self.scaling, *self.first, *more)


NO_CHARTS: Final = Charts((), (), (), ())
"""For forms that cannot show pictures."""


def make_charts(view: View) -> Charts:
    """Every chart that the run has data for."""
    main = _some(_against(view), _throughput(view), _latency(view))
    return Charts(
        tuple(main[:1]),
        tuple(main[1:]),
        tuple(_some(_cost(view), _cpu(view), _curve(view), _payload(view))),
        trial_charts(view),
        where_charts(view),
        curve_charts(view),
        scaling_charts(view),
    )


def figures(charts: Iterable[Chart]) -> tuple[Block, ...]:
    """The blocks that stand for charts."""
    return tuple(Figure(chart.name, chart.title, chart.alt) for chart in charts)


def _some(*charts: Chart | None) -> list[Chart]:
    return [chart for chart in charts if chart is not None]


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
            panels.append(bars(name_among(group, groups), found, titles_of(view), unit))
            said = join([f"{bar.server} {bar.label}" for bar in found])
            alt.append(f"{name_among(group, groups)}: {said}.")
    return panels, alt


def _throughput(view: View) -> Chart | None:
    """The rates; in a duet, where they are the scheduler's, requests per CPU-second instead."""
    groups = [group for group in view.groups if group.by_rate or group.lead is PER_CPU]
    if not groups:
        return None
    lead = groups[0].lead
    unit = "requests/sec" if lead is THROUGHPUT else "requests per CPU-second"
    panels, alt = _bars(view, groups, lead.metric, format_rate, f"{unit}, 95 % interval")
    return made("throughput", _best_title(groups, lead), alt, panels)


def _best_title(groups: list[Group], lead: PrimaryMetric) -> str:
    """Names the best server where its interval lies above all others."""
    title = "Requests per second" if lead is THROUGHPUT else lead.column
    best = [name for name in by_workload(groups, lambda group: winner(group, lead.metric)) if name]
    if not best:
        return title
    top = max(dict.fromkeys(best), key=best.count)
    most = f"{title}: {top} answered the most"
    workloads = len({group.workload for group in groups})
    several = f" in {best.count(top)} of {workloads} workloads"
    return most if workloads == 1 else most + several


def _against(view: View) -> Chart | None:
    """The answer as a picture: every ratio, decided or not, where there are several workloads."""
    every = decisions(view)
    found = [each for each in every if finite(each.verdict.low, each.verdict.high)]
    if len({each.group.subject for each in found}) < 2:  # noqa: PLR2004 - one workload is a table
        return None
    panels, alt = [], []
    for metric in dict.fromkeys(each.lead.metric for each in found):
        own = [each for each in found if each.lead.metric == metric]
        lead = own[0].lead
        points = [_ratio(each) for each in own]
        panels.append(ratios(lead.what.split(",")[0], points, titles_of(view), _times_unit(lead)))
        asked = [each for each in every if each.lead.metric == metric]
        done = sum(each.decided for each in asked)
        alt.append(f"{sentence(lead.short)[:-1]}: {done} of {len(asked)} comparisons decided.")
    return made("against", f"Against {view.baseline}, with 95 % intervals", alt, panels)


def _times_unit(lead: PrimaryMetric) -> str:
    return f"{lead.short}, server / baseline"


def _ratio(each: Decision) -> RatioPoint:
    verdict = each.verdict
    return RatioPoint(
        line(each.group.subject),
        line(each.entry.title),
        verdict.ratio or 1.0,
        verdict.low or 1.0,
        verdict.high or 1.0,
        times(verdict),
        verdict_phrase(verdict, each.lead),
    )


def _cost(view: View) -> Chart | None:
    """CPU per request in the duets, which decide; each bar with the rate that it stands for."""
    panels: list[Panel] = []
    drawn: list[float] = []
    groups = [g for g in view.groups if any(e.cell.cost for e in g.measured)]
    for group in groups:
        found = [
            Bar(line(entry.title), us, None, None, _at_rate(us, cost.rate_rps))
            for entry in group.measured
            if (cost := entry.cell.cost) and (us := cost.cpu_us)
        ]
        if found:
            name = name_among(group, groups)
            panels.append(bars(name, found, titles_of(view), "CPU per request (us)", room=1.7))
            drawn += [bar.value for bar in found]
    title = f"Server CPU that one request costs at an equal rate, beside {view.baseline}"
    # each figure with its rate stands in the table above it: RESULTS.md is to stay short
    ends = dict.fromkeys(rows.format_cost(pick(drawn)) for pick in (min, max) if drawn)
    return made("cost", title, [f"{' to '.join(ends)}."], panels)


def _at_rate(us: float, rate_rps: float | None) -> str:
    return rows.format_cost(us) + (f" at {format_rate(rate_rps)}/s" if rate_rps else "")


def _cpu(view: View) -> Chart | None:
    """CPU per request depends on the load, so one loop alone: the saturated one where it is."""
    closed = [group for group in view.groups if not group.is_open]
    groups = closed or [group for group in view.groups if group.is_open]
    name, unit = "cpu_us_per_request", "CPU per request (us), 95 % interval"
    panels, alt = _bars(view, groups, name, rows.format_cost, unit)
    load = "saturated (closed loop)" if closed else "at an equal offered rate (open loop)"
    return made("cpu", f"Server CPU that one request costs, {load}", alt, panels)


def _curve(view: View) -> Chart | None:
    """CPU per request over the offered rate, for workloads that were run at several rates."""
    panels, alt = [], []
    opened = [group for group in view.groups if group.is_open]
    for workload in dict.fromkeys(group.workload for group in opened):
        own = [group for group in opened if group.workload == workload]
        points = sorted(
            Point(line(entry.title), entry.cell.offered_rps, metric.value)
            for group in own
            for entry in group.measured
            if (metric := metric_of(entry, "cpu_us_per_request")) and entry.cell.offered_rps
        )
        if len(own) >= _CURVE_RATES and points:
            x = factor_axis("offered requests/sec", [point.x for point in points])
            y = factor_axis("CPU per request (us)", [point.y for point in points])
            panels.append(lines(line(own[0].subject), points, titles_of(view), x, y, dots=True))
            alt.append(f"{own[0].subject}: {len(own)} rates.")
    return made("curve", "Server CPU that one request costs, over the offered rate", alt, panels)


def _latency(view: View) -> Chart | None:
    panels, alt = [], []
    for group in view.groups:
        curves = [(line(e.title), e.detail.curve) for e in group.measured if e.detail.curve]
        if group.is_open and curves:
            panels.append(
                latency_curves(line(group.title), curves, titles_of(view), "response time (ms)")
            )
            alt += _percentile_words(group)
    title = "Response time at equal offered rate, by percentile of all requests"
    late = [e for group in view.groups if group.is_open for e in group.measured if withheld(e)]
    if late:
        title += f", without trials in which {cause(late)}"
    return made("latency", title, alt, panels)


def _percentile_words(group: Group) -> list[str]:
    words = []
    for entry in group.measured:
        found = entry.cell.latency_us.percentiles if entry.cell.latency_us else {}
        names = {"50": withheld(entry, "p50_us"), "99": withheld(entry, "p99_us")}
        said = [
            f"p{key} {rows.format_us(us)}"
            for key, late in names.items()
            if not late and (us := found.get(key))
        ]
        if not entry.detail.curve and withheld(entry):
            said.append("no line, as there is no other trial")
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
            panels.append(lines(title, points, titles_of(view), x, y, dots=True))
    low, high = format_bytes(sized[0][0]), format_bytes(sized[-1][0])
    alt = [
        f"{size_words(size)}: {join([f'{e.title} {format_rate(rate(e))}' for e in g.measured])}."
        for size, g in sized
    ]
    return made(
        "payload", f"Rate and CPU per request from {low} to {high} of request body", alt, panels
    )


def size_words(size: float) -> str:
    """`4.10 KB per request, requests/sec`."""
    return f"{format_bytes(size)} per request, requests/sec"
