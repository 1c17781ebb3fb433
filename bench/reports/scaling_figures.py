"""Sweeps as charts: a panel per server, its rate over connections or CPUs, and the law."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.charts.chart import Point, made
from bench.reports.charts.load_curve import CurvePoint, intervals
from bench.reports.charts.specs import factor_axis, lines, scattered
from bench.reports.escape import line
from bench.units import format_rate

if TYPE_CHECKING:
    from bench.model.scaling import Scaling
    from bench.reports.charts.chart import Chart, Panel
    from bench.reports.view import View

_STEPS: Final = 40
_BOUND: Final = "the load tool was the limit"
_AXES: Final = {"connections": "connections", "server_cpus": "CPUs of the server"}


def sweeps_of(view: View) -> list[tuple[str, str, str]]:
    """Workload, what is swept and load of each sweep, in order."""
    found = view.run.summary.scaling
    return list(dict.fromkeys((one.workload, one.swept, one.load) for one in found))


def courses(view: View, sweep: tuple[str, str, str]) -> list[Scaling]:
    """One per server."""
    found = view.run.summary.scaling
    return [one for one in found if (one.workload, one.swept, one.load) == sweep]


def scaling_charts(view: View) -> tuple[Chart, ...]:
    """One chart for every sweep with more than one level."""
    charts = (_chart(view, sweep) for sweep in sweeps_of(view))
    return tuple(chart for chart in charts if chart)


def chart_name(sweep: tuple[str, str, str]) -> str:
    """Of its file."""
    workload, swept, load = sweep
    plain = "".join(char if char.isalnum() else "-" for char in load)
    return f"scaling-{workload}-{'cpus' if swept == 'server_cpus' else swept}-{plain}"


def _chart(view: View, sweep: tuple[str, str, str]) -> Chart | None:
    found = [one for one in courses(view, sweep) if len(one.points) > 1]
    subject = view.run.plan.workload_titles.get(sweep[0], sweep[0])
    title = f"{subject}: requests per second over {_AXES[sweep[1]]}, with the fitted law"
    alt = [f"{_title(view, one)}: {_rates(one)}." for one in found]
    panels = [_panel(view, one) for one in found]
    return made(chart_name(sweep), line(title), alt, panels)


def _panel(view: View, one: Scaling) -> Panel:
    """Measured rates with intervals, and the law where it is known; both axes by factors."""
    server, points = _title(view, one), one.points
    ends = [end for each in points for end in (each.low, each.high) if end]
    fitted = _fitted(server, one)
    servers = [line(title) for title in view.titles.values()]
    x = factor_axis(_AXES[one.swept], [float(each.at) for each in points])
    rates = [each.rate_rps for each in points] + ends + [each.y for each in fitted]
    y = factor_axis("requests/sec", rates)
    dots = [Point(server, each.at, each.rate_rps) for each in points if not each.client_bound]
    panel = scattered(dots, fitted, servers, x, y)
    known = [
        CurvePoint(server, each.at, each.rate_rps, each.low, each.high)
        for each in points
        if each.low and each.high
    ]
    layers = [*panel.spec["layer"]]
    if known:
        layers.append(intervals(known, layers[-1]["encoding"]))
    bound = [Point(server, each.at, each.rate_rps, _BOUND) for each in points if each.client_bound]
    if bound:
        spec = lines("", bound, servers, x, y).spec
        layers.append({**spec["layer"][-1], "data": spec["data"]})
    return panel._replace(title=server, spec={**panel.spec, "layer": layers})


def _fitted(server: str, one: Scaling) -> list[Point]:
    if one.law is None:
        return []
    low, high = float(one.points[0].at), float(one.points[-1].at)
    steps = [low * (high / low) ** (step / _STEPS) for step in range(_STEPS + 1)]
    return [Point(server, at, one.law.rate(at)) for at in steps]


def _title(view: View, one: Scaling) -> str:
    return line(view.titles.get(one.server, one.server))


def _rates(one: Scaling) -> str:
    return ", ".join(f"{format_rate(each.rate_rps)} at {each.at}" for each in one.points)
