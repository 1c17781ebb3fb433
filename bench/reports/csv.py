"""report.csv: one line per cell with its estimates, for spreadsheets and notebooks."""

from __future__ import annotations

import csv
import io
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from bench.model.load_result import PERCENTILES
from bench.model.metric_names import METRICS
from bench.reports import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.model.summary import CellSummary, Metric
    from bench.reports.assembly import Rendering

Value = str | float | int | None

_COST: Final = ("ratio", "low", "high", "n", "rate_rps", "cpu_us", "baseline_cpu_us", "floor")
_LATENCIES: Final = ("min", "mean", "max")
_FORMULA_STARTS: Final = ("=", "+", "-", "@")


class CsvReport:
    """Raw figures in base units: microseconds, bytes, shares; empty = not measured."""

    name = "csv"

    def render(self, run: Rendering) -> Mapping[PurePosixPath, bytes]:
        """report.csv."""
        rows = [dict(_row(run.run.summary.run_id, cell)) for cell in run.run.summary.cells]
        head = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(head)
        writer.writerows([_shown(row.get(name)) for name in head] for row in rows)
        return {PurePosixPath("report.csv"): text.getvalue().encode()}


def _row(run_id: str, cell: CellSummary) -> Iterator[tuple[str, Value]]:
    yield from {"run": run_id, "server": cell.server, "workload": cell.workload}.items()
    yield "profile", cell.profile
    yield from ((f"trials_{name}", count) for name, count in cell.trials)
    for name in METRICS:
        yield from _metric(name, getattr(cell.metrics, name))
    for name in _LATENCIES:
        yield f"latency_{name}_us", getattr(cell.latency_us, name, None)
    found = cell.latency_us.percentiles if cell.latency_us else {}
    for percentile in PERCENTILES:
        yield f"latency_p{percentile:g}_us", found.get(f"{percentile:g}")
    yield "success_rate", cell.success_rate
    yield "total_requests", cell.total_requests
    yield "errors", cell.errors
    yield "errors_excluded", cell.errors_excluded
    yield "bytes_per_s", cell.bytes_per_s
    yield "offered_rps", cell.offered_rps
    yield "achieved_ratio", cell.achieved_ratio
    yield "startup_s", cell.startup_s
    yield "first_request_s", cell.first_request_s
    yield "built_bytes", cell.built_bytes
    if cell.database is not None:
        yield "database_cpu_us_per_request", cell.database.cpu_us
    yield "memory_slope_bytes_per_s", cell.memory_slope_bytes_per_s
    yield "protocol", cell.protocol
    if cell.cost is not None:
        yield from ((f"cost_{part}", getattr(cell.cost, part)) for part in _COST)
        yield "cost_verdict", cell.cost.verdict.word
    yield "bound", cell.bound
    yield "findings", " ".join(cell.findings)


def _metric(name: str, metric: Metric | None) -> Iterator[tuple[str, Value]]:
    verdict = metric.verdict if metric else None
    for part in ("value", "low", "high", "n"):
        yield f"{name}_{part}", getattr(metric, part, None)
    yield f"{name}_verdict", verdict.word if verdict else None
    yield f"{name}_ratio", verdict.ratio if verdict else None
    for part in ("low", "high"):
        yield f"{name}_ratio_{part}", getattr(verdict, part, None)


def _shown(value: Value) -> str:
    """Numbers in full; text that a spreadsheet would take for a formula gets a quote before it."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return repr(value)
    text = escape.line(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
