"""Where the level of a series shifts: seeded binary segmentation, permutation test; pure.

Values are looked at as logs, so that a shift is a ratio. Splits are sought within intervals of
all lengths, so that a shift that is taken back does not hide (Kovacs et al. 2023, "Seeded binary
segmentation", Biometrika 110). Nothing is assumed of the noise but that, without a shift, the
order of the points means nothing: the best split is judged against the best ones of the same
points in random orders (999 and more), and only one rarer than `alpha` is kept. Where a shift
lies is given as a confidence set (Siegmund 1988, "Confidence sets in change-point problems",
Int. Stat. Rev. 56; by likelihood ratio).
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from bench.stats.intervals import welch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

LEAST_SEGMENT: Final = 3
"""Points on each side of a shift: two have no spread to speak of, and the newest shift is to be
seen soon."""
_ORDERS_FIRST: Final = 99
_COMMON: Final = 0.2
"""A split this common after the first orders is not one: 99 more would not make it rare."""
_ORDERS: Final = 999
_MOST_ORDERS: Final = 99_999
_LIKELIHOOD: Final = -2 * math.log(1 - math.sqrt(0.95))
"""7.35: a place belongs to the 95 % set when twice its log likelihood lies this close below the
best one's. Both sides of the maximum are walks, each below c with probability 1 - exp(-c/2)."""


class LevelChange(NamedTuple):
    """One shift.

    Attributes:
        at: index of the first point on the new level.
        first: the earliest such index that the data allow (95 %); never after `at`.
        last: the latest.
        ratio: new level / old level (geometric means).
        low: lower end of its 95 % interval (Welch).
        high: upper end.
        p: share of random orders in which the best split is at least as good.
    """

    at: int
    first: int
    last: int
    ratio: float
    low: float
    high: float
    p: float


def change_points(
    values: Sequence[float], *, alpha: float = 0.05, seed: int = 0
) -> tuple[LevelChange, ...]:
    """The shifts of a series, in order.

    Each found split is looked at again between its neighbors, since it was found in company of
    other shifts; what then is no longer rare is dropped.

    Args:
        values: greater than 0, oldest first.
        alpha: greatest p of a shift; divide it by how many series are looked at.
        seed: of the random orders; the same series gives the same answer.
    """
    points = np.log(np.asarray(values, dtype=np.float64))
    rng = np.random.default_rng(seed)

    @functools.cache
    def p_value(start: int, end: int) -> float:
        return _p_value(points[start:end], alpha, rng)

    borders = _split(points, (0, len(points)), alpha, p_value)
    while True:
        edges = [0, *borders, len(points)]
        found = [
            _described(points, start, end, p_value(start, end))
            for start, end in zip(edges, edges[2:], strict=False)
        ]
        rare = [border for border, each in zip(borders, found, strict=True) if each.p <= alpha]
        if rare == borders:
            return tuple(found)
        borders = rare


def _split(
    points: NDArray[np.float64],
    within: tuple[int, int],
    alpha: float,
    p_value: Callable[[int, int], float],
) -> list[int]:
    start, end = within
    if p_value(start, end) > alpha:
        return []
    _, split = _strongest(points[None, start:end])
    at = start + int(split[0])
    first = _split(points, (start, at), alpha, p_value)
    return [*first, at, *_split(points, (at, end), alpha, p_value)]


def _intervals(count: int) -> list[tuple[int, int]]:
    """All points, then halves that overlap by half, and so on: twice the points per length."""
    found = [(0, count)]
    length = count / 2
    while round(length) >= 2 * LEAST_SEGMENT:
        steps = math.ceil(2 * count / length) - 1
        stride = (count - length) / (steps - 1)
        found += [
            (math.floor(step * stride), min(count, math.ceil(step * stride + length)))
            for step in range(steps)
        ]
        length /= 2
    return found


