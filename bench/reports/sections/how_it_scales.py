"""Scaling: what a sweep over connections or CPUs shows of each server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.blocks import Bullets, Heading, Paragraph, Section, Table, strong
from bench.reports.figures import figures
from bench.reports.rows import ABSENT
from bench.reports.scaling_figures import chart_name, courses, sweeps_of
from bench.units import format_count, format_rate

if TYPE_CHECKING:
    from bench.model.scaling import Scaling, ScalingPoint
    from bench.reports.blocks import Block, Text
    from bench.reports.figures import Charts
    from bench.reports.view import View

_NAMES: Final = {"connections": "connections", "server_cpus": "CPUs of the server"}
_SAID: Final = (
    "The Universal Scalability Law (Gunther) is fitted to the rates of all trials: contention is "
    "the share of the work that is serial, coherency what each pair costs by keeping agreed; in "
    "brackets their 95 % intervals. Stops gaining: from there on no level brings more than the "
    "margin. Rates that the load tool limited are lower bounds and no part of the law."
)


def scaling_section(view: View, charts: Charts) -> Section:
    """Words, chart and rates of every sweep."""
    blocks: list[Block] = []
    for sweep in sweeps_of(view):
        found = courses(view, sweep)
        subject = view.run.plan.workload_titles.get(sweep[0], sweep[0])
        blocks.append(Heading(f"{subject} over {_NAMES[sweep[1]]} ({sweep[2]})"))
        blocks.append(Bullets(tuple(_line(view, one) for one in found)))
        blocks += figures(one for one in charts.scaling if one.name == chart_name(sweep))
        blocks.append(_table(view, sweep[1], found))
    said = (Paragraph(_SAID),) if any(one.law for one in view.run.summary.scaling) else ()
    return Section("Scaling", (*blocks, *said))


def _line(view: View, one: Scaling) -> Text:
    return (strong(view.titles.get(one.server, one.server)), f": {one.text}.")


def _table(view: View, swept: str, found: list[Scaling]) -> Table:
    """Levels down, servers across."""
    names = [view.titles.get(one.server, one.server) for one in found]
    levels = sorted({point.at for one in found for point in one.points})
    lines: tuple[tuple[Text, ...], ...] = tuple(
        (strong(format_count(at)), *(_rate(one, at) for one in found)) for at in levels
    )
    head = "Connections" if swept == "connections" else "CPUs"
    return Table((head, *names), lines)


def _rate(one: Scaling, at: int) -> str:
    point = next((point for point in one.points if point.at == at), None)
    return ABSENT if point is None else _with_interval(point)


def _with_interval(point: ScalingPoint) -> str:
    bound = "≥ " if point.client_bound else ""
    if point.low is None or point.high is None:
        return f"{bound}{format_rate(point.rate_rps)}"
    ends = f"[{format_rate(point.low)}, {format_rate(point.high)}]"
    return f"{bound}{format_rate(point.rate_rps)} {ends}"
