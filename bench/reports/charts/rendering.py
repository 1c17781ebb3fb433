"""Turns charts into SVG or into parts of a page; vl-convert is imported only here, and late."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from bench.reports.charts.theme import THEMES, configuration
from bench.store.cache import kept

if TYPE_CHECKING:
    from bench.reports.charts.chart import Chart, Panel, Spec
    from bench.reports.charts.theme import Theme

VEGA_LITE: Final = "6.4"
"""Version of the language that the specifications are written in."""

_WIDE: Final = 560
_NARROW: Final = 250
_COLUMNS: Final = 2
_ID: Final = re.compile(r'\bid="([A-Za-z_]+\d+)"')


def specification(chart: Chart) -> Spec:
    """The whole chart as one Vega-Lite specification, for a light page."""
    several = len(chart.panels) > 1
    width = _NARROW if several else _WIDE
    views = [_view(panel, width) for panel in chart.panels]
    body: Spec = {"concat": views, "columns": _COLUMNS, "spacing": 28}
    body["resolve"] = {"legend": {"color": "shared"}}
    return {
        "$schema": f"https://vega.github.io/schema/vega-lite/v{VEGA_LITE.split('.')[0]}.json",
        "description": chart.alt,
        "title": {"text": chart.title, "offset": 14},
        "padding": 12,
        "config": configuration(THEMES["light"]),
        **(body if several else {**views[0], "title": {"text": chart.title, "offset": 14}}),
    }


def _view(panel: Panel, width: int | str) -> Spec:
    title = {"title": {"text": panel.title, "fontSize": 12}} if panel.title else {}
    return {**title, "width": width, "height": panel.height, **panel.spec}


def render_svg(chart: Chart) -> dict[str, bytes]:
    """The chart as SVG per theme; the same bytes for the same chart."""
    import vl_convert  # noqa: PLC0415 - loads a JavaScript engine; only charts need it

    svg: str = vl_convert.vegalite_to_svg(specification(chart), vl_version=VEGA_LITE)
    svg = _steady_ids(svg)
    return {name: _recolored(svg, theme).encode() + b"\n" for name, theme in THEMES.items()}


def _recolored(svg: str, theme: Theme) -> str:
    """The same picture for another page: drawing it again would take as long as the first time."""
    for old, new in zip(THEMES["light"][1:], theme[1:], strict=True):
        svg = svg.replace(f'="{old}"', f'="{new}"')
    return svg


def _steady_ids(svg: str) -> str:
    """Number ids from zero: the engine goes on counting from one picture to the next."""
    for number, name in enumerate(dict.fromkeys(_ID.findall(svg))):
        svg = re.sub(rf'(id="|url\(#){name}(?=["\)])', rf"\g<1>part-{number}", svg)
    return svg


def page_panels(chart: Chart) -> list[Spec]:
    """The panels for a page: each as wide as its place, titles and colors set by the page."""
    return [{**_view(panel, "container"), "autosize": _FIT} for panel in chart.panels]


_FIT: Final = {"type": "fit-x", "contains": "padding"}


@cache
def javascript() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script that sets `vegaEmbed`.

    Kept in the cache: to bundle it takes more than a second, which every run would wait for.
    """
    name = f"charts/vega-lite-{VEGA_LITE}-{version('vl-convert-python')}.js"
    script = kept(name, _bundle).decode()
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _bundle() -> bytes:
    import vl_convert  # noqa: PLC0415 - as above

    # the stub wants a text, the function takes None for its own snippet: vegaEmbed as a global
    script: str = vl_convert.javascript_bundle(None, vl_version=VEGA_LITE)  # type: ignore[arg-type] # None is allowed, its stub forgot it
    return script.encode()
