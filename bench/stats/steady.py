"""Is a window steady? Drift over rounds, steps inside a trial, time to the plateau.

Series are rates per bin of equal length (250 ms). Nothing here excludes anything.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from bench.stats.intervals import MIN_ROUNDS
from bench.stats.student import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

DRIFT_CONFIDENCE: Final = 0.99
DRIFT_MIN: Final = 0.01
_HALVES: Final = 2
_LN_MOST: Final = 700.0
"""Beyond it there is no float: what a rate next to 0 rises by."""
STEP_MIN: Final = 0.05
SEGMENT_SHARE: Final = 0.2
PLATEAU_SHARE: Final = 0.98
PLATEAU_BINS: Final = 4
"""The plateau is reached where a second's worth of bins is on average at 98 % of it.

Fewer remain at the end of a warm-up, where one fast bin shows nothing; only a warm-up that is
shorter than a second is judged by what it has.
"""
_BINS_MAX: Final = 80
"""Longer series are coalesced: the partition's work grows with the square of the length."""
_BINS_MIN: Final = 10

Shape = Literal["flat", "warm-up", "slowdown", "unsteady"]


class Drift(NamedTuple):
    """How much the rate changes inside the windows.

    Attributes:
        change: mean of last part / first part - 1 over the rounds; 0.03 = rising by 3 %.
        low: lower end of its 99 % interval.
        high: upper end of its 99 % interval.
        n: rounds.
        flagged: the interval excludes 0 and the change is above 1 %.
    """

    change: float
    low: float
    high: float
    n: int
    flagged: bool


class LevelShift(NamedTuple):
    """One lasting change of the rate inside a window.

    Attributes:
        at: where it happens, as a share of the window, 0 to 1.
        change: rate after / rate before - 1.
    """

    at: float
    change: float


def drift(windows: Sequence[Sequence[float]], *, parts: int = 3) -> Drift | None:
    """Test ln(mean of last third / mean of first third) of each window against 0 over rounds.

    Rounds are independent, so that autocorrelation inside a window does not matter. A window of a
    second leaves two whole bins beside its ends as often as three: where one of them has no
    thirds, the halves of all are compared.

    Args:
        windows: one series of rates per round.
        parts: 2 compares the halves in any case.

    Returns:
        None where fewer than 3 windows can be used: those of two bins or more.
    """
    whole = [each for each in windows if len(each) >= _HALVES]
    parts = min(parts, min(map(len, whole), default=parts))
    gains = [gain for each in whole if (gain := _gain(each, parts)) is not None]
    n = len(gains)
    if n < MIN_ROUNDS:
        return None
    mean = math.fsum(gains) / n
    sd = math.sqrt(math.fsum((gain - mean) ** 2 for gain in gains) / (n - 1))
    half = quantile((1 + DRIFT_CONFIDENCE) / 2, n - 1.0) * sd / math.sqrt(n)
    flagged = abs(mean) > half and abs(mean) > DRIFT_MIN
    return Drift(math.expm1(mean), math.expm1(mean - half), math.expm1(mean + half), n, flagged)


def _gain(window: Sequence[float], parts: int) -> float | None:
    length = len(window) // parts
    first, last = math.fsum(window[:length]), math.fsum(window[-length:])
    return math.log(last / first) if first > 0 and last > 0 else None


def steps(window: Sequence[float]) -> tuple[LevelShift, ...]:
    """Find steps of more than 5 % by exact optimal partition of the log rates.

    Segments are at least 20 % of the window; each further segment must pay
    3 * (1 + r) / (1 - r) * sigma^2 * ln n, where r is the lag-1 autocorrelation of the
    residuals, estimated from first differences and then from the partition itself.

    Args:
        window: rates per bin; fewer than 10 bins or a rate of 0 gives no steps.
    """
    series = _coalesce(window)
    if len(series) < _BINS_MIN or min(series) <= 0:
        return ()
    logs = [math.log(rate) for rate in series]
    least = max(2, math.ceil(SEGMENT_SHARE * len(logs)))
    cuts = _partition(logs, least, _penalty(_free_residuals(logs, least)))
    edges = [0, *cuts, len(logs)]
    levels = [math.fsum(logs[a:b]) / (b - a) for a, b in pairwise(edges)]
    found = (
        LevelShift(cut / len(logs), math.expm1(min(after - before, _LN_MOST)))
        for cut, (before, after) in zip(cuts, pairwise(levels), strict=True)
    )
    return tuple(step for step in found if abs(step.change) > STEP_MIN)


def shape(changes: Sequence[float]) -> Shape:
    """Name a window by the changes of its steps, in the words of Barrett et al. (2017)."""
    if not changes:
        return "flat"
    if all(change > 0 for change in changes):
        return "warm-up"
    if all(change < 0 for change in changes):
        return "slowdown"
    return "unsteady"


def _coalesce(series: Sequence[float]) -> list[float]:
    group = math.ceil(len(series) / _BINS_MAX) or 1
    whole = len(series) - len(series) % group
    return [math.fsum(series[k : k + group]) / group for k in range(0, whole, group)]


def _free_residuals(logs: Sequence[float], least: int) -> list[float]:
    """Residuals around the best partition when further segments cost nothing."""
    edges = [0, *_partition(logs, least, 0.0), len(logs)]
    out: list[float] = []
    for a, b in pairwise(edges):
        center = math.fsum(logs[a:b]) / (b - a)
        out += [value - center for value in logs[a:b]]
    return out


def _penalty(residuals: Sequence[float]) -> float:
    n = len(residuals)
    power = math.fsum(value * value for value in residuals)
    if power == 0:
        return 0.0
    lagged = math.fsum(a * b for a, b in pairwise(residuals))
    r = min(0.95, max(0.0, lagged / power))
    return 3 * (1 + r) / (1 - r) * power / n * math.log(n)


def _partition(logs: Sequence[float], least: int, penalty: float) -> list[int]:
    """Cuts that minimise squared error + penalty per segment; dynamic programming."""
    n = len(logs)
    total, square = [0.0], [0.0]
    for value in logs:
        total.append(total[-1] + value)
        square.append(square[-1] + value * value)
    best, origin = [0.0] + [math.inf] * n, [0] * (n + 1)
    for end in range(least, n + 1):
        for start in range(end - least + 1):
            if best[start] < math.inf:
                error = (
                    square[end] - square[start] - (total[end] - total[start]) ** 2 / (end - start)
                )
                cost = best[start] + error + penalty
                if cost < best[end]:
                    best[end], origin[end] = cost, start
    cuts, end = [], n
    while origin[end]:
        end = origin[end]
        cuts.append(end)
    return cuts[::-1]


def plateau(warmup: Sequence[float], window: Sequence[float], bin_s: float) -> float | None:
    """Seconds of warm-up until the rate is at 98 % of its level in the measured window.

    Args:
        warmup: rates per bin from the warm-up's start.
        window: rates per bin of the measured window.
        bin_s: length of a bin in seconds.

    Returns:
        None where there is no series, or where the warm-up ends before that level.
    """
    level = sorted(window)[len(window) // 2] if window else 0.0
    if level <= 0:
        return None
    bins = min(PLATEAU_BINS, len(warmup))
    for start in range(len(warmup) - bins + 1):
        ahead = warmup[start : start + bins]
        if ahead and math.fsum(ahead) / bins >= PLATEAU_SHARE * level:
            return start * bin_s
    return None
