"""Sorts trials into cells and reads the metrics of one trial."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.model.summary import TrialCounts
from bench.model.trial_record import cpu_us_per_request, lied, span_share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bench.model.plan import Cell, LoadProfile, Plan
    from bench.model.trial_record import TrialRecord

LATENCIES: Final = frozenset({"p50_us", "p99_us"})
"""Compared only in an open loop."""
DUET_DIAGNOSIS: Final = frozenset({"throughput_rps"})
"""Of two servers on one CPU the scheduler decides who is served more: no verdict."""
COST_METRIC: Final = "requests_per_cpu_second"
"""By which duets compare: CPU time per request, seen the way in which more is better."""
UNCOMPARED: Final = frozenset({"pacer-late", "arrivals-off", "not-stationary"})
"""Findings of a trial whose response times are the load generator's or a moment's."""
LATENESS: Final = frozenset({"pacer-late", "late-pacer"})
"""Of these CPU per request has nothing: a request that was sent some microseconds late costs what
it costs. Of `arrivals-off` it has: a server pays less for requests that come in bursts."""
_TAIL: Final = "tail"
_CLOSED_ONLY: Final = frozenset({"throughput_rps"})


class CellTrials(NamedTuple):
    """All trials of one cell.

    Attributes:
        planned: how many the plan holds, added rounds included.
        recorded: every record in order, those that were run again included.
        final: one per round: a re-run stands in place of what it repeats.
        partner: in duets, the baseline as it was in these very trials; None elsewhere.
    """

    cell: Cell
    profile: LoadProfile
    planned: int
    recorded: tuple[TrialRecord, ...]
    final: tuple[TrialRecord, ...]
    partner: CellTrials | None = None

    @property
    def usable(self) -> tuple[TrialRecord, ...]:
        """Those that enter estimates: valid and suspect ones, ascending by round.

        None where the server was caught with a wrong answer in one of them: the next one, in
        which no question hit, is not better.
        """
        if any(map(lied, self.recorded)):
            return ()
        return tuple(trial for trial in self.final if trial.usable)

    @property
    def counts(self) -> TrialCounts:
        """How many trials ended how."""
        statuses = [trial.status for trial in self.final]
        return TrialCounts(
            planned=self.planned,
            valid=statuses.count("valid"),
            suspect=statuses.count("suspect"),
            invalid=statuses.count("invalid"),
            failed=statuses.count("failed"),
            interrupted=statuses.count("interrupted"),
        )

    def values(self, metric: str) -> dict[int, float]:
        """Round -> value of a metric, for usable trials that have it."""
        read = _READ[metric]
        pairs = (
            (trial.round, read(trial)) for trial in self.usable if not not_compared(trial, metric)
        )
        return {number: value for number, value in pairs if value and 0 < value < math.inf}


def by_cell(plan: Plan, trials: Iterable[TrialRecord]) -> tuple[CellTrials, ...]:
    """Group trials by cell, in the plan's order of cells; unknown cells are left out."""
    profiles = {profile.id: profile for profile in plan.profiles}
    planned: dict[str, set[int]] = {}
    for trial in plan.trials:
        planned.setdefault(trial.cell.id, set()).add(trial.round)
    recorded: dict[str, list[TrialRecord]] = {}
    for record in trials:
        recorded.setdefault(record.cell.id, []).append(record)
    cells = tuple(
        _cell_trials(
            cell, profiles[cell.profile], planned.get(cell.id, set()), recorded.get(cell.id, [])
        )
        for cell in plan.cells
        if not (plan.search and profiles[cell.profile].sought)
    )
    return with_partners(plan, cells) if plan.design == "duet" else cells


def with_partners(plan: Plan, cells: tuple[CellTrials, ...]) -> tuple[CellTrials, ...]:
    """Give each cell of a duet plan its own baseline; the baseline's cell is that of its copy.

    The baseline has no trials of its own: it is part of every other one. Its own cell shows
    what it did beside the first arm of its group that was measured, as a rule its copy.
    """
    paired = [_paired(plan, cell) for cell in cells]
    done = []
    for cell in paired:
        if cell.cell.server != plan.baseline:
            done.append(cell)
            continue
        group = (cell.cell.workload, cell.cell.profile)
        others = [
            other.partner
            for other in paired
            if other.partner and (other.cell.workload, other.cell.profile) == group
        ]
        # A copy without any usable trial must not take the baseline from the others.
        done.append(next((own for own in others if own.usable), others[0] if others else cell))
    return tuple(done)


