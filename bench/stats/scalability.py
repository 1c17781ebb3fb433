"""The Universal Scalability Law through measured rates: contention, coherency, where it peaks.

Gunther, Guerrilla Capacity Planning (2007): X(N) = g N / (1 + a (N - 1) + b N (N - 1)), with g the
rate of one, a the share of the work that is serial (contention) and b what pairs cost each other
by keeping agreed (coherency). N / X is linear in the three, so that it is fitted by weighted
linear least squares; the weights make relative errors of X count alike. Coefficients below 0
mean nothing in the law: one that would be is left out and 0.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.stats.student import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    _Matrix = NDArray[np.floating[Any]]

MIN_LEVELS: Final = 4
"""Three coefficients go through any three levels: nothing would be left to tell an error by."""
_REWEIGHTED: Final = 10
_TERMS: Final = 3


class Coefficients(NamedTuple):
    """One coefficient with its interval.

    Attributes:
        low: never below 0; 0 = it may be nothing.
    """

    value: float
    low: float
    high: float


class Scalability(NamedTuple):
    """The law fitted to one server.

    Attributes:
        single: the rate at N = 1.
        contention: share of the work that is serial, 0 to 1.
        coherency: cost of keeping agreed, per pair.
        peak: N beyond which more is less; None where there is no such N (no coherency).
        levels: different N measured.
        sd: relative deviation of the rates from the law.
    """

    single: Coefficients
    contention: Coefficients
    coherency: Coefficients
    peak: float | None
    levels: int
    sd: float

    def rate(self, n: float) -> float:
        """What the law says for that N."""
        a, b = self.contention.value, self.coherency.value
        return self.single.value * n / (1 + a * (n - 1) + b * n * (n - 1))


def fit_scalability(
    n: Sequence[float], rates: Sequence[float], confidence: float = 0.95
) -> Scalability | None:
    """Fit the law; None below four different N, or where nothing positive fits.

    Intervals are those of the linear fit carried over to the ratios (delta method), with Student
    t and n - 3 degrees of freedom.

    Args:
        n: connections or CPUs of each measurement, above 0; the same N may stand there often.
        rates: what was reached, above 0.
        confidence: of the intervals, 0 to 1.

    Raises:
        ValueError: unequal lengths, or a value that is not above 0.
    """
    import numpy as np  # noqa: PLC0415 - late: most of `bench` needs none

    if len(n) != len(rates):
        raise ValueError(f"{len(n)} N and {len(rates)} rates")
    if any(not value > 0 for value in (*n, *rates)):
        raise ValueError("N and rates are above 0")
    levels = len(set(n))
    if levels < MIN_LEVELS:
        return None
    at, seen = np.asarray(n, float), np.asarray(rates, float)
    terms = np.stack([np.ones_like(at), at - 1, at * (at - 1)], axis=1)
    found = _best(terms, at / seen)
    if found is None:
        return None
    values, spread, sd = found
    t = quantile((1 + confidence) / 2, len(n) - float(_TERMS))
    single = 1 / values[0]
    wide = t * math.sqrt(spread[0, 0]) / values[0]
    contention = _ratio(values, spread, 1, t)
    coherency = _ratio(values, spread, 2, t)
    room = 1 - contention.value
    peak = math.sqrt(room / coherency.value) if coherency.value > 0 and room > 0 else None
    ends = (single / (1 + wide), single / (1 - wide) if wide < 1 else math.inf)
    return Scalability(Coefficients(single, *ends), contention, coherency, peak, levels, sd)


def _best(terms: _Matrix, y: _Matrix) -> tuple[_Matrix, _Matrix, float] | None:
    """The fit without negative coefficients that leaves the least: values, covariance, sd."""
    fits = []
    for more in itertools.product((True, False), repeat=2):
        kept = [0, *(index for index, use in enumerate(more, 1) if use)]
        values = _fitted(terms[:, kept], y)
        if (values >= 0).all() and values[0] > 0:
            whole = _whole(kept, values)
            fits.append((_left(terms, y, whole), whole))
    if not fits:
        return None
    rest, values = min(fits, key=lambda fit: fit[0])
    variance = rest / (len(y) - _TERMS)
    return values, _covariance(terms, values) * variance, math.sqrt(variance)


def _whole(kept: list[int], values: _Matrix) -> _Matrix:
    import numpy as np  # noqa: PLC0415 - see above

    whole = np.zeros(_TERMS)
    whole[kept] = values
    return whole


def _fitted(terms: _Matrix, y: _Matrix) -> _Matrix:
    """Least squares of relative errors, weighted by the fit itself after the first time."""
    import numpy as np  # noqa: PLC0415 - see above

    scale = y
    values: _Matrix = np.zeros(terms.shape[1])
    for _ in range(_REWEIGHTED):
        values = np.linalg.lstsq(terms / scale[:, None], y / scale, rcond=None)[0]
        fitted = terms @ values
        if (fitted <= 0).any():
            break
        scale = fitted
    return values


def _left(terms: _Matrix, y: _Matrix, values: _Matrix) -> float:
    import numpy as np  # noqa: PLC0415 - see above

    fitted = terms @ values
    return float(np.sum((y / fitted - 1) ** 2))


def _covariance(terms: _Matrix, values: _Matrix) -> _Matrix:
    """Of all three coefficients, also of one at its bound, for a variance of 1."""
    import numpy as np  # noqa: PLC0415 - see above

    scaled = terms / (terms @ values)[:, None]
    inverse: _Matrix = np.linalg.pinv(scaled.T @ scaled)
    return inverse


def _ratio(values: _Matrix, spread: _Matrix, index: int, t: float) -> Coefficients:
    """A coefficient over that of a single one."""
    base, own = float(values[0]), float(values[index])
    ratio = own / base
    variance = (
        spread[index, index] - 2 * ratio * spread[0, index] + ratio**2 * spread[0, 0]
    ) / base**2
    half = t * math.sqrt(max(0.0, float(variance)))
    return Coefficients(ratio, max(0.0, ratio - half), ratio + half)
