"""report.md: the document of the source report, with charts beside it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from bench.reports import escape
from bench.reports.assembly import make_document
from bench.reports.charts.rendering import render_svg
from bench.reports.figures import make_charts
from bench.reports.view import make_view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Environment

    from bench.model.summary import RunView
    from bench.reports.blocks import Block, Document


class MarkdownReport:
    """The report in the run directory."""

    name = "markdown"

    def render(self, run: RunView) -> Mapping[PurePosixPath, bytes]:
        """report.md and charts/*.svg."""
        return markdown_files(run, "report.md", links=True)


def markdown_files(run: RunView, name: str, *, links: bool) -> dict[PurePosixPath, bytes]:
    """A Markdown file and its charts, each for a light and for a dark page."""
    view = make_view(run)
    charts = make_charts(view)
    files = {PurePosixPath(name): render_markdown(make_document(view, charts, links=links))}
    for chart in charts.all:
        pictures = render_svg(chart)
        files[PurePosixPath(f"charts/{chart.name}.svg")] = pictures["light"]
        files[PurePosixPath(f"charts/{chart.name}.dark.svg")] = pictures["dark"]
    return files


def render_markdown(document: Document) -> bytes:
    """The Markdown of a document; foreign text is escaped piece by piece."""
    text = _environment().get_template("report.md.j2").render(document=document)
    return text.strip("\n").encode() + b"\n"


def markdown_blocks(found: Sequence[Block]) -> str:
    """Blocks alone, for a comment that has no sections; ends with a line break."""
    page: Any = _environment().get_template("blocks.md.j2").module
    return str(page.blocks(found)).strip("\n") + "\n"


def _environment() -> Environment:
    from bench.reports.jinja import environment  # noqa: PLC0415 - jinja2 is late

    jinja = environment(autoescape=False)
    jinja.filters |= {
        "inline": escape.markdown_inline,
        "cell": escape.markdown_inline,
        "paragraph": escape.markdown_paragraph,
        "fence": escape.markdown_fence,
        "lines": escape.lines,
        "attribute": escape.html_attribute,
    }
    return jinja
