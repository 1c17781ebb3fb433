"""Whose limit was measured: cells whose throughput is only a lower bound."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from bench.analysis.in_flight import RATE_CAUSE, window_short
from bench.analysis.verdicts import NoiseBounds
from bench.model.finding import Finding, finding
from bench.model.server_config import CEILING
from bench.stats.intervals import geometric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.analysis.trials import CellTrials
    from bench.model.plan import Plan
    from bench.model.trial_record import Bound

NEAR_CEILING: Final = 0.8
_ORDER: Final[tuple[Bound, ...]] = ("client", "server", "neither")


def bound_of(cell: CellTrials) -> Bound:
    """Who was the limit in most of the usable trials; in doubt the load tool."""
    seen: Counter[Bound] = Counter(trial.bound for trial in cell.usable)
    del seen["unknown"]
    if not seen:
        return "unknown"
    most = max(seen.values())
    return next(bound for bound in _ORDER if seen[bound] == most)


def ceiling_arms(plan: Plan) -> frozenset[str]:
    """Names of the arms that are the ceiling server and not the baseline."""
    return frozenset(
        arm.name for arm in plan.arms if arm.server == CEILING and arm.name != plan.baseline
    )


def lower_bounds(
    cells: Sequence[CellTrials], ceilings: frozenset[str]
) -> dict[str, tuple[Finding, str]]:
    """Find the cells of one workload and profile whose throughput is a lower bound.

    Returns:
        Server -> the finding, and the reason as it stands in a verdict.
    """
    top = _rate([cell for cell in cells if cell.cell.server in ceilings])
    found: dict[str, tuple[Finding, str]] = {}
    for cell in cells:
        server = cell.cell.server
        rate = _rate([cell])
        if cell.profile.loop == "open" or server in ceilings or not rate:
            continue
        if short := window_short(cell):
            found[server] = (short, RATE_CAUSE)
        elif bound_of(cell) == "client":
            found[server] = (_client_bound(cell), "the load tool was the limit")
        elif top and rate >= NEAR_CEILING * top:
            found[server] = (_near_ceiling(cell, rate / top), "near this machine's ceiling")
    return found


def as_bounds(
    found: dict[str, tuple[Finding, str]], baseline: str, cells: Sequence[CellTrials]
) -> NoiseBounds:
    """The same as verdicts of those cells against that baseline take it."""
    reasons = {server: reason for server, (_, reason) in found.items()}
    own = reasons.pop(baseline, None)
    return NoiseBounds(reasons, {cell.cell.server: own for cell in cells} if own else {})


def _rate(cells: Sequence[CellTrials]) -> float | None:
    rates = [rate for cell in cells for rate in cell.values("throughput_rps").values()]
    return geometric(rates).value if rates else None


def _client_bound(cell: CellTrials) -> Finding:
    hit = sum(trial.bound == "client" for trial in cell.usable)
    return finding("client-bound", cell.cell.id, trials=hit, usable=len(cell.usable))


def _near_ceiling(cell: CellTrials, share: float) -> Finding:
    case = "above" if share > 1 else "below"
    return finding("near-ceiling", cell.cell.id, case, share=share)
