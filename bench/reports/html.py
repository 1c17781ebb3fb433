"""report.html: one file with everything in it; the same content, charts to point at."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bench.reports import escape
from bench.reports.blocks import Subject, pieces
from bench.reports.charts.rendering import javascript, page_panels
from bench.reports.charts.theme import THEMES, configuration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.reports.assembly import Rendering
    from bench.reports.blocks import Document, Piece, Text
    from bench.reports.charts.chart import Chart


class HtmlReport:
    """The report for a browser; loads nothing from elsewhere."""

    name = "html"

    def render(self, run: Rendering) -> Mapping[PurePosixPath, bytes]:
        """report.html."""
        page = render_html(run.document(), run.charts.all)
        return {PurePosixPath("report.html"): page}


def render_html(document: Document, charts: tuple[Chart, ...] = ()) -> bytes:
    """One page of a document, with the charts that its figures name."""
    from bench.reports.jinja import environment, read  # noqa: PLC0415 - jinja2 is late

    jinja = environment(autoescape=True)
    jinja.finalize = _finalize
    jinja.filters |= {"pieces": _pieces, "target": escape.link_target, "anchor": _anchor}
    page = jinja.get_template("report.html.j2").render(
        document=document,
        subjects=_subjects(document),
        style=read("report.css"),
        script=read("report.js"),
        charts=_data(charts),
        vega=javascript() if charts else "",
    )
    return page.strip().encode() + b"\n"


def _subjects(document: Document) -> list[str]:
    """What a reader can choose to see alone: the workloads that have parts of their own."""
    blocks = [*document.lead, *(b for section in document.sections for b in section.blocks)]
    found = dict.fromkeys(block.about for block in blocks if isinstance(block, Subject))
    return list(found) if len(found) > 1 else []


def _data(charts: tuple[Chart, ...]) -> str:
    """Specifications and colors as JSON that cannot end the script element it stands in."""
    value = {
        "charts": [{"name": chart.name, "panels": page_panels(chart)} for chart in charts],
        "themes": {name: configuration(theme) for name, theme in THEMES.items()},
    }
    return json.dumps(value, ensure_ascii=True).replace("<", "\\u003c")


def _finalize(value: object) -> object:
    """Foreign control characters become visible before jinja2 escapes the rest."""
    return escape.lines(value) if type(value) is str else value


def _pieces(text: Text) -> tuple[Piece, ...]:
    return pieces(text)


def _anchor(title: str) -> str:
    return "-".join(title.lower().split())
