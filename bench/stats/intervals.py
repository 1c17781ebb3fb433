"""Estimates of positive quantities: geometric means and ratios with Student-t intervals on logs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.stats.student import quantile, two_sided_p

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_ROUNDS = 3
"""Below this many observations no interval is made."""


class Estimate(NamedTuple):
    """A geometric mean or a ratio of two, with its interval.

    Attributes:
        value: on the scale of the data (a ratio has no unit).
        low: lower end of the interval, None where n is too small.
        high: upper end of the interval, None where n is too small.
        n: observations; of the smaller side in an unpaired ratio.
        sd: standard deviation of the logs (of the log-ratios where paired); None for n < 2.
        p: two-sided p of "the ratio is 1", None where there is no interval.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    sd: float | None
    p: float | None

    @property
    def half_width(self) -> float | None:
        """Half the interval's length on the log scale; exp(h) - 1 is about the +- in percent."""
        if self.low is None or self.high is None:
            return None
        return (math.log(self.high) - math.log(self.low)) / 2


class Mean(NamedTuple):
    """An arithmetic mean: of quantities that may be 0 or negative.

    Attributes:
        ends: of its interval, None where n is too small.
    """

    value: float
    ends: tuple[float, float] | None
    n: int


def mean_of(values: Sequence[float], confidence: float = 0.95) -> Mean:
    """Arithmetic mean with a t interval.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("no values to estimate from")
    n, center = len(values), _mean(values)
    if n < MIN_ROUNDS:
        return Mean(center, None, n)
    half = quantile((1 + confidence) / 2, n - 1.0) * math.sqrt(_variance(values) / n)
    return Mean(center, (center - half, center + half), n)


def geometric(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Geometric mean with a t interval on the logs; p is not meaningful here.

    Args:
        values: positive observations, one per round.
        confidence: of the interval, 0 to 1.

    Raises:
        ValueError: no values, or one that is not positive.
    """
    return _from_logs(_logs(values), confidence)._replace(p=None)


def paired(
    values: Sequence[float], baseline: Sequence[float], confidence: float = 0.95
) -> Estimate:
    """Ratio values / baseline where position i of both was measured in the same round.

    Student t on ln(values[i] / baseline[i]), n - 1 degrees of freedom (Kalibera and Jones 2013).

    Raises:
        ValueError: unequal lengths, no values, or one that is not positive.
    """
    if len(values) != len(baseline):
        raise ValueError(f"{len(values)} values cannot be paired with {len(baseline)}")
    logs = [a - b for a, b in zip(_logs(values), _logs(baseline), strict=True)]
    return _from_logs(logs, confidence)


def welch(values: Sequence[float], baseline: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Ratio of two unpaired samples: Welch's t on the logs (Welch 1947).

    Raises:
        ValueError: one side is empty or has a value that is not positive.
    """
    a, b = _logs(values), _logs(baseline)
    difference = _mean(a) - _mean(b)
    n = min(len(a), len(b))
    if n < MIN_ROUNDS:
        return Estimate(_exp(difference), None, None, n, None, None)
    va, vb = _variance(a) / len(a), _variance(b) / len(b)
    error = math.sqrt(va + vb)
    df = len(a) + len(b) - 2.0
    if error > 0:
        df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return _interval(difference, error, df, n, math.sqrt(_variance(a) + _variance(b)), confidence)


def _from_logs(logs: Sequence[float], confidence: float) -> Estimate:
    n, center = len(logs), _mean(logs)
    sd = math.sqrt(_variance(logs)) if n > 1 else None
    if sd is None or n < MIN_ROUNDS:
        return Estimate(_exp(center), None, None, n, sd, None)
    return _interval(center, sd / math.sqrt(n), n - 1.0, n, sd, confidence)


def _interval(  # noqa: PLR0917 - the six numbers of one t interval, private
    center: float, error: float, df: float, n: int, sd: float, confidence: float
) -> Estimate:
    half = quantile((1 + confidence) / 2, df) * error
    certain = 0.0 if center else 1.0
    p = two_sided_p(center / error, df) if error > 0 else certain
    return Estimate(_exp(center), _exp(center - half), _exp(center + half), n, sd, p)


def _exp(log: float) -> float:
    """What a logarithm stands for; far beyond every ratio, of a damaged record, ends of floats."""
    return math.exp(max(-_LOG_MAX, min(log, _LOG_MAX)))


_LOG_MAX: Final = 700.0


def _logs(values: Sequence[float]) -> list[float]:
    if not values:
        raise ValueError("no values to estimate from")
    if not all(value > 0 and math.isfinite(value) for value in values):
        raise ValueError("logarithms need positive, finite values")
    return [math.log(value) for value in values]


def _mean(numbers: Sequence[float]) -> float:
    return math.fsum(numbers) / len(numbers)


def _variance(numbers: Sequence[float]) -> float:
    center = _mean(numbers)
    return math.fsum((number - center) ** 2 for number in numbers) / (len(numbers) - 1)
