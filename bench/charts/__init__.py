"""Charts: figures in, Vega-Lite specifications out; rendered to SVG by vl-convert."""

from bench.charts.base import Chart, Panel
from bench.charts.render import javascript, page_panels, render_svg, specification
from bench.charts.theme import THEMES

__all__ = [
    "THEMES",
    "Chart",
    "Panel",
    "javascript",
    "page_panels",
    "render_svg",
    "specification",
]
