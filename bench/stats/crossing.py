"""Where a line through noisy points meets a limit: an answer with its interval; pure."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.stats.student import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

FAR: Final = 4.0
"""Points farther from the limit than by this factor say no more than that they are far: beyond
the knee of a queue a straight line means nothing."""

_ROUNDS: Final = 10
_HUBER: Final = 1.5
_MAD: Final = 1.4826
_FLATTEST: Final = 1.0
"""Response times grow at least in proportion to the rate there: noise may say otherwise."""


class Near(NamedTuple):
    """One trial: its rate, measured / promised, and how much it counts."""

    rate: float
    ratio: float
    weight: float


class Crossing(NamedTuple):
    """The rate at which the line meets the limit, and its 95 % interval."""

    value: float
    low: float
    high: float


class _Line(NamedTuple):
    """y = y0 + slope (x - x0) through the weighted center, and how far points lie from it."""

    x0: float
    y0: float
    slope: float
    weight: float
    spread: float
    variance: float


def crossing(points: Sequence[Near], low: float, high: float) -> Crossing:
    """Fit ln(measured / promised) over ln(rate) and find where it is 0.

    Weighted least squares; points far from the line count less (Huber's weights), since a stall
    of the machine is not a property of the server. The interval is that of an inverse prediction
    (NIST/SEMATECH e-Handbook 2.3.6), by the delta method.

    Args:
        points: trials around the limit.
        low: a rate below it; the whole answer where the points make no line.
        high: a rate above it.
    """
    middle = math.sqrt(low * high)
    if len({point.rate for point in points}) < 2 or len(points) < 3:  # noqa: PLR2004 - what a line needs
        return Crossing(middle, low, high)
    xs = [math.log(point.rate) for point in points]
    ys = [math.log(min(max(point.ratio, 1 / FAR), FAR)) for point in points]
    line = _fitted(xs, ys, [point.weight for point in points])
    met = line.x0 - line.y0 / line.slope
    error = math.sqrt(line.variance * (1 / line.weight + (met - line.x0) ** 2 / line.spread))
    half = quantile(0.975, len(points) - 2.0) * error / line.slope
    return Crossing(math.exp(met), math.exp(met - half), math.exp(met + half))


def _fitted(xs: Sequence[float], ys: Sequence[float], weights: Sequence[float]) -> _Line:
    used = list(weights)
    line = _line(xs, ys, used)
    for _ in range(_ROUNDS):
        off = [
            abs(y - line.y0 - line.slope * (x - line.x0)) * math.sqrt(weight)
            for x, y, weight in zip(xs, ys, weights, strict=True)
        ]
        most = _HUBER * _MAD * median(off) or math.inf
        used = [
            weight * min(1.0, most / each) if each else weight
            for weight, each in zip(weights, off, strict=True)
        ]
        line = _line(xs, ys, used)
    return line


def _line(xs: Sequence[float], ys: Sequence[float], weights: Sequence[float]) -> _Line:
    total = math.fsum(weights)
    x0 = math.fsum(w * x for w, x in zip(weights, xs, strict=True)) / total
    y0 = math.fsum(w * y for w, y in zip(weights, ys, strict=True)) / total
    spread = math.fsum(w * (x - x0) ** 2 for w, x in zip(weights, xs, strict=True))
    both = math.fsum(w * (x - x0) * (y - y0) for w, x, y in zip(weights, xs, ys, strict=True))
    slope = max(_FLATTEST, both / spread)
    rest = math.fsum(
        w * (y - y0 - slope * (x - x0)) ** 2 for w, x, y in zip(weights, xs, ys, strict=True)
    )
    return _Line(x0, y0, slope, total, spread, rest / (len(xs) - 2))
