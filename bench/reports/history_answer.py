"""What `bench history` prints: the newest shifts, and what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.analysis.shifts import LEAST_POINTS
from bench.reports.blocks import Paragraph, Section, Table
from bench.reports.terminal import terminal_sections
from bench.reports.wording.history_words import (
    cause_words,
    change_words,
    metric_name,
    short_history,
    where_words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.model.history import History, Series, SeriesChange
    from bench.reports.blocks import Block

_COLUMNS = ("server", "workload", "load", "metric", "change", "where", "held against")


def render_history(history: History, machines: Mapping[str, str], last: int) -> str:
    """Text for a terminal; the newest shifts first.

    Args:
        history: what was found.
        machines: fingerprint -> the machine in words.
        last: how many points back a shift may lie to be shown.
    """
    groups = [
        Section(f"{name} ({fingerprint})", _machine(history, fingerprint, last))
        for fingerprint, name in sorted(machines.items())
    ]
    return terminal_sections(groups)


def _machine(history: History, fingerprint: str, last: int) -> tuple[Block, ...]:
    own = [each for each in history.series if each.points[0].fingerprint == fingerprint]
    longest = max((len(each.points) for each in own), default=0)
    if longest < LEAST_POINTS:
        return (Paragraph(short_history(longest, LEAST_POINTS)),)
    shifts = sorted(
        (
            (each, change)
            for each in own
            for change in each.changes
            if change.index >= len(each.points) - last
        ),
        key=lambda pair: (pair[0].points[pair[1].index].date, -pair[1].p),
        reverse=True,
    )
    looked = sum(1 for each in own if len(each.points) >= LEAST_POINTS)
    count = Paragraph(
        f"{looked} series of up to {longest} runs; {_shifts(len(shifts))} in the last {last}"
    )
    return (
        (count, Table(_COLUMNS, tuple(_row(*pair) for pair in shifts), words=_WORDS))
        if (shifts)
        else (count,)
    )


_WORDS = frozenset(range(len(_COLUMNS)))


def _shifts(count: int) -> str:
    return {0: "no shift", 1: "1 shift"}.get(count, f"{count} shifts")


def _row(series: Series, change: SeriesChange) -> tuple[str, ...]:
    return (
        series.server,
        series.workload,
        series.profile,
        metric_name(series.metric),
        change_words(change, series.metric),
        where_words(change, series),
        cause_words(change),
    )
