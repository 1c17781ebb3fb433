"""The small table of `bench try`: what each server reached, and what the reader must know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.reports.blocks import Table
from bench.reports.rows import format_cost, format_us
from bench.reports.terminal import table as terminal_table
from bench.reports.wording.findings import text_of
from bench.reports.wording.verdict_words import percent
from bench.units import format_bytes, format_percent, format_rate

if TYPE_CHECKING:
    from bench.model.summary import CellSummary, Metric, RunView


def figures(view: RunView) -> str:
    """A small table of what each server reached, and what the reader must know."""
    several = len({cell.profile for cell in view.summary.cells}) > 1
    head = ("server", "requests/s", "p50", "p99", "CPU/request", "memory", "success", "n")
    cells = tuple(_figures(view, cell, several=several) for cell in view.summary.cells)
    shown = terminal_table(Table(head, cells))
    notes = {one.code: text_of(one) for one in view.summary.findings if one.severity != "info"}
    lines = [f"{name}: {said}" for name, said in notes.items()]
    return "\n".join([shown, *([""] if lines else []), *lines]) + "\n"


def _figures(view: RunView, cell: CellSummary, *, several: bool) -> tuple[str, ...]:
    """One line; with several loads each says which is its own, since all figures depend on it."""
    loop = view.profiles[cell.profile].loop
    name = f"{cell.server}, {'saturated' if loop == 'closed' else 'equal rate'}"
    name = name if several else cell.server
    metrics, latency = cell.metrics, cell.latency_us
    points = [latency.percentiles.get(name) if latency else None for name in ("50", "99")]
    cpu, memory, rate = metrics.cpu_us_per_request, metrics.rss_peak_bytes, metrics.throughput_rps
    usable = cell.trials.valid + cell.trials.suspect
    if rate is None or not usable:
        return (name, *["-"] * 6, "0")
    return (
        name,
        format_rate(rate.value) + (f" +-{_spread(rate)}" if rate.low is not None else ""),
        *(format_us(point) if point is not None else "-" for point in points),
        format_cost(cpu.value) if cpu else "-",
        format_bytes(round(memory.value)) if memory else "-",
        format_percent(cell.success_rate) if cell.success_rate is not None else "-",
        str(usable),
    )


def _spread(metric: Metric) -> str:
    """Half the interval as a share of the value."""
    return percent(((metric.high or 0.0) - (metric.low or 0.0)) / 2 / metric.value)
