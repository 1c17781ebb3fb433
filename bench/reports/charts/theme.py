"""Colors: one per server throughout, distinct for color-blind readers; light and dark frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.reports.charts.chart import Spec

PALETTE: Final = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#999999",
    "#B8A800",
)
"""Okabe and Ito's eight; black became gray and yellow darker, so that both frames show them."""
DASHES: Final = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 2], [10, 4], [1, 3], [6, 2, 1, 2])
"""Dashes tell lines apart where color cannot."""
FONT: Final = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"


class Theme(NamedTuple):
    """Colors of the frame around the data; `back` is what the page behind it is like."""

    name: str
    text: str
    faint: str
    grid: str
    back: str


THEMES: Final = {
    "light": Theme("light", "#1f2328", "#59636e", "#d1d9e0", "#ffffff"),
    "dark": Theme("dark", "#f0f6fc", "#9198a1", "#3d444d", "#0d1117"),
}


def colors(count: int) -> list[str]:
    """As many colors as there are servers; after eight they come again."""
    return [PALETTE[index % len(PALETTE)] for index in range(count)]


def dashes(count: int) -> list[list[int]]:
    """A dash for each server; those that share a color differ here."""
    return [list(DASHES[(index + index // len(PALETTE)) % len(DASHES)]) for index in range(count)]


def color_scale(servers: Sequence[str]) -> Spec:
    """The scale of a color channel: a server keeps its color in every chart of a run."""
    return {"domain": list(servers), "range": colors(len(servers))}


def dash_scale(servers: Sequence[str]) -> Spec:
    """The scale of a dash channel."""
    return {"domain": list(servers), "range": dashes(len(servers))}


def configuration(theme: Theme) -> Spec:
    """The Vega-Lite configuration of a theme."""
    return {
        "background": theme.back,
        "font": FONT,
        "view": {"stroke": None},
        "title": {
            "color": theme.text,
            "subtitleColor": theme.faint,
            "anchor": "start",
            "fontSize": 13,
            "fontWeight": 600,
        },
        "axis": {
            "labelColor": theme.faint,
            "titleColor": theme.faint,
            "gridColor": theme.grid,
            "domainColor": theme.grid,
            "tickColor": theme.grid,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": 400,
            "labelLimit": 220,
        },
        "legend": {
            "labelColor": theme.text,
            "labelFontSize": 11,
            "labelLimit": 220,
            "orient": "bottom",
            "columns": 3,
            "symbolType": "stroke",
            "symbolSize": 200,
            "symbolStrokeWidth": 2,
        },
        "rule": {"color": theme.text},
        "text": {"color": theme.text, "fontSize": 11},
    }