def _gains(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum of squares that each split explains (rows x splits), and the whole sum of each row."""
    n = rows.shape[-1]
    centered = rows - rows.mean(axis=-1, keepdims=True)
    counts = np.arange(LEAST_SEGMENT, n - LEAST_SEGMENT + 1)
    sums = np.cumsum(centered, axis=-1)[:, counts - 1]
    return sums**2 * n / (counts * (n - counts)), (centered**2).sum(axis=-1)


def _strongest(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How strong the best split of each row is, and where.

    Strength is Student's t of the two sides as a normal deviate (Wallace 1959), so that splits
    of short and long intervals compare. All intervals are read from one pair of running sums per
    row: a thousand orders of a series are looked at for each split.
    """
    centered = rows - rows.mean(axis=-1, keepdims=True)
    sums, squares = _running(centered), _running(centered**2)
    equal = 1e-12 * squares[:, -1]  # of what the rounding of sums leaves
    best = np.full(len(rows), -1.0)
    place = np.zeros(len(rows), dtype=np.int64)
    for start, end in _intervals(rows.shape[-1]):
        n = end - start
        counts = np.arange(LEAST_SEGMENT, n - LEAST_SEGMENT + 1)
        first = sums[:, start, None]
        mean = (sums[:, end, None] - first) / n
        parts = sums[:, start + LEAST_SEGMENT : end - LEAST_SEGMENT + 1] - first - mean * counts
        gains = parts**2 * (n / (counts * (n - counts)))
        at = gains.argmax(axis=-1)
        explained = gains[np.arange(len(rows)), at]
        whole = squares[:, end] - squares[:, start] - n * mean[:, 0] ** 2
        freedom = n - 2
        rest = np.maximum(whole - explained, whole * 1e-12)
        ratio = np.divide(explained, rest, out=np.zeros_like(rest), where=whole > equal)
        strength = (8 * freedom + 1) / (8 * freedom + 3) * np.sqrt(freedom * np.log1p(ratio))
        better = strength > best
        best = np.where(better, strength, best)
        place = np.where(better, start + LEAST_SEGMENT + at, place)
    return best, place


def _running(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums up to each point, beginning with 0."""
    return np.concatenate((np.zeros((len(rows), 1)), np.cumsum(rows, axis=-1)), axis=-1)


def _p_value(part: NDArray[np.float64], alpha: float, rng: np.random.Generator) -> float:
    """How rare the best split is among random orders; more orders where `alpha` asks for them."""
    if len(part) < 2 * LEAST_SEGMENT or part.max() == part.min():
        return 1.0
    seen = float(_strongest(part[None, :])[0][0]) * (1 - 1e-9)
    orders = rarer = 0
    batch = _ORDERS_FIRST
    while True:
        rows = rng.permuted(part[None, :].repeat(batch, axis=0), axis=1)
        rarer += int((_strongest(rows)[0] >= seen).sum())
        orders += batch
        p = (rarer + 1) / (orders + 1)
        if p > _COMMON or (
            orders >= _ORDERS and (rarer > 1 or p <= alpha or orders >= _MOST_ORDERS)
        ):
            return p
        batch = 9 * orders + 9


def _described(points: NDArray[np.float64], start: int, end: int, p: float) -> LevelChange:
    """The single split of the points from `start` to `end`.

    Its place is the median of the likelihood over places, not the likeliest one: by Pitman's
    argument that is nearer to the truth on average, and where the shift is clear it is the same.
    """
    part = points[start:end]
    gains, whole = _gains(part[None, :])
    rest = np.maximum(whole[0] - gains[0], whole[0] * 1e-12)
    below = len(part) * np.log(rest / rest.min())  # twice the log likelihood, from the best one
    weights = np.cumsum(np.exp(-below / 2))
    best = int(np.searchsorted(weights, weights[-1] / 2))
    allowed = np.flatnonzero(below <= _LIKELIHOOD)
    first = start + LEAST_SEGMENT
    before, after = np.split(np.exp(part), [best + LEAST_SEGMENT])
    ratio = welch(after.tolist(), before.tolist())
    return LevelChange(
        at=first + best,
        first=first + min(best, int(allowed.min())),
        last=first + max(best, int(allowed.max())),
        ratio=ratio.value,
        low=ratio.value if ratio.low is None else ratio.low,
        high=ratio.value if ratio.high is None else ratio.high,
        p=p,
    )
