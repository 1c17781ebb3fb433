"""The metrics of a table, row by row: label, value, number format, and which way is better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from bench.reports.primary_metric import MEDIAN_TIME, RESPONSE_TIME, RESPONSE_TIMES
from bench.reports.view import metric_of, unlike
from bench.reports.withheld import withheld
from bench.units import (
    format_bytes,
    format_count,
    format_latency,
    format_percent,
    format_rate,
    format_ratio,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.model.summary import Metric
    from bench.reports.view import Entry, Group
    from bench.reports.withheld import Percentile
    from bench.stats.intervals import Estimate

ABSENT: Final = "-"
"""What stands where something was not measured."""
BETTER: Final = "better"
"""Marks a ratio in which the baseline is the worse one."""

MARK: Final = " \u2020"
"""Marks a figure that is not compared: in some trials it is not the server's alone."""

_FINE_US: Final = 10
_MB: Final = 1e6
_PERCENTILE_LABELS: Final = {"50": "p50", "90": "p90", "99": "p99", "99.9": "p99.9"}


class CellRow(NamedTuple):
    """One metric of a table.

    Attributes:
        better: which way is better, None = neither.
        like: the percentile without which it is not compared either; None = whatever happens.
    """

    label: str
    value: Callable[[Entry], float | None]
    show: Callable[[float], str]
    better: Literal["higher", "lower"] | None
    like: Percentile | None = None


def format_us(microseconds: float) -> str:
    """A latency as the source report prints it; three decimals below 10 us."""
    if 0 < microseconds < _FINE_US:
        return f"{microseconds / 1000:.3f} ms"
    return format_latency(microseconds)


def format_cost(microseconds: float) -> str:
    """CPU time of one request: three significant digits, `22.1 us`."""
    if microseconds < 99.95:  # noqa: PLR2004 - three significant digits
        return f"{microseconds:#.3g} us"
    return f"{microseconds:,.0f} us"


def format_throughput(bytes_per_s: float) -> str:
    """Response bodies per second in decimal MB: `5.67 MB/s`."""
    return f"{bytes_per_s / _MB:,.2f} MB/s"


def format_achieved(share: float) -> str:
    """The share of the offered rate that was answered; it may be a little above 100 %."""
    return f"{share:.1%}"


def format_whole(value: float) -> str:
    """A rate or a count; decimals only below 100."""
    return format_count(value) if value == int(value) else format_rate(value)


def _estimate(name: str) -> Callable[[Entry], float | None]:
    def value(entry: Entry) -> float | None:
        metric = metric_of(entry, name)
        return metric.value if metric else None

    return value


def _latency(name: Literal["min", "mean", "max"]) -> Callable[[Entry], float | None]:
    def value(entry: Entry) -> float | None:
        latency = entry.cell.latency_us
        return getattr(latency, name) if latency else None

    return value


def _percentile(key: str) -> Callable[[Entry], float | None]:
    def value(entry: Entry) -> float | None:
        latency = entry.cell.latency_us
        return latency.percentiles.get(key) if latency else None

    return value


SOURCE_ROWS: Final = (
    CellRow("Requests/sec", _estimate("throughput_rps"), format_rate, "higher"),
    CellRow("Average Latency", _latency("mean"), format_us, "lower", "p99_us"),
    CellRow("Fastest", _latency("min"), format_us, "lower", "p50_us"),
    CellRow("Slowest", _latency("max"), format_us, "lower", "p99_us"),
    CellRow("Throughput", lambda entry: entry.cell.bytes_per_s, format_throughput, "higher"),
    CellRow("Success Rate", lambda entry: entry.cell.success_rate, format_percent, "higher"),
    CellRow("Total Requests", lambda e: e.cell.total_requests, format_count, "higher"),
)
"""The rows of the source report."""
_COST_ROWS: Final = (
    CellRow("CPU per Request", _estimate("cpu_us_per_request"), format_cost, "lower"),
    CellRow("Requests per CPU-second", _estimate("requests_per_cpu_second"), format_rate, "higher"),
    CellRow(
        "Instructions per Request", _estimate("instructions_per_request"), format_count, "lower"
    ),
    CellRow("Peak Memory", _estimate("rss_peak_bytes"), format_bytes, "lower"),
)


def latency_name(group: Group) -> str:
    """What the latencies of a group are: sent to last byte, or intended send to last byte."""
    return "Response time" if group.is_open else "Service time at saturation"


def rows_for(group: Group) -> tuple[CellRow, ...]:
    """The rows of a group's table: those of the source report, then those that have data."""
    name = latency_name(group)
    more = [
        CellRow(
            f"{name}, {label} of all requests",
            _percentile(key),
            format_us,
            "lower",
            "p50_us" if key == "50" else "p99_us",
        )
        for key, label in _PERCENTILE_LABELS.items()
    ]
    if group.is_open:
        leads = RESPONSE_TIMES if group.lead is MEDIAN_TIME else (RESPONSE_TIME,)
        more += [
            *(CellRow(e.column, _estimate(e.metric), format_us, "lower") for e in leads),
            CellRow("First byte, p50", lambda e: e.cell.first_byte_us, format_us, "lower"),
            CellRow("Offered Rate", lambda e: e.cell.offered_rps, format_whole, None),
            CellRow("Achieved of Offered", lambda e: e.cell.achieved_ratio, format_achieved, None),
        ]
    more += _COST_ROWS
    return SOURCE_ROWS + tuple(row for row in more if _has_data(row, group))


def _has_data(row: CellRow, group: Group) -> bool:
    return any(row.value(entry) is not None for entry in group.entries)


def show(row: CellRow, entry: Entry) -> str:
    """A cell of the table."""
    value = row.value(entry)
    if value is None or not entry.measured:
        return ABSENT
    return row.show(value) + (MARK if _spoiled(row, entry) else "")


def _spoiled(row: CellRow, entry: Entry) -> bool:
    """Whether requests are among it that are not compared."""
    return row.like is not None and withheld(entry, row.like)


def ratio(row: CellRow, entry: Entry, baseline: Entry | None) -> str:
    """The larger of the two over the smaller one, marked where the baseline is the worse."""
    if baseline and (unlike(entry, baseline) or _spoiled(row, entry) or _spoiled(row, baseline)):
        return ABSENT
    value = row.value(entry)
    other = row.value(baseline) if baseline else None
    if value is None or other is None or not entry.measured or row.better is None:
        return ABSENT
    text = format_ratio(value, other)
    beats = value > other if row.better == "higher" else value < other
    return f"{text} {BETTER}" if beats and text != ABSENT else text


def format_interval(metric: Metric | Estimate, show_value: Callable[[float], str]) -> str:
    """`[64,012, 67,954]`, or `-` where there is no interval."""
    if metric.low is None or metric.high is None:
        return ABSENT
    return f"[{show_value(metric.low)}, {show_value(metric.high)}]"


def shower(name: str) -> Callable[[float], str]:
    """How the estimates of a metric are printed."""
    return _SHOWERS.get(name, format_rate)


_SHOWERS: Final[Mapping[str, Callable[[float], str]]] = {
    "p50_us": format_us,
    "p99_us": format_us,
    "cpu_us_per_request": format_cost,
    "rss_peak_bytes": format_bytes,
}
