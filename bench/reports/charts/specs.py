"""Builds the panels of each kind of chart from plain figures; nothing here renders."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from bench.reports.charts.chart import Bar, Panel, Point, Spec
from bench.reports.charts.theme import color_scale, dash_scale

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9, 99.99)
_BAR_STEP: Final = 26
_BAR_AXIS: Final = {
    "tickCount": 5,
    # "~s" alone prints 0k where the other labels are in thousands
    "labelExpr": "datum.value === 0 ? '0' : format(datum.value, '~s')",
}
_LINE_HEIGHT: Final = 230
_CURVE_POINTS: Final = 160
_TICKS_MAX: Final = 8
_KILO: Final = 1000


def bars(
    title: str, found: Sequence[Bar], servers: Sequence[str], unit: str, *, room: float = 1.25
) -> Panel:
    """Horizontal bars from zero with the value written on them and intervals as rules.

    The axis is `room` times as long as the longest bar, whose label stands behind it.
    """
    values = [_bar_values(bar) for bar in found]
    order = [bar.server for bar in found]
    y = {"field": "server", "type": "nominal", "sort": order, "title": None}
    x = {"type": "quantitative", "title": unit, "scale": {"zero": True}}
    color = {"field": "server", "type": "nominal", "legend": None, "scale": color_scale(servers)}
    top = max((value["end"] for value in values), default=1.0)
    domain = {"zero": True, "domainMax": top * room}
    tooltip = [{"field": "server", "title": "server"}, {"field": "label", "title": unit}]
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "height": {"band": 0.7}},
            "encoding": {
                "y": {**y, "axis": {"ticks": False, "domain": False}},
                "x": {
                    **x,
                    "field": "value",
                    "scale": domain,
                    "axis": _BAR_AXIS,
                },
                "color": color,
                "tooltip": tooltip,
            },
        },
        {
            "mark": {"type": "rule", "strokeWidth": 1.5},
            "transform": [{"filter": "isValid(datum.low)"}],
            "encoding": {
                "y": y,
                "x": {"field": "low", "type": "quantitative"},
                "x2": {"field": "high"},
            },
        },
        {
            "mark": {"type": "text", "align": "left", "dx": 5},
            "encoding": {
                "y": y,
                "x": {"field": "end", "type": "quantitative"},
                "text": {"field": "label"},
            },
        },
    ]
    spec = {"data": {"values": values}, "layer": layers}
    return Panel(title, spec, max(1, len(found)) * _BAR_STEP)


def _bar_values(bar: Bar) -> dict[str, Any]:
    end = bar.value if bar.high is None else max(bar.high, bar.value)
    return {**bar._asdict(), "end": end}


def percentile_position(percentile: float) -> float:
    """Where a percentile stands on the axis: each nine is as far from the last.

    `-log10(1 - p)`, as HdrHistogram's plots have it.
    """
    return -math.log10(1 - percentile / 100)


def latency_curves(
    title: str,
    curves: Iterable[tuple[str, Sequence[tuple[float, float]]]],
    servers: Sequence[str],
    unit: str,
) -> Panel:
    """Latency in ms over percentiles, one line per server; both axes grow by factors.

    Args:
        title: of the panel.
        curves: per server (percentile below 100, microseconds).
        servers: all servers of the run, for stable colors.
        unit: title of the latency axis.
    """
    points = [
        Point(server, percentile_position(percentile), us / 1000)
        for server, curve in curves
        for percentile, us in _thinned(curve)
        if 0 <= percentile < 100 and us > 0  # noqa: PLR2004 - the axis has no place for 100
    ]
    top = max((point.x for point in points), default=1.0)
    ticks = [percentile_position(p) for p in PERCENTILES if percentile_position(p) <= top + 0.05]
    x = {
        "title": "percentile of requests",
        "axis": {
            "values": ticks,
            "labelExpr": "format(100 * (1 - pow(10, -datum.value)), '.4~g') + ' %'",
        },
        "scale": {"domain": [0, top]},
    }
    y = factor_axis(unit, [point.y for point in points])
    return lines(title, points, servers, x, y)


def _thinned(curve: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most about 160 points, evenly spread over the axis, the last one kept."""
    kept: list[tuple[float, float]] = []
    below = [point for point in curve if point[0] < 100]  # noqa: PLR2004 - as above
    if not below:
        return kept
    step = percentile_position(below[-1][0]) / _CURVE_POINTS
    for point in below:
        if not kept or percentile_position(point[0]) - percentile_position(kept[-1][0]) >= step:
            kept.append(point)
    return kept if kept[-1] == below[-1] else [*kept, below[-1]]


