"""Panels of points: ratios with their intervals, and every trial of each server."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.reports.charts.chart import Panel
from bench.reports.charts.specs import factor_axis
from bench.reports.charts.theme import color_scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.reports.charts.chart import Bar, Spec

_STEP: Final = 13
_GAP: Final = 12
_STRIP: Final = 26
_WIDE: Final = 3.0
"""Figures that differ by more are shown by factors."""


class RatioPoint(NamedTuple):
    """One server against the baseline; `label` is the ratio in words, `word` the verdict."""

    subject: str
    server: str
    ratio: float
    low: float
    high: float
    label: str
    word: str


class TrialPoint(NamedTuple):
    """One trial; `mark` is "" or why it is not a part of the figures."""

    server: str
    value: float
    trial: str
    round: int
    status: str
    mark: str


def ratios(title: str, found: Sequence[RatioPoint], servers: Sequence[str], unit: str) -> Panel:
    """A dot and its interval per subject and server, around a line at 1; the axis grows by factors.

    Args:
        title: of the panel.
        found: what to draw.
        servers: all servers of the run, for stable colors.
        unit: title of the axis.
    """
    subjects = list(dict.fromkeys(point.subject for point in found))
    present = [server for server in servers if any(point.server == server for point in found)]
    x = factor_axis(unit, [1.0, *(end for point in found for end in (point.low, point.high))])
    both = _by_server(subjects, present, servers)
    one: Spec = {
        "data": {"values": [{"one": 1}]},
        "mark": {"type": "rule", "strokeDash": [4, 3]},
        "encoding": {"x": {"field": "one", "type": "quantitative", **x}},
    }
    dot: Spec = {
        "mark": {"type": "point", "filled": True, "size": 40, "opacity": 1},
        "encoding": {**both, "x": {"field": "ratio", "type": "quantitative", **x}},
    }
    interval = _interval({"strokeWidth": 2}, both, x)
    height = len(subjects) * (_STEP * len(present) + _GAP)
    values = [point._asdict() for point in found]
    return Panel(title, {"data": {"values": values}, "layer": [one, interval, dot]}, height)


def _by_server(subjects: list[str], present: list[str], servers: Sequence[str]) -> Spec:
    """Subjects below each other, the servers of each beside each other, told apart by color."""
    return {
        "y": _rows("subject", subjects),
        "yOffset": {"field": "server", "type": "nominal", "sort": present},
        "color": {
            "field": "server",
            "type": "nominal",
            "scale": color_scale(servers),
            "legend": {"title": None, "values": present, "symbolType": "circle"},
        },
        "tooltip": [
            {"field": "subject", "title": "workload"},
            {"field": "server", "title": "server"},
            {"field": "label", "title": "against baseline"},
            {"field": "word", "title": "verdict"},
        ],
    }


def _rows(field: str, order: Sequence[str]) -> Spec:
    axis = {"ticks": False, "domain": False, "grid": True}
    return {"field": field, "type": "nominal", "title": None, "sort": list(order), "axis": axis}


def _interval(mark: Spec, encoding: Spec, x: Spec) -> Spec:
    ends = {"x": {"field": "low", "type": "quantitative", **x}, "x2": {"field": "high"}}
    return {"mark": {"type": "rule", **mark}, "encoding": {**encoding, **ends}}


def strips(
    title: str,
    trials: Sequence[TrialPoint],
    means: Sequence[Bar],
    servers: Sequence[str],
    unit: str,
) -> Panel:
    """Every trial of a server on one line, and the mean and interval that are made of them."""
    order = list(dict.fromkeys(mean.server for mean in means))
    x = _axis(unit, [point.value for point in trials])
    color: Spec = {
        "field": "server",
        "type": "nominal",
        "scale": color_scale(servers),
        "legend": None,
    }
    place: Spec = {"y": _rows("server", order), "color": color}
    name = {"field": "server", "title": "server"}
    line: Spec = {**place, "tooltip": [name, {"field": "label", "title": unit}]}
    own: Spec = {"data": {"values": [mean._asdict() for mean in means]}}
    known: Spec = {**own, "transform": [{"filter": "isValid(datum.low)"}]}
    tick: Spec = {
        "mark": {"type": "tick", "thickness": 2},
        "encoding": {**line, "x": {"field": "value", "type": "quantitative", **x}},
    }
    interval = _interval({"strokeWidth": 6, "opacity": 0.35}, line, x)
    layers = [{**known, **interval}, {**own, **tick}, _dots(trials, place, x, unit)]
    return Panel(title, {"layer": layers}, max(1, len(order)) * _STRIP)


def _axis(unit: str, values: Sequence[float]) -> Spec:
    if max(values, default=1.0) > _WIDE * min(values, default=1.0):
        return factor_axis(unit, values)
    return {"title": unit, "scale": {"zero": False}, "axis": {"tickCount": 5}}


def _dots(trials: Sequence[TrialPoint], place: Spec, x: Spec, unit: str) -> Spec:
    shape = {
        "condition": {"test": "datum.mark === ''", "value": "circle"},
        "value": "cross",
    }
    tooltip = [
        {"field": "server", "title": "server"},
        {"field": "trial", "title": "trial"},
        {"field": "round", "title": "round"},
        {"field": "value", "title": unit, "format": ",.4~r"},
        {"field": "status", "title": "status"},
    ]
    return {
        "data": {"values": [point._asdict() for point in trials]},
        "mark": {"type": "point", "filled": False, "size": 32},
        "encoding": {
            **place,
            "x": {"field": "value", "type": "quantitative", **x},
            "shape": shape,
            "tooltip": tooltip,
        },
    }


def finite(*values: float | None) -> bool:
    """Whether all can stand on an axis that grows by factors."""
    return all(value is not None and value > 0 and math.isfinite(value) for value in values)
