"""Start-up and memory: one line per server, over all of its workloads and profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports import rows
from bench.reports.blocks import Heading, Paragraph, Table
from bench.reports.view import metric_of
from bench.units import format_bytes, format_latency

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.reports.blocks import Block
    from bench.reports.view import Entry, View

_SAID: Final = (
    "Start-up: from the start of the process to its first right answer, asked a hundred "
    "times a second. First request: the first one of a workload. Both: median over trials. "
    "Resident memory: highest in the window, shared pages once, geometric mean over trials. Its "
    "slope: least squares over the second half of the window, mean over trials with its 95 % "
    "interval. Built: size of the program that the build made, else of all packages that it "
    "installed. With several workloads or profiles: the least to the greatest."
)
_COLUMNS: Final = (
    "Server",
    "Start-up",
    "First request",
    "Resident memory",
    "Its slope",
    "Built",
)
_S: Final = 1e6


def start_and_memory(view: View) -> tuple[Block, ...]:
    """The table, where any server was started or its memory followed in this run."""
    lines = tuple(
        _line(title, found)
        for name, title in view.titles.items()
        if (found := [e for e in _entries(view) if e.server == name and e.measured])
    )
    if not any(cell != rows.ABSENT for line in lines for cell in (line[1], line[4])):
        return ()
    table = Table(_COLUMNS, lines, frozenset({0}))
    return (Heading("Start-up and memory"), Paragraph(_SAID), table)


def _entries(view: View) -> list[Entry]:
    return [entry for group in (*view.groups, *view.curves) for entry in group.entries]


def _line(title: str, found: Sequence[Entry]) -> tuple[str, ...]:
    memory = [metric.value for each in found if (metric := metric_of(each, "rss_peak_bytes"))]
    return (
        title,
        _range([each.cell.startup_s for each in found], _startup),
        _range([each.detail.first_request_s for each in found], lambda s: format_latency(s * _S)),
        _range(memory, format_bytes),
        _slope(found),
        format_bytes(built) if (built := found[0].cell.built_bytes) else rows.ABSENT,
    )


def _range(values: Sequence[float | None], show: Callable[[float], str]) -> str:
    known = sorted(value for value in values if value is not None)
    if not known:
        return rows.ABSENT
    low, high = show(known[0]), show(known[-1])
    return low if low == high else f"{low} to {high}"


def _startup(seconds: float) -> str:
    """No digits beyond the 10 ms between two questions."""
    return f"{seconds:.2f} s"


def _slope(found: Sequence[Entry]) -> str:
    text = _range([each.cell.memory_slope_bytes_per_s for each in found], _per_second)
    ends = found[0].detail.memory_slope
    if text == rows.ABSENT or len(found) > 1 or ends is None:
        return text
    return f"{text} [{_per_second(ends[0])}, {_per_second(ends[1])}]"


def _per_second(value: float) -> str:
    sign = "+" if value > 0 else "-" if value < 0 else ""
    return f"{sign}{format_bytes(abs(value))}/s"
