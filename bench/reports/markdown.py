"""report.md: the document of the source report, with charts beside it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bench.reports import escape
from bench.reports.document import make_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.model.summary import RunView
    from bench.reports.base import Document


class MarkdownReport:
    """The report in the run directory."""

    name = "markdown"

    def render(self, run: RunView) -> Mapping[PurePosixPath, bytes]:
        """report.md and charts/*.svg."""
        return {PurePosixPath("report.md"): render_markdown(make_document(run))}


def render_markdown(document: Document) -> bytes:
    """The Markdown of a document; foreign text is escaped piece by piece."""
    from bench.reports.environment import environment  # noqa: PLC0415 - jinja2 is late

    jinja = environment(autoescape=False)
    jinja.filters |= {
        "inline": escape.markdown_inline,
        "cell": escape.markdown_inline,
        "paragraph": escape.markdown_paragraph,
        "fence": escape.markdown_fence,
        "lines": escape.lines,
        "attribute": escape.html_attribute,
    }
    text = jinja.get_template("report.md.j2").render(document=document)
    return text.strip("\n").encode() + b"\n"