def cost_cells(plan: Plan, trials: Iterable[TrialRecord]) -> tuple[CellTrials, ...]:
    """The duets that decide the cost, each cell with its own baseline; none without `cost`."""
    if plan.cost is None:
        return ()
    return by_cell(
        plan.replace(design="duet", cells=plan.cost.cells, profiles=(plan.cost.profile,)), trials
    )


def _paired(plan: Plan, cell: CellTrials) -> CellTrials:
    if cell.cell.server == plan.baseline:
        return cell
    baseline = cell.cell.replace(server=plan.baseline)
    partner = CellTrials(
        baseline,
        cell.profile,
        cell.planned,
        tuple(own for own in map(_partner, cell.recorded) if own),
        tuple(own for own in map(_partner, cell.final) if own),
    )
    return cell._replace(partner=partner)


def _partner(trial: TrialRecord) -> TrialRecord | None:
    """The baseline's part of a duet as a record of its own."""
    part = trial.partner
    if part is None:
        return None
    return trial.replace(
        trial=f"{trial.trial}/partner",
        server=part.server,
        server_process=part.server_process,
        load=part.load,
        pacing=part.pacing,
        resources=part.resources,
        counters=part.counters,
        exchanges=part.exchanges,
        sidechannel=part.sidechannel,
        warmup_series=part.warmup_series,
        window_series=part.window_series,
        cpu_series=part.cpu_series,
        build_hash=part.build_hash,
        startup_s=part.startup_s,
        first_request_s=part.first_request_s,
        findings=(),
        partner=None,
    )


def _cell_trials(
    cell: Cell, profile: LoadProfile, rounds: set[int], recorded: Sequence[TrialRecord]
) -> CellTrials:
    last = {record.round: record for record in recorded}
    final = tuple(last[number] for number in sorted(last))
    return CellTrials(cell, profile, len(rounds | last.keys()), tuple(recorded), final)


def compared(metric: str, profile: LoadProfile) -> bool:
    """Whether servers are compared by this metric: rates closed-loop, latencies open-loop."""
    if profile.own:  # each server gets a rate of its own
        return False
    return metric not in (_CLOSED_ONLY if profile.loop == "open" else LATENCIES)


def shown(metric: str, trials: CellTrials) -> dict[int, float]:
    """Round -> value of a metric, empty where it may not be shown.

    A percentile is shown only where every usable trial has it: enough requests beyond it and
    its rank not among timeouts. Trials whose response times are not compared are left out.
    """
    values = trials.values(metric)
    if metric not in LATENCIES:
        return values
    asked = [trial for trial in trials.usable if not not_compared(trial, metric)]
    return {} if len(values) < len(asked) else values


def withheld_by(metric: str, trials: CellTrials) -> tuple[str, ...]:
    """The findings for which no trial of a cell has this latency; () where one has it."""
    if not all(not_compared(trial, metric) for trial in trials.usable):
        return ()
    codes = (each.code for trial in trials.usable for each in trial.findings)
    return tuple(dict.fromkeys(code for code in codes if code in UNCOMPARED))


def not_compared(trial: TrialRecord, metric: str) -> bool:
    """Whether a finding says that this latency is not the server's; a late tail spares p50."""
    return metric in LATENCIES and any(
        each.code in UNCOMPARED and not (each.case == _TAIL and metric == "p50_us")
        for each in trial.findings
    )


def _throughput(trial: TrialRecord) -> float | None:
    return trial.load.throughput_rps if trial.load else None


def _requests_per_cpu_second(trial: TrialRecord) -> float | None:
    cost = cpu_us_per_request(trial)
    return 1e6 / cost if cost else None


def _instructions(trial: TrialRecord) -> float | None:
    count = trial.resources.instructions
    if trial.load is None or not trial.load.ok or count is None:
        return None
    return count / (trial.load.ok * span_share(trial))


def _memory(trial: TrialRecord) -> float | None:
    return trial.resources.rss_peak_bytes


def _percentile(key: str) -> Callable[[TrialRecord], float | None]:
    def read(trial: TrialRecord) -> float | None:
        latency = trial.load.latency_us if trial.load else None
        return latency.percentiles.get(key) if latency else None

    return read


_READ: Final[Mapping[str, Callable[[TrialRecord], float | None]]] = {
    "throughput_rps": _throughput,
    "requests_per_cpu_second": _requests_per_cpu_second,
    "p50_us": _percentile("50"),
    "p99_us": _percentile("99"),
    "cpu_us_per_request": cpu_us_per_request,
    "instructions_per_request": _instructions,
    "rss_peak_bytes": _memory,
}
