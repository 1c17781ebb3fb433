"""RESULTS.md: the report that is committed; it links to nothing that git ignores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.reports.markdown import markdown_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import PurePosixPath

    from bench.model.summary import RunView


class ResultsReport:
    """The report of `reports/RESULTS.md`: run id, hash of its records, command that repeats it."""

    name = "results"

    def render(self, run: RunView) -> Mapping[PurePosixPath, bytes]:
        """RESULTS.md and charts/*.svg."""
        return markdown_files(run, "RESULTS.md", links=False)
