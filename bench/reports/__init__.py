"""Reports: one file per form, each a pure function of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.csv import CsvReport
from bench.reports.html import HtmlReport
from bench.reports.json import JsonReport
from bench.reports.markdown import MarkdownReport
from bench.reports.results import ResultsReport
from bench.reports.terminal import TerminalReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.reports.blocks import Report

_ALL: Final[tuple[Report, ...]] = (
    MarkdownReport(),
    HtmlReport(),
    JsonReport(),
    CsvReport(),
    TerminalReport(),
    ResultsReport(),
)
REPORTS: Final[Mapping[str, Report]] = {report.name: report for report in _ALL}
"""Name -> report; the first file that a report renders is its main one."""
