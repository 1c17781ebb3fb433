"""What the series of a cell's trials say, and what charts need of a cell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.analysis.bodies import body_bytes, request_bytes
from bench.analysis.cells import memory_slope, middle
from bench.analysis.trials import not_compared
from bench.model.basis import WindowStep
from bench.model.finding import Finding, finding
from bench.model.load_result import unanswered
from bench.model.summary import CellDetail
from bench.stats.intervals import geometric
from bench.stats.steady import Drift, drift, plateau, shape, steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.analysis.trials import CellTrials
    from bench.model.trial_record import TrialRecord
    from bench.stats.histogram import Histogram

BIN_S: Final = 0.25
"""Length of one bin of a series."""
_CURVE_STEPS: Final = 20
"""Points of the curve per factor of ten in 1 - q."""
_CURVE_TENS: Final = 6
TAIL: Final = 2
"""The tail of a distribution begins where latency is this many times the median."""


class Windows(NamedTuple):
    """What the series of one cell say.

    Attributes:
        drift: over the usable trials, None below three of them.
        cost_drift: the same of CPU time per request, from the first half of the windows to the
            second: also where the rate is given, and of each server of a duet.
        steps: of all usable trials.
        plateau_s: seconds of warm-up until the rate is at its level, None where it never is.
        warmup: requests/s per bin, mean over the usable trials.
    """

    drift: Drift | None
    cost_drift: Drift | None
    steps: tuple[WindowStep, ...]
    plateau_s: float | None
    warmup: tuple[float, ...]


def read_windows(cell: CellTrials) -> Windows:
    """Judge the warm-up and the windows of a cell; nothing is excluded by it."""
    usable = cell.usable
    warmup = _mean_series([_as_rate(trial, trial.warmup_series) for trial in usable])
    window = _mean_series([_as_rate(trial, trial.window_series) for trial in usable])
    return Windows(
        drift([trial.window_series for trial in usable]) if _free(cell) else None,
        None if _free(cell) else drift([_costs(trial) for trial in usable], parts=2),
        tuple(step for trial in usable for step in _steps(trial)),
        plateau(warmup, window, BIN_S),
        warmup,
    )


def _free(cell: CellTrials) -> bool:
    """Whether the traffic on the loopback tells the server's own speed: alone, in a closed loop."""
    alone = all(trial.partner is None for trial in cell.usable)
    return alone and cell.partner is None and cell.profile.loop == "closed"


def _costs(trial: TrialRecord) -> Sequence[float]:
    """CPU time per byte on the loopback, in each bin of a window."""
    pairs = zip(trial.cpu_series, trial.window_series, strict=False)
    return [used / sent for used, sent in pairs if used > 0 and sent > 0]


def _as_rate(trial: TrialRecord, series: Sequence[float]) -> Sequence[float]:
    """Scale a series so that the window's mean is the trial's rate.

    What is recorded are bytes on the loopback interface; how many a request takes, the window
    tells.
    """
    mean = math.fsum(trial.window_series) / (len(trial.window_series) or 1)
    if not trial.load or mean <= 0:
        return ()
    scale = trial.load.throughput_rps / mean
    return [value * scale for value in series]


def _steps(trial: TrialRecord) -> list[WindowStep]:
    length = len(trial.window_series) * BIN_S
    return [
        WindowStep(trial=trial.trial, at_s=round(step.at * length, 2), change=step.change)
        for step in steps(trial.window_series)
    ]


def _mean_series(series: Sequence[Sequence[float]]) -> tuple[float, ...]:
    kept = [each for each in series if each]
    if not kept:
        return ()
    length = min(map(len, kept))
    return tuple(math.fsum(each[k] for each in kept) / len(kept) for k in range(length))


