"""Which machine did what, where server and load have machines of their own."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.reports.blocks import Heading, Paragraph, Section, Table, strong
from bench.reports.rows import ABSENT, format_us
from bench.units import format_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.model.machine_part import MachinePart
    from bench.model.trial_record import TrialRecord
    from bench.reports.blocks import Block, Text
    from bench.reports.view import View

_COLUMNS: Final = ("Machine", "Rate", "Busy", "p50", "p99", "Network", "Begun late", "Clock moved")
_TOLD: Final = (
    "Medians over the usable trials. Rate and percentiles are those that the machine itself "
    "measured; those of the results are made of the added histograms of all machines. Busy: the "
    "busiest load process's share of a CPU, or the busiest share of the server's CPUs; from 90 % "
    "on that is the limit. Network: share of the link's speed where that is known. Begun late: "
    "after the start that was agreed on. Clock moved: against this machine's, within the window; "
    "every duration is from the clock of the machine that measured it."
)


def machines_section(view: View) -> Section:
    """The machines, and per cell what each of them did; empty for a run on one machine."""
    plan = view.run.plan
    if plan.machines is None:
        return Section("", ())
    blocks: list[Block] = [_who(view)]
    by_cell: dict[str, list[TrialRecord]] = defaultdict(list)
    for trial in view.run.trials:
        if trial.usable and trial.machines:
            by_cell[trial.cell.id].append(trial)
    for name, trials in by_cell.items():
        blocks += [Heading(name), _did(trials)]
    if by_cell:
        blocks.append(Paragraph(_TOLD))
    return Section("Machines", tuple(blocks))


def _who(view: View) -> Table:
    planned = view.run.plan.machines
    rows: list[tuple[Text, ...]] = [
        (
            strong(one.name),
            ", ".join(map(str, one.cpus)) or ABSENT,
            ", ".join(f"{tool} {version or '?'}" for tool, version in one.tools.items()) or ABSENT,
            one.fingerprint,
        )
        for one in (planned.machines if planned else ())
    ]
    columns = ("Machine", "CPUs", "Load tools", "Fingerprint")
    return Table(columns, tuple(rows), frozenset({0, 1, 2, 3}))


def _did(trials: Sequence[TrialRecord]) -> Table:
    parts: dict[str, list[MachinePart]] = defaultdict(list)
    for trial in trials:
        for part in trial.machines:
            parts[part.name].append(part)
    return Table(_COLUMNS, tuple(_row(name, seen) for name, seen in parts.items()))


def _row(name: str, seen: Sequence[MachinePart]) -> tuple[Text, ...]:
    latencies = [part.latency_us for part in seen if part.latency_us]
    return (
        strong(name),
        _middle((part.throughput_rps for part in seen), format_rate),
        _middle((part.busy for part in seen), _percent),
        *(
            _middle((one.percentiles.get(rank) for one in latencies), format_us)
            for rank in ("50", "99")
        ),
        _middle((part.network.share if part.network else None for part in seen), _percent),
        _middle((part.start_late_s for part in seen), _millis),
        _middle((part.drift_s for part in seen), _millis),
    )


def _middle(values: Iterable[float | None], shown: Callable[[float], str]) -> str:
    known = [value for value in values if value is not None]
    return shown(median(known)) if known else ABSENT


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _millis(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms"
