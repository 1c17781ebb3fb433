"""Is a server warm? Its CPU time per request, quarter of a second by quarter of a second."""

from __future__ import annotations

import itertools
import math
import statistics
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.quarter import Quarter

LEAST: Final = 4
"""Quarters of a second without which nothing is judged: two against the two before."""

JUDGED_FROM_S: Final = 1.0
"""A warm-up that is asked to be shorter is taken as it is: a second tells nothing less."""

_GROUP: Final = 4
_FLAT: Final = 0.03
"""Fall below which a cost is flat, from the least so far to the last second: what is left of a
warm-up with a time constant of 3 s is then a tenth; quarters of a second spread by 2 to 5 %."""

_FLAT_SHORT: Final = 0.02
"""The same where half a second is all there is to compare."""

_SPREAD: Final = 0.05
"""Of a single quarter of a second, see `_FLAT`."""

_NOISE_MOST: Final = 0.06
"""What spreads so much that its own noise hides more than this is not called flat."""


_OF_THE_END: Final = 1.3
"""Of the cost in the end: what costs more is not warm yet. What V8 has not compiled costs 2 to 4
times as much; seconds of a warm server lie within 10 % of each other, 20 % on a busy machine."""


class Settling(NamedTuple):
    """How far a warm-up has come.

    Attributes:
        flat: the cost no longer falls by more than noise.
        change: mean cost of the last stretch / the least mean of an earlier one - 1.
    """

    flat: bool
    change: float


def still(costs: Sequence[float]) -> bool:
    """Whether a warm-up has come to its end, see `settling`."""
    seen = settling(costs)
    return seen is not None and seen.flat


def steady(costs: Sequence[float]) -> bool:
    """Whether the last quarter of a second cost no less than the one before, within its spread.

    For what was warm already and had its load changed: two quarters are enough for that.
    """
    return len(costs) > 1 and costs[-1] >= costs[-2] * (1 - _SPREAD)


def settling(costs: Sequence[float]) -> Settling | None:
    """Compare the last second with the cheapest one before it.

    A server that is still being compiled gets cheaper from second to second, each one a new
    least; what else moves the cost of a quarter of a second goes up as well as down. A fall
    within 3 % is flat (2 % where half seconds are compared), and so is one within two standard
    errors of the quarters' own spread, up to 6 %. The first quarter, in which connections are
    opened (2 to 3 times the cost of the others), is left out where there are more than four.

    Args:
        costs: CPU time per request of successive quarters of a second.

    Returns:
        None where there are fewer than four, or one is not positive.
    """
    if len(costs) > LEAST:
        costs = costs[1:]
    if len(costs) < LEAST or min(costs) <= 0:
        return None
    count = min(_GROUP, len(costs) // 2)
    late = costs[-count:]
    earlier = [costs[at : at + count] for at in range(len(costs) - 2 * count + 1)]
    least = min(earlier, key=math.fsum)
    after, before = math.fsum(late) / count, math.fsum(least) / count
    power = math.fsum((each / after - 1) ** 2 for each in late)
    power += math.fsum((each / before - 1) ** 2 for each in least)
    noise = 2 * math.sqrt(power / (2 * count - 2) * 2 / count)
    allowed = _FLAT if count == _GROUP else _FLAT_SHORT
    change = after / before - 1
    return Settling(change >= -max(allowed, min(noise, _NOISE_MOST)), change)


def warm_after(quarters: Sequence[Quarter]) -> float:
    """CPU seconds of work after which a request costs what it costs in the end; 0 = at once.

    Compilers inside a server begin when functions have been called often enough: Express goes on
    at 3 times its cost for 1 to 1.5 s of its CPU time, flat to within the noise, before it falls
    for another second. CPU time tells where that is, alone, in duets and on a slow machine alike.

    Args:
        quarters: of a warm-up that went on longer than that.
    """
    costs = [each.cost for each in quarters]
    if len(costs) < 2 * _GROUP:
        return 0.0
    end = statistics.median(costs[-2 * _GROUP :])
    middles = [
        statistics.median_low(costs[at : at + _GROUP]) for at in range(len(costs) - _GROUP + 1)
    ]
    above = [at for at, middle in enumerate(middles) if middle > end * _OF_THE_END]
    return quarters[above[-1] + _GROUP - 1].cpu_s if above else 0.0


def settled_after(quarters: Sequence[Quarter]) -> float:
    """CPU seconds of work after which a change of load is digested; 0 = there is none.

    What follows the change costs more for a while without a break; a neighbor that makes one
    quarter of a second dear later is not that.

    Args:
        quarters: since the change; the last four tell what a request costs in the end.
    """
    costs = [each.cost for each in quarters]
    if len(costs) < _GROUP + 1:
        return 0.0
    end = statistics.median(costs[-_GROUP:])
    dear = [cost > end * _OF_THE_END for cost in costs]
    at = next((at for at, pair in enumerate(itertools.pairwise(dear)) if not any(pair)), len(dear))
    return quarters[at - 1].cpu_s if at else 0.0
