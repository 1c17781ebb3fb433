"""Stacked bars of where CPU time goes: one color per category in every chart, shares written in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.reports.charts.chart import Panel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.reports.charts.chart import Spec

COLORS: Final[Mapping[str, str]] = {
    "kernel and network": "#4B4B8F",
    "HTTP parsing": "#88CCEE",
    "routing and middleware": "#0072B2",
    "JSON decode": "#E69F00",
    "crossing between Rust and Python": "#A63D00",
    "crossing between C++ and JavaScript": "#A63D00",
    "native code called by Python": "#7E8C3A",
    "native framework code": "#C9B8E8",
    "interpreter and handler": "#6B4E9B",
    "JSON encode": "#F2CF73",
    "event loop": "#117755",
    "handing over between threads": "#8FD3B6",
    "waiting for the GIL": "#B5123E",
    "allocator and GC": "#E6A5C3",
    "compiler": "#7A3B69",
    "unknown": "#B8B8B8",
}
"""Category -> color: neighbors in a bar differ in lightness, so that hue is not needed."""
_OTHER: Final = "#8A8A5C"
_STEP: Final = 46
_LEAST: Final = 230
_WRITTEN: Final = 0.07
"""A narrower part has no room for its share."""
_LIGHT: Final = 0.45
# Not pure white and black: those are the page's own colors, which change on a dark page.
_INK: Final = {True: "#111111", False: "#fefefe"}


class Part(NamedTuple):
    """A category's part of a bar; share from 0 to 1."""

    category: str
    value: float
    share: float


def stacked(bars: Sequence[tuple[str, Sequence[Part]]], order: Sequence[str], unit: str) -> Panel:
    """One horizontal bar per server, its parts in one order throughout.

    Args:
        bars: title of the server, and its parts.
        order: all categories, as they follow each other in a bar and in the legend.
        unit: title of the value axis.
    """
    values = [item for server, parts in bars for item in _placed(server, parts, order)]
    longest = max((item["end"] for item in values), default=0.0)
    for item in values:
        item["wide"] = item["value"] >= _WRITTEN * longest
    y: Spec = {
        "field": "server",
        "type": "nominal",
        "title": None,
        "sort": [server for server, _ in bars],
        "axis": {"ticks": False, "domain": False},
    }
    present = [name for name in order if any(item["category"] == name for item in values)]
    layer = [_bars(y, unit, present), _shares(y)]
    spec: Spec = {"data": {"values": values}, "layer": layer}
    return Panel("", spec, max(_LEAST, _STEP * len(bars)))


def _bars(y: Spec, unit: str, present: Sequence[str]) -> Spec:
    scale = {"domain": list(present), "range": [COLORS.get(name, _OTHER) for name in present]}
    color: Spec = {
        "field": "category",
        "type": "nominal",
        "title": None,
        "scale": scale,
        "legend": {"symbolType": "square", "symbolStrokeWidth": 0, "columns": 2},
    }
    tooltip: list[Spec] = [
        {"field": "server", "title": "server"},
        {"field": "category", "title": "category"},
        {"field": "value", "title": unit, "format": ",.3~f"},
        {"field": "written", "title": "share"},
    ]
    return {
        "mark": {"type": "bar", "height": {"band": 0.72}, "stroke": "#ffffff", "strokeWidth": 1},
        "encoding": {
            "y": y,
            "x": {"field": "start", "type": "quantitative", "title": unit},
            "x2": {"field": "end"},
            "color": color,
            "tooltip": tooltip,
        },
    }


def _shares(y: Spec) -> Spec:
    """The shares, written into the parts that are wide enough."""
    return {
        "mark": {"type": "text", "baseline": "middle"},
        "transform": [{"filter": "datum.wide"}],
        "encoding": {
            "y": y,
            "x": {"field": "middle", "type": "quantitative"},
            "text": {"field": "written"},
            "color": {"field": "ink", "type": "nominal", "scale": None},
        },
    }


def _placed(server: str, parts: Sequence[Part], order: Sequence[str]) -> list[Spec]:
    """Where each part begins and ends; shares are written where the axis leaves them room."""
    placed: list[Spec] = []
    at = 0.0
    for part in sorted(parts, key=lambda part: order.index(part.category)):
        if part.value <= 0:
            continue
        placed.append(
            {
                "server": server,
                "category": part.category,
                "value": part.value,
                "start": at,
                "middle": at + part.value / 2,
                "end": at + part.value,
                "written": f"{part.share:.0%}",
                "ink": _INK[_lightness(COLORS.get(part.category, _OTHER)) > _LIGHT],
            }
        )
        at += part.value
    return placed


def _lightness(color: str) -> float:
    """How bright a color looks, 0 to 1 (the weights of ITU-R BT.601)."""
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255
