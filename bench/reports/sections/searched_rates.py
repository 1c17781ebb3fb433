"""The rates that keep a promise, and load curves: sections of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.blocks import Bullets, Folded, Heading, Paragraph, Section, Table, strong
from bench.reports.curve_figures import readings
from bench.reports.figures import figures
from bench.reports.rows import ABSENT, format_us
from bench.reports.wording.capacity_words import answer, step_why
from bench.units import format_rate

if TYPE_CHECKING:
    from bench.model.capacity import CapacityResult, CapacityStep
    from bench.reports.blocks import Block, Text
    from bench.reports.figures import Charts
    from bench.reports.view import View

_STEPS: Final = ("Offered", "Trial", "Answered", "p99", "Holds", "Why")


def capacity_section(view: View, charts: Charts) -> Section:
    """The rates that keep the promise, the curve behind them, and every step."""
    found = view.run.capacities
    if not found:
        return Section("", ())
    promise = found[0].promise
    plan = view.run.plan
    tolerance = plan.search.tolerance if plan.search else 0.0
    blocks: list[Block] = [
        Bullets(tuple(_line(view, one) for one in found)),
        Paragraph(
            f"Searched to {tolerance:.0%} by short trials, each with a fresh server, and confirmed "
            "by whole ones, three at each rate. The answer is where a line through all trials "
            "nearby meets the promise; the interval holds both its 95 % interval and the two "
            "rates at which whole trials held and failed."
        ),
        *figures(charts.curves),
    ]
    for one in found:
        if one.steps:
            name = view.titles.get(one.server, one.server)
            blocks.append(
                Folded(f"{name}, {one.workload}: {len(one.steps)} steps", (steps_table(one),))
            )
    return Section(f"The rate at which {promise} holds", tuple(blocks))


def curve_section(view: View, charts: Charts) -> Section:
    """Load curves: response time and CPU per request over the offered rate."""
    if not view.curves or view.run.capacities:
        return Section("", ())
    blocks: list[Block] = [*figures(charts.curves)]
    for name in dict.fromkeys((group.workload, group.profile.curve or "") for group in view.curves):
        found = [g for g in view.curves if (g.workload, g.profile.curve) == name]
        blocks += [Heading(f"{found[0].subject}, {name[1]}"), _points(view, name)]
    own = any(group.profile.own for group in view.curves)
    said = "each server's own capacity" if own else "the slowest server's capacity"
    blocks.append(
        Paragraph(
            f"Rates are shares of {said}, measured before the first round in a closed loop. "
            "Saturated: the server did not keep up with the rate; late: the load tool did not; "
            "those are marked and belong to no line."
        )
    )
    return Section("Load curves", tuple(blocks))


def _points(view: View, curve: tuple[str, str]) -> Table:
    """Figures of a curve, server by server."""
    columns = ("Server", "Offered", "Answered", "p50", "p99", "CPU per request", "Note")
    rows: tuple[tuple[Text, ...], ...] = tuple(
        (
            strong(one.server),
            format_rate(one.rate),
            f"{one.achieved:.1%}" if one.achieved is not None else ABSENT,
            *(format_us(value) if value else ABSENT for value in (one.p50, one.p99)),
            f"{one.cpu:,.1f} us" if one.cpu else ABSENT,
            one.mark,
        )
        for one in readings(view, curve)
    )
    return Table(columns, rows, frozenset({0, 6}))


def _line(view: View, one: CapacityResult) -> Text:
    name = view.titles.get(one.server, one.server)
    workload = view.run.plan.workload_titles.get(one.workload, one.workload)
    return (strong(name), f", {workload}: {answer(one)}.")


def steps_table(one: CapacityResult) -> Table:
    """Every step of a search in order."""
    return Table(_STEPS, tuple(_step(one, step) for step in one.steps), frozenset({0, 1, 4, 5}))


def _step(one: CapacityResult, step: CapacityStep) -> tuple[Text, ...]:
    return (
        format_rate(step.rate_rps),
        "whole" if step.whole else "short",
        ABSENT if step.achieved_rps is None else format_rate(step.achieved_rps),
        ABSENT if step.p99_us is None else format_us(step.p99_us),
        "yes" if step.holds else "no",
        step_why(step, one.promise),
    )
