"""What a request costs: in duets at an equal offered rate, and beside it saturated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports import rows
from bench.reports.blocks import Folded, Heading, Paragraph, Table
from bench.reports.figures import figures
from bench.reports.primary_metric import COST
from bench.reports.view import metric_of
from bench.reports.wording.notes import is_short, verdict_phrase
from bench.reports.wording.verdict_words import percent, times
from bench.units import format_count, format_rate

if TYPE_CHECKING:
    from bench.model.summary import Cost
    from bench.reports.blocks import Block
    from bench.reports.figures import Charts
    from bench.reports.view import Entry, Group, View

_SAID: Final = (
    "CPU per request depends on the load. At equal rate: duets, each server beside the baseline "
    "on the same CPUs and sent the same rate; this decides. Saturated: as many requests "
    "as each can answer, one server after the other. Noise floor: what two copies of the baseline "
    "may differ by in such duets, at the rate beside it."
)
_FOLD_ABOVE: Final = 12
_COLUMNS: Final = (
    "Workload",
    "Server",
    "Offered to each",
    "CPU per request at equal rate",
    "Baseline beside it",
    "Against baseline at equal rate",
    "Against baseline saturated",
    "Duets",
    "Noise floor",
    "Verdict",
)


def costs(view: View, charts: Charts) -> tuple[Block, ...]:
    """The table where cost was measured, and the charts of CPU per request."""
    lines = tuple(
        _line(view, group, entry, entry.cell.cost)
        for group in view.groups
        for entry in group.others
        if entry.cell.cost
    )
    if not (lines or charts.after):
        return ()
    blocks: list[Block] = [Heading("What a request costs")]
    if lines:
        table = Table(_COLUMNS, lines, frozenset({0, 1, 9}), tuple(line[0] for line in lines))
        folded = Folded(f"All {len(lines)} comparisons of cost", (table,))
        blocks += [Paragraph(_SAID), folded if len(lines) > _FOLD_ABOVE else table]
    return (*blocks, *figures(charts.after))


def _line(view: View, group: Group, entry: Entry, cost: Cost) -> tuple[str, ...]:
    saturated = metric_of(entry, "cpu_us_per_request")
    compared = not (group.is_open or is_short(group, entry))
    beside = saturated.verdict if saturated and compared else None
    return (
        group.subject,
        entry.title,
        f"{format_rate(cost.rate_rps)}/s" if cost.rate_rps else rows.ABSENT,
        _us(cost.cpu_us),
        _us(cost.baseline_cpu_us),
        times(cost.verdict) or rows.ABSENT,
        (times(beside) if beside else "") or rows.ABSENT,
        format_count(cost.n),
        _floor(view, group, cost),
        verdict_phrase(cost.verdict, COST),
    )


def _floor(view: View, group: Group, cost: Cost) -> str:
    """With the rate that the copies were sent: at another one they may differ by more."""
    if cost.floor is None:
        return rows.ABSENT
    again = view.run.plan.cost.again.name if view.run.plan.cost else ""
    rates = [
        trial.offered_rps
        for trial in view.run.trials
        if (trial.server, trial.workload) == (again, group.workload) and trial.usable
    ]
    known = [each for each in rates if each]
    return percent(cost.floor) + (f" at {format_rate(known[-1])}/s" if known else "")


def _us(value: float | None) -> str:
    return rows.format_cost(value) if value else rows.ABSENT
