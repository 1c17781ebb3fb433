"""Response times in which the load tool, or a moment, has a part: they are compared nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from bench.analysis.trials import UNCOMPARED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.model.summary import Metric
    from bench.reports.view import Entry

_CAUSES: Final[Mapping[str, str]] = {
    "pacer-late": "the load tool sent late",
    "arrivals-off": "requests were not sent as scheduled",
    "not-stationary": "response times had not settled",
}

Percentile = Literal["p50_us", "p99_us"]


def withheld(entry: Entry, metric: Percentile = "p99_us") -> bool:
    """Whether trials of this server are left out where this percentile is compared."""
    estimate: Metric | None = getattr(entry.cell.metrics, metric)
    counted = estimate.n if estimate else 0
    return bool(_codes(entry)) and counted < usable(entry)


def usable(entry: Entry) -> int:
    """Number of trials that enter any estimate."""
    return entry.cell.trials.valid + entry.cell.trials.suspect


def lost(entries: Iterable[Entry]) -> int:
    """How many of their trials are left out where p99 is compared."""
    pairs = ((entry.cell.metrics.p99_us, usable(entry)) for entry in entries)
    return sum(number - (metric.n if metric else 0) for metric, number in pairs)


def cause(entries: Iterable[Entry]) -> str:
    """Why they are left out: `the load tool sent late`."""
    found = {code for entry in entries for code in _codes(entry)}
    return " and ".join(text for code, text in _CAUSES.items() if code in found)


def median_decides(entries: Iterable[Entry], baseline: Entry | None) -> bool:
    """Whether servers are compared by p50: no p99 is comparable, for a cause, and a p50 is."""
    entries = tuple(entries)
    others = [entry for entry in entries if entry is not baseline]
    if baseline is None or not any(map(withheld, entries)):
        return False
    by_p99 = any(_has_interval(entry.cell.metrics.p99_us) for entry in others)
    return not by_p99 and any(_has_interval(entry.cell.metrics.p50_us) for entry in others)


def _has_interval(metric: Metric | None) -> bool:
    return metric is not None and metric.verdict is not None and metric.verdict.low is not None


def _codes(entry: Entry) -> frozenset[str]:
    return UNCOMPARED & set(entry.cell.findings)
