"""How much work warms each server of a run, as its first warm-ups showed it."""

from __future__ import annotations

import statistics
from typing import Final

_ENOUGH: Final = 3


class LearnedWork:
    """CPU seconds by the name of what was learned, from two or three warm-ups each.

    One is not believed: a machine that stood still for a moment looked like a compiler, and with
    3 s of warm-up in place of 1 s before every trial of that server 28 minutes became 37.
    Two that agree on whether there is anything to wait for are, else the median of three.
    """

    def __init__(self) -> None:
        self._seen: dict[str, list[float]] = {}

    def known(self, name: str) -> float | None:
        """CPU seconds after which that was over, 0 = at once; None = not known yet."""
        seen = self._seen.get(name, [])
        agree = len(seen) > 1 and (min(seen) > 0 or max(seen) == 0)
        return statistics.median_low(seen) if agree or len(seen) >= _ENOUGH else None

    def add(self, name: str, cpu_s: float, *, whole: bool = True) -> None:
        """One more warm-up; what is known stays as it is.

        Args:
            name: the server's id, and what was learned of it.
            cpu_s: its CPU time in that warm-up until it was warm, 0 = it was at once.
            whole: it went on for as much work as is needed to tell. One that was ended at a cap
                and shows nothing is believed at once: the next would end there too.
        """
        if self.known(name) is None:
            times = 1 if whole or cpu_s else _ENOUGH
            self._seen.setdefault(name, []).extend([cpu_s] * times)
