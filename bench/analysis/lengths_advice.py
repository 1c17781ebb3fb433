"""Which window would have given narrower intervals for the same time, by what a run measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bench.analysis.verdicts import paired_ratio
from bench.model.basis import WindowAdvice
from bench.stats.window_length import best_window_s, relative_width, variances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.analysis.trials import CellTrials
    from bench.model.plan import Plan
    from bench.model.trial_record import TrialRecord

_LEAST = 3


def window_advice(plan: Plan, groups: Sequence[Sequence[CellTrials]]) -> WindowAdvice | None:
    """Over all closed loops of a plan of blocks with windows of one length; None without any."""
    if plan.design != "blocks":
        return None
    closed = [group for group in groups if group and group[0].profile.loop == "closed"]
    cells = [cell for group in closed for cell in group if len(cell.usable) >= _LEAST]
    spreads = [sd**2 / 2 for group in closed for sd in _spreads(plan, group)]
    lengths = {cell.profile.duration_s for cell in cells}
    if not cells or not spreads or len(lengths) != 1:
        return None
    window_s = lengths.pop()
    trials = [trial for cell in cells for trial in cell.usable]
    overhead_s = math.fsum(t.phases_s.total - t.phases_s.window for t in trials) / len(trials)
    halves = [[_halves(trial) for trial in cell.usable] for cell in cells]
    found = variances(halves, math.fsum(spreads) / len(spreads), window_s)
    if found is None:
        return None
    best_s = best_window_s(found, overhead_s)
    return WindowAdvice(
        window_s=window_s,
        best_s=round(best_s, 2),
        wider=round(relative_width(found, overhead_s, window_s, best_s), 4),
        within_sd=round(math.sqrt(found.within), 6),
        between_sd=round(math.sqrt(found.between), 6),
        overhead_s=round(overhead_s, 3),
    )


def _spreads(plan: Plan, group: Sequence[CellTrials]) -> list[float]:
    """Standard deviations of the log-ratios of a group: what disturbs whole rounds is out."""
    base = next((cell for cell in group if cell.cell.server == plan.baseline), None)
    if base is None:
        return []
    ratios = (paired_ratio(cell, base, "throughput_rps") for cell in group if cell is not base)
    return [
        ratio.estimate.sd
        for ratio in ratios
        if ratio and ratio.estimate.sd and ratio.estimate.n >= _LEAST
    ]


def _halves(trial: TrialRecord) -> tuple[float, float]:
    series = trial.window_series
    half = len(series) // 2
    return math.fsum(series[:half]), math.fsum(series[len(series) - half :])
