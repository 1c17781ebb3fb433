"""Is a server warm? Its CPU time per request, quarter of a second by quarter of a second."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST: Final = 4
"""Quarters of a second without which nothing is judged: two against the two before."""

_GROUP: Final = 4
_FLAT: Final = 0.03
"""Change from one second to the next below which a cost is flat: what is left of a warm-up with a
time constant of 3 s is then a tenth; a quarter of a second alone spreads by 2 to 5 %."""

_FLAT_SHORT: Final = 0.02
"""The same from half a second to the next."""

_NOISE_MOST: Final = 0.06
"""What spreads so much that its own noise hides more than this is not called flat."""


class Settling(NamedTuple):
    """How far a warm-up has come.

    Attributes:
        flat: the cost no longer changes by more than noise.
        change: mean cost of the last stretch / that of the one before - 1.
    """

    flat: bool
    change: float


def settling(costs: Sequence[float]) -> Settling | None:
    """Compare the mean of the last quarters with that of as many before.

    A change within 3 % is flat (within 2 % while there is less than a second on each side), and
    so is one within two standard errors of the quarters' own spread, up to 6 %.

    Args:
        costs: CPU time per request of successive quarters of a second.

    Returns:
        None where there are fewer than four.
    """
    if len(costs) < LEAST:
        return None
    count = min(_GROUP, len(costs) // 2)
    late, early = costs[-count:], costs[-2 * count : -count]
    after, before = math.fsum(late) / count, math.fsum(early) / count
    if before <= 0 or after <= 0:
        return None
    power = math.fsum((each / after - 1) ** 2 for each in late)
    power += math.fsum((each / before - 1) ** 2 for each in early)
    noise = 2 * math.sqrt(power / (2 * count - 2) * 2 / count)
    least = _FLAT if count == _GROUP else _FLAT_SHORT
    change = after / before - 1
    return Settling(abs(math.log(after / before)) <= max(least, min(noise, _NOISE_MOST)), change)
