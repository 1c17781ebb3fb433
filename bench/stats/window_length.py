"""How long a window should be, from what varies inside a trial and from trial to trial."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_S: Final = 1.0
MOST_S: Final = 60.0
"""Windows that are proposed: shorter ones are mostly start and end of the load tool."""


class Variances(NamedTuple):
    """Where the spread of ln(rate) comes from.

    Attributes:
        within: variance of the mean over one second inside a trial; over w seconds a w-th of it.
        between: variance from trial to trial that no longer window takes away.
    """

    within: float
    between: float

    def of_trial(self, window_s: float) -> float:
        """Variance of a trial with a window of that length."""
        return self.between + self.within / window_s


def variances(
    halves: Sequence[Sequence[tuple[float, float]]],
    trial_variance: float,
    window_s: float,
) -> Variances | None:
    """Split the variance of trials into what is inside and what is between them.

    The two halves of a window differ by what varies inside: the variance of ln(second / first)
    is four times that of the whole window's mean. A course that all windows have in common (a
    warm-up that went on) is not a variance.

    Args:
        halves: per cell, what was done in the first and in the second half of each window.
        trial_variance: of ln(rate) from trial to trial, disturbances of whole rounds taken out.
        window_s: length of the windows.

    Returns:
        None where no cell has two trials with both halves.
    """
    power, degrees = 0.0, 0
    for cell in halves:
        logs = [math.log(b / a) for a, b in cell if a > 0 and b > 0]
        if len(logs) > 1:
            mean = math.fsum(logs) / len(logs)
            power += math.fsum((each - mean) ** 2 for each in logs)
            degrees += len(logs) - 1
    if not degrees:
        return None
    within = power / degrees * window_s / 4
    return Variances(within, max(0.0, trial_variance - within / window_s))


def best_window_s(found: Variances, overhead_s: float) -> float:
    """The window that gives the narrowest interval for the same time.

    An interval over n trials is as wide as sqrt(variance of a trial / n), and a trial takes
    overhead + window: the product of both is least at sqrt(overhead x within / between)
    (Kalibera and Jones, "Rigorous benchmarking in reasonable time", ISMM 2013, section 6).
    """
    if found.between <= 0:
        return MOST_S if found.within > 0 else LEAST_S
    return min(MOST_S, max(LEAST_S, math.sqrt(overhead_s * found.within / found.between)))


def relative_width(found: Variances, overhead_s: float, window_s: float, other_s: float) -> float:
    """Width of intervals with one window over that with another, for the same time."""
    first, second = (
        found.of_trial(length) * (overhead_s + length) for length in (window_s, other_s)
    )
    return math.sqrt(first / second) if second > 0 else 1.0
