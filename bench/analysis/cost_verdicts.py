"""What a request costs against the baseline, from the duets at an equal offered rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.analysis.aggregate import cell_findings
from bench.analysis.noise import compare_copies
from bench.analysis.trials import LATENESS, cost_cells, shown
from bench.analysis.verdicts import decide, no_trials_because, not_comparable, paired_ratio
from bench.analysis.windows import read_windows, window_findings
from bench.model.summary import Cost
from bench.stats.intervals import geometric

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.analysis.noise import Copies
    from bench.analysis.trials import CellTrials
    from bench.model.finding import Finding
    from bench.model.plan import Cell, Plan
    from bench.model.summary import Verdict
    from bench.model.trial_record import TrialRecord

METRIC = "cpu_us_per_request"
_OF_TIMES: Final = LATENESS | {"not-stationary"}
"""What concerns response times alone; a cost that changes within the windows is `drift`."""


class CostDuets(NamedTuple):
    """What the duets of a plan of blocks say.

    Attributes:
        found: (server, workload) -> its cost.
        copies: two copies of the baseline, one pair per workload.
        findings: of the trials and windows, but for what concerns response times alone: those
            of these duets are compared nowhere.
    """

    found: dict[tuple[str, str], Cost]
    copies: tuple[Copies, ...]
    findings: tuple[Finding, ...]


def cost_duets(plan: Plan, trials: Iterable[TrialRecord]) -> CostDuets:
    """Decide the cost of each server and workload; a family of comparisons per workload."""
    cells = cost_cells(plan, trials)
    found: dict[tuple[str, str], Cost] = {}
    copies: list[Copies] = []
    for workload in dict.fromkeys(cell.cell.workload for cell in cells):
        group = [cell for cell in cells if cell.cell.workload == workload]
        again = [cell for cell in group if plan.cost and cell.cell.server == plan.cost.again.name]
        pairs = [each for cell in again if (each := _copies(cell))]
        copies += pairs
        floor = next((pair.may_differ for pair in pairs), None)
        own = [cell for cell in group if cell not in again]
        verdicts = _verdicts(plan, own)
        for cell in own:
            server = cell.cell.server
            found[server, workload] = _cost(cell, verdicts[server], floor)
    findings = tuple(
        each
        for cell in cells
        for each in (*cell_findings(cell), *window_findings(cell, read_windows(cell)))
        if each.code not in _OF_TIMES
    )
    return CostDuets(found, tuple(copies), findings)


def _copies(cell: CellTrials) -> Copies | None:
    return compare_copies(cell.partner, cell) if cell.partner is not None else None


def _verdicts(plan: Plan, cells: Sequence[CellTrials]) -> dict[str, Verdict]:
    """Copies in a family of their own, as everywhere."""
    verdicts: dict[str, Verdict] = {}
    for copy in (False, True):
        family = [cell for cell in cells if (cell.cell.server in plan.copies) is copy]
        ratios = {
            cell.cell.server: ratio
            for cell in family
            if cell.partner and (ratio := paired_ratio(cell, cell.partner, METRIC))
        }
        verdicts |= decide(METRIC, ratios, plan.margin)
        for cell in family:
            if cell.cell.server not in ratios:
                verdicts[cell.cell.server] = not_comparable(no_trials_because(cell))
    return verdicts


def _cost(cell: CellTrials, verdict: Verdict, floor: float | None) -> Cost:
    rates = [trial.offered_rps for trial in cell.usable if trial.offered_rps]
    return Cost(
        ratio=verdict.ratio,
        low=verdict.low,
        high=verdict.high,
        n=verdict.n,
        verdict=verdict,
        rate_rps=rates[-1] if rates else None,
        cpu_us=_mean(cell),
        baseline_cpu_us=_mean(cell.partner) if cell.partner else None,
        floor=floor,
    )


def _mean(cell: CellTrials) -> float | None:
    values = list(shown(METRIC, cell).values())
    return geometric(values).value if values else None


def main_cells(plan: Plan) -> frozenset[Cell]:
    """Where a cost is shown: with the first closed profile of each server and workload."""
    closed = [profile.id for profile in plan.profiles if profile.loop == "closed"]
    found: dict[tuple[str, str], Cell] = {}
    for name in closed:
        for cell in plan.cells:
            if cell.profile == name:
                found.setdefault((cell.server, cell.workload), cell)
    return frozenset(found.values())
