"""A summary with its sentences: what JSON prints, and what the sections of a report read."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bench.model.summary import Metric, Metrics
from bench.reports.wording.findings import in_words
from bench.reports.wording.scaling_words import scaling_text
from bench.reports.wording.verdict_words import verdict_text

if TYPE_CHECKING:
    from bench.model.run_comparison import CompareResult, CompareRow
    from bench.model.summary import (
        CellSummary,
        Comparison,
        RunView,
        Summary,
        Verdict,
    )

Row = TypeVar("Row", "Comparison", "CompareRow")


def summary_in_words(summary: Summary) -> Summary:
    """The summary with the text of every finding and verdict."""
    findings = tuple(in_words(item) for item in summary.findings)
    return summary.replace(
        findings=findings,
        cells=tuple(_cell(cell) for cell in summary.cells),
        comparisons=tuple(_row(row) for row in summary.comparisons),
        scaling=tuple(one.replace(text=scaling_text(one)) for one in summary.scaling),
    )


def view_in_words(run: RunView) -> RunView:
    """The same of all that a report sees."""
    return run.replace(summary=summary_in_words(run.summary))


def comparison_in_words(result: CompareResult) -> CompareResult:
    """Two runs against each other, with the text of every verdict."""
    parts = {"rows": result.rows, "gate": result.gate, "machine": result.machine}
    words = {name: tuple(_row(row) for row in part) for name, part in parts.items()}
    return result.model_copy(update=words)


def _row(row: Row) -> Row:
    return row.replace(verdict=_verdict(row.verdict))


def _cell(cell: CellSummary) -> CellSummary:
    metrics = {name: _metric(getattr(cell.metrics, name)) for name in Metrics.model_fields}
    cost = cell.cost
    if cost is not None:
        cost = cost.replace(verdict=_verdict(cost.verdict))
    update = {"metrics": cell.metrics.model_copy(update=metrics), "cost": cost}
    return cell.model_copy(update=update)


def _metric(metric: Metric | None) -> Metric | None:
    if metric is None or metric.verdict is None:
        return metric
    return metric.replace(verdict=_verdict(metric.verdict))


def _verdict(verdict: Verdict) -> Verdict:
    return verdict.replace(text=verdict_text(verdict))