def lines(
    title: str,
    points: Sequence[Point],
    servers: Sequence[str],
    x: Spec,
    y: Spec,
    *,
    dots: bool = False,
) -> Panel:
    """One line per server, distinguished by color and dash; marked points become crosses."""
    present = [server for server in servers if any(p.server == server for p in points)]
    legend = {"title": None, "values": present}
    values = [point._asdict() for point in points]
    encoding = {
        "x": {"field": "x", "type": "quantitative", **x},
        "y": {"field": "y", "type": "quantitative", **y},
        "color": {
            "field": "server",
            "type": "nominal",
            "scale": color_scale(servers),
            "legend": legend,
        },
    }
    dash = {"field": "server", "type": "nominal", "scale": dash_scale(servers), "legend": legend}
    tooltip = [{"field": "server", "title": "server"}, *_tooltip(x, y)]
    mark: Spec = {"type": "line", "strokeWidth": 2, "clip": True}
    if dots:
        mark["point"] = {"filled": True, "size": 45}
    layers: list[Spec] = [
        {
            "mark": mark,
            "transform": [{"filter": "datum.mark === ''"}],
            "encoding": {**encoding, "strokeDash": dash, "tooltip": tooltip},
        }
    ]
    if any(point.mark for point in points):
        layers.append(_crosses(encoding, tooltip))
    return Panel(title, {"data": {"values": values}, "layer": layers}, _LINE_HEIGHT)


def scattered(
    points: Sequence[Point],
    fitted: Sequence[Point],
    servers: Sequence[str],
    x: Spec,
    y: Spec,
) -> Panel:
    """Measured points, and beside them the lines that were fitted to them."""
    panel = lines("", fitted, servers, x, y)
    dots = lines("", points, servers, x, y).spec["layer"][0]
    del dots["encoding"]["strokeDash"]
    dots |= {
        "mark": {"type": "point", "filled": True, "size": 45, "opacity": 0.8},
        "data": {"values": [point._asdict() for point in points]},
    }
    layers = [*panel.spec["layer"], dots] if fitted else [dots]
    return panel._replace(spec={**panel.spec, "layer": layers})


def _tooltip(x: Spec, y: Spec) -> list[Spec]:
    return [
        {"field": "x", "title": x["title"], "format": ".4~g"},
        {"field": "y", "title": y["title"], "format": ".4~g"},
    ]


def _crosses(encoding: Spec, tooltip: list[Spec]) -> Spec:
    return {
        "mark": {"type": "point", "shape": "cross", "angle": 45, "size": 110, "filled": True},
        "transform": [{"filter": "datum.mark !== ''"}],
        "encoding": {**encoding, "tooltip": [*tooltip, {"field": "mark", "title": "left out"}]},
    }


def factor_axis(title: str, values: Sequence[float]) -> Spec:
    """Positive figures on an axis that grows by factors, labeled at 1, 2 and 5 of each ten."""
    low, high = min(values, default=1.0) / 1.25, max(values, default=10.0) * 1.25
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [
        digit * 10.0**power
        for power in powers
        for digit in (1, 2, 5)
        if low <= digit * 10.0**power <= high
    ]
    if len(found) > _TICKS_MAX:
        found = [10.0**power for power in powers if low <= 10.0**power <= high]
    return {
        "title": title,
        "scale": {"type": "log", "domain": [low, high], "nice": False},
        "axis": {"values": found, "format": "~g" if high < _KILO else "~s"},
    }


def share_axis(title: str) -> Spec:
    """Percentages from zero."""
    return {"title": title, "scale": {"zero": True}, "axis": {"tickCount": 5}}


def deviation_axis(title: str, values: Iterable[float]) -> Spec:
    """Percentages around zero, as far down as up, at least 2 each way."""
    reach = max([2.0, *(1.15 * abs(value) for value in values)])
    return {
        "title": title,
        "scale": {"domain": [-reach, reach], "nice": False},
        "axis": {"tickCount": 5, "format": "+~g"},
    }


def time_axis(title: str) -> Spec:
    """Seconds from zero."""
    return {"title": title, "scale": {"zero": True, "nice": False}, "axis": {"tickCount": 6}}


def round_axis(last: int) -> Spec:
    """Rounds as whole numbers."""
    step = max(1, math.ceil(last / 12))
    values = [number for number in range(1, last + 1) if (number - 1) % step == 0]
    return {
        "title": "round",
        "scale": {"domain": [0.5, last + 0.5], "nice": False},
        "axis": {"values": values, "format": "d", "grid": False},
    }
