"""Decides when a costly reading may be repeated; pure."""

from __future__ import annotations

import math


class ReadingPace:
    """Keeps one kind of reading below a share of one CPU.

    Args:
        every_s: shortest time between two readings.
        share: of one CPU that the readings may use in the long run.
    """

    def __init__(self, every_s: float, share: float) -> None:
        self._every_s = every_s
        self._share = share
        self._next_s = 0.0
        self._earliest_s = 0.0
        self._wanted_s = math.inf

    def due(self, now_s: float) -> bool:
        """Whether it is time."""
        return now_s >= min(self._next_s, self._wanted_s)

    def ran(self, now_s: float, cost_s: float) -> None:
        """Note a reading and what it cost; one wanted after it began is still wanted."""
        self._earliest_s = now_s + cost_s / self._share
        self._next_s = max(now_s + self._every_s, self._earliest_s)
        if now_s >= self._wanted_s:
            self._wanted_s = math.inf

    def want(self, at_s: float) -> None:
        """Ask for a reading at that time although the last one is recent."""
        self._wanted_s = at_s

    def hurry(self) -> None:
        """Ask for a reading as soon as the cost of the last one allows."""
        self._next_s = min(self._next_s, self._earliest_s)
