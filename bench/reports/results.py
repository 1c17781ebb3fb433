"""RESULTS.md: the report that is committed; it links to nothing that git ignores."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bench.reports.document import make_document
from bench.reports.markdown import render_markdown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.model.summary import RunView


class ResultsReport:
    """The report of `reports/RESULTS.md`: run id, hash of its records, command that repeats it."""

    name = "results"

    def render(self, run: RunView) -> Mapping[PurePosixPath, bytes]:
        """RESULTS.md and charts/*.svg."""
        document = make_document(run, links=False)
        return {PurePosixPath("RESULTS.md"): render_markdown(document)}
