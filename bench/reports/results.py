"""RESULTS.md: the report that is committed; short, and it links to nothing that git ignores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from bench.reports.blocks import Folded, Paragraph, Section, in_text
from bench.reports.markdown import render_markdown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.reports.assembly import Rendering
    from bench.reports.blocks import Block, Document

MOST_LINES: Final = 600
MOST_BYTES: Final = 60_000
_LEFT_OUT: Final = (
    "Left out here to keep this file short: {what}. `bench report RUN --as html` has all of it."
)
_STEPS: Final = (
    frozenset({"Where the time goes"}),
    frozenset({"Where the time goes", "Implications"}),
    frozenset({"Where the time goes", "Implications", "Next Steps"}),
    frozenset({"Where the time goes", "Implications", "Next Steps", "Results Summary"}),
)
"""Sections that go when the others alone are too long."""


class ResultsReport:
    """The report of `reports/RESULTS.md`: run id, hash of its records, command that repeats it."""

    name = "results"

    def render(self, run: Rendering) -> Mapping[PurePosixPath, bytes]:
        """RESULTS.md and charts/*.svg."""
        text = b""
        for text in _shorter(run.document(links=False)):
            if _fits(text):
                break
        return {PurePosixPath("RESULTS.md"): text, **run.pictures}


def _fits(text: bytes) -> bool:
    return text.count(b"\n") <= MOST_LINES and len(text) <= MOST_BYTES


def _shorter(document: Document) -> Iterator[bytes]:
    """The document, then with less and less of it; the answer and the method always stay."""
    yield render_markdown(document)
    if any(isinstance(block, Folded) for block in document.lead):
        yield render_markdown(_without_lists(document, "what each inconclusive comparison may be"))
    folded = "tables that are folded elsewhere"
    less = _cut(document, folded, frozenset())
    yield render_markdown(less)
    for gone in _STEPS:
        names = " and ".join(sorted(gone))
        yield render_markdown(_cut(document, f"{folded}, and of the sections {names}", gone))


def _cut(document: Document, what: str, gone: frozenset[str]) -> Document:
    sections = tuple(
        Section(section.title, tuple(in_text(section.blocks, folds=False)))
        for section in document.sections
        if section.title not in gone
    )
    return replace(_without_lists(document, what), sections=sections)


def _without_lists(document: Document, what: str) -> Document:
    """What stands before the sections, without what is folded there."""
    note: Block = Paragraph(_LEFT_OUT.format(what=what))
    return replace(document, lead=(*in_text(document.lead, folds=False), note))
