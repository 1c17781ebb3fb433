"""The panel of a load curve: a measure over the offered rate, on axes that grow by factors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.reports.charts.chart import Panel, Point, Spec
from bench.reports.charts.specs import factor_axis, lines

if TYPE_CHECKING:
    from collections.abc import Sequence

_RULE: Final = {"type": "rule", "strokeWidth": 1.2}
_DASHED: Final = {"type": "rule", "strokeDash": [5, 4], "strokeWidth": 1}


class CurvePoint(NamedTuple):
    """One server at one rate; low and high are the 95 % interval or None.

    `mark` is "" or why the point is not what the server does at that rate: it is then a cross
    and belongs to no line.
    """

    server: str
    x: float
    y: float
    low: float | None
    high: float | None
    mark: str = ""


def curve_panel(
    title: str,
    points: Sequence[CurvePoint],
    servers: Sequence[str],
    limit: float | None = None,
    rates: Sequence[float] = (),
) -> Panel:
    """A line per server with intervals; both axes logarithmic, so that the knee is seen.

    Args:
        title: of the panel and its vertical axis.
        points: in order of the rate.
        servers: all servers of the run, for stable colors.
        limit: drawn across, where the panel shows what was promised.
        rates: drawn upright: the answers of a search.
    """
    ends = [end for one in points for end in (one.low, one.high) if end]
    ys = [*(one.y for one in points), *ends, *([limit] if limit else [])]
    x = factor_axis("offered rate (requests/s)", [*(one.x for one in points), *rates])
    y = factor_axis(title, ys)
    plain = [Point(one.server, one.x, one.y, one.mark) for one in points]
    panel = lines(title, plain, servers, x, y, dots=True)
    layers = [*panel.spec["layer"]]
    known = [one for one in points if one.low and one.high and not one.mark]
    if known:
        layers.append(intervals(known, layers[0]["encoding"]))
    if limit:
        layers.append(_across({"y": limit}, layers[0]["encoding"]["y"], "y"))
    layers += [_across({"x": rate}, layers[0]["encoding"]["x"], "x") for rate in rates]
    return panel._replace(spec={**panel.spec, "layer": layers})


def intervals(points: Sequence[CurvePoint], encoding: Spec) -> Spec:
    """A layer of upright rules, on the axes of the lines that they belong to."""
    values = [one._asdict() for one in points]
    kept = {key: encoding[key] for key in ("x", "color")}
    y = {**encoding["y"], "field": "low"}
    return {
        "data": {"values": values},
        "mark": _RULE,
        "encoding": {**kept, "y": y, "y2": {"field": "high"}},
    }


def _across(value: dict[str, float], axis: Spec, channel: str) -> Spec:
    return {
        "data": {"values": [value]},
        "mark": _DASHED,
        "encoding": {channel: {**axis, "field": channel}},
    }
