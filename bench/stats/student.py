"""Student's t distribution, from scipy.special; imported late because a run never needs it."""

from __future__ import annotations

from functools import cache


@cache
def quantile(probability: float, df: float) -> float:
    """The value below which a t variable with `df` degrees of freedom lies with `probability`.

    Raises:
        ValueError: df is not positive or the probability is outside (0, 1).
    """
    if not (df > 0 and 0 < probability < 1):
        raise ValueError(f"no t quantile for probability {probability} and df {df}")
    from scipy.special import stdtrit  # noqa: PLC0415 - takes a tenth of a second to import

    return float(stdtrit(df, probability))


def two_sided_p(t: float, df: float) -> float:
    """The probability of a |t| at least this large when the true mean is 0.

    Raises:
        ValueError: df is not positive.
    """
    if not df > 0:
        raise ValueError(f"no t distribution with df {df}")
    from scipy.special import stdtr  # noqa: PLC0415 - as above

    return min(1.0, 2.0 * float(stdtr(df, -abs(t))))