def window_findings(cell: CellTrials, windows: Windows) -> tuple[Finding, ...]:
    """`drift` over the rounds and `step` inside single trials, with what to change."""
    drifting = windows.drift if windows.drift and windows.drift.flagged else None
    told = (_drift_finding(cell, drifting, windows.plateau_s),) if drifting else ()
    costing = windows.cost_drift
    if costing and costing.flagged:
        told = (*told, _cost_finding(cell, costing))
    stepped = dict.fromkeys(step.trial for step in windows.steps)
    steps_of = {trial: [s for s in windows.steps if s.trial == trial] for trial in stepped}
    return (*told, *(_step_finding(trial, found) for trial, found in steps_of.items()))


def _drift_finding(cell: CellTrials, seen: Drift, plateau_s: float | None) -> Finding:
    return finding(
        "drift",
        cell.cell.id,
        "rising" if seen.change > 0 else "falling",
        change=seen.change,
        low=seen.low,
        high=seen.high,
        trials=seen.n,
        warmup_s=cell.profile.warmup_s,
        plateau_s=plateau_s,
    )


def _cost_finding(cell: CellTrials, seen: Drift) -> Finding:
    return finding(
        "drift",
        cell.cell.id,
        "cheaper" if seen.change < 0 else "dearer",
        change=seen.change,
        low=seen.low,
        high=seen.high,
        trials=seen.n,
    )


def _step_finding(trial: str, found: Sequence[WindowStep]) -> Finding:
    changes = tuple(step.change for step in found)
    kind = shape(changes)
    return finding(
        "step",
        trial,
        "warm-up" if kind == "warm-up" else "",
        steps=len(found),
        changes=changes,
        at_s=tuple(step.at_s for step in found),
        shape=kind,
    )


def detail(cell: CellTrials, counts: Histogram, windows: Windows) -> CellDetail:
    """What reports show of a cell beyond its summary.

    Args:
        cell: its trials.
        counts: latencies of the usable trials whose p99 may be compared, in one.
        windows: what their series say.
    """
    usable = cell.usable
    rates = list(cell.values("throughput_rps").values())
    slope = memory_slope(cell)
    return CellDetail(
        server=cell.cell.server,
        workload=cell.cell.workload,
        profile=cell.cell.profile,
        request_bytes=request_bytes(cell),
        body_bytes=body_bytes(cell),
        exchanges=usable[0].exchanges if usable else (),
        curve=_curve(cell, counts),
        tail=_tail(cell, counts),
        rounds=tuple(
            (trial.round, trial.load.throughput_rps if trial.load else None, trial.status)
            for trial in cell.recorded
        ),
        warmup=windows.warmup,
        plateau_s=windows.plateau_s,
        drift=windows.drift.change if windows.drift else None,
        steps=windows.steps,
        spread=geometric(rates).sd if rates else None,
        first_request_s=middle(trial.first_request_s for trial in usable),
        memory_slope=slope.ends if slope else None,
    )


def _unanswered(cell: CellTrials) -> int:
    """Of the trials whose latencies are among the curve's."""
    told = [trial for trial in cell.usable if not not_compared(trial, "p99_us")]
    return sum(unanswered(each.load.errors, each.load.loop) for each in told if each.load)


def _tail(cell: CellTrials, counts: Histogram) -> float | None:
    """Percent of the requests below `TAIL` times the median; None where all are."""
    late = _unanswered(cell)
    median = counts.percentile(50, censored=late)
    if median is None:
        return None
    share = 100 * counts.below(TAIL * median) / (counts.count + late)
    return share if share < 100 else None  # noqa: PLR2004 - percent


def _curve(cell: CellTrials, counts: Histogram) -> tuple[tuple[float, float], ...]:
    """(percentile, microseconds), 20 points per factor of ten of what lies beyond."""
    late = _unanswered(cell)
    tens = range(_CURVE_STEPS * _CURVE_TENS + 1)
    percents = [round(100 * (1 - 10 ** (-k / _CURVE_STEPS)), 6) for k in tens][1:]
    values = counts.percentiles(percents, censored=late)
    return tuple(
        (percent, float(value))
        for percent, value in zip(percents, values, strict=True)
        if value is not None
    )
