"""report.md: the document of the source report, with charts beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from bench.reports import escape
from bench.reports.blocks import Section, in_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Environment

    from bench.reports.assembly import Rendering
    from bench.reports.blocks import Block, Document


class MarkdownReport:
    """The report in the run directory."""

    name = "markdown"

    def render(self, run: Rendering) -> Mapping[PurePosixPath, bytes]:
        """report.md and charts/*.svg, each for a light and for a dark page."""
        return {PurePosixPath("report.md"): render_markdown(run.document()), **run.pictures}


def render_markdown(document: Document) -> bytes:
    """The Markdown of a document; foreign text is escaped piece by piece."""
    sections = tuple(Section(s.title, tuple(in_text(s.blocks))) for s in document.sections)
    shown = replace(document, lead=tuple(in_text(document.lead)), sections=sections)
    text = _environment().get_template("report.md.j2").render(document=shown)
    return text.strip("\n").encode() + b"\n"


def markdown_blocks(found: Sequence[Block]) -> str:
    """Blocks alone, for a comment that has no sections; ends with a line break."""
    page: Any = _environment().get_template("blocks.md.j2").module
    return str(page.blocks(list(in_text(found)))).strip("\n") + "\n"


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
