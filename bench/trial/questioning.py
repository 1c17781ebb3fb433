"""When a server is questioned in a trial, and how much: what that costs, and what it finds out.

In the warm-up often, since nothing is measured there; in the window as little as finds something;
right after it much, while the server is still hot. docs/method.md says which lies that finds.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bench.trial.byte_check import byte_census
from bench.trial.side_channel import AFTER, SideChannel

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from bench.model.load_result import LoadResult
    from bench.model.plan import LoadProfile, Workload
    from bench.model.target import Target
    from bench.model.trial_record import Counters, SidechannelResult
    from bench.sampler import Observation
    from bench.trial.answer_sizes import AnswerSizes

_SHARE: Final = 0.002
"""Of the load's requests: what our questions cost the server is a tenth of the margin at most."""
_LEAST_PER_S: Final = 2.0
_MOST_PER_S: Final = 64.0
_UNKNOWN_PER_S: Final = 8.0
_WINDOW_LINES: Final = 16
_WARMUP_QUESTIONS: Final = 300
_WARMUP_LINES: Final = 32
_WARMUP_SLICE_S: Final = 0.015
"""Of each quarter of a second: load tool and `bench` may share a CPU."""
_WARMUP_SHARE: Final = 0.1
_MANY_LINES: Final = 64
_FIRST_OF_LINE: Final = 4
_LONG_LINES: Final = 4
_LONG_LIFE: Final = 110
_AFTER_S: Final = 0.5
"""For all of them, of each server: with a second a trial of 40 KB bodies cost 1.1 s beside it."""
_LONG_S: Final = 2.5
_PRESSED: Final = 3000
_PRESSED_S: Final = 3.0
_LIVES: Final = (_FIRST_OF_LINE, _LONG_LIFE, 1)


class Questioning:
    """All questions of one trial."""

    def __init__(
        self, target: Target, workload: Workload, profile: LoadProfile, rng: random.Random
    ) -> None:
        self._side = SideChannel(target, workload, rng)
        self._workload = workload
        self._profile = profile
        self._rate: float | None = profile.rate_rps
        self._left = _WARMUP_QUESTIONS
        if profile.rate_rps is not None:
            planned = _WARMUP_SHARE * profile.rate_rps * profile.warmup_s
            self._left = min(self._left, int(planned))
        self._asked_in_window = 0
        self._ours: list[tuple[float, int]] = []

    @property
    def sizes(self) -> AnswerSizes:
        """Of right answers."""
        return self._side.sizes

    def without_ours(self, seen: Observation) -> Counters:
        """Counters of the window without the connections of ours that each look saw."""
        return seen.counters.replace(connections_seen=without_ours(seen.looks, self._ours))

    def result(self) -> SidechannelResult:
        """The counts so far."""
        return self._side.result()

    def warming_up(self) -> None:
        """The warm-up goes on: ask for a small slice of it."""
        self._side.phase = "warm-up"
        until = time.monotonic() + _WARMUP_SLICE_S
        lines = min(self._profile.connections, _WARMUP_LINES)
        self._left -= self._side.ask(self._left, lines, _LIVES, until)

    def warmed_up(self, rate_rps: float | None) -> None:
        """The warm-up is over: no connection of ours is to stand in the way of what follows.

        Args:
            rate_rps: what the load reached in it, None = not known yet.
        """
        self._side.hang_up()
        self._rate = self._rate or rate_rps

    def in_window(self, elapsed: float) -> None:
        """The window goes on: hear what was answered, ask what is due, wait for nothing."""
        self._side.phase = "window"
        rate = _UNKNOWN_PER_S
        if self._rate:
            rate = min(max(_SHARE * self._rate, _LEAST_PER_S), _MOST_PER_S)
        due = max(1, int(rate * elapsed)) - self._asked_in_window
        count = min(max(0, due), _WINDOW_LINES) if elapsed < self._profile.duration_s else 0
        self._side.glance(count, _WINDOW_LINES)
        self._asked_in_window += count
        kept = self._side.kept
        if not self._ours or self._ours[-1][1] != kept:
            self._ours.append((time.monotonic(), kept))

    def right_after(self) -> None:
        """The load has ended this moment: ask over as many connections, then over long ones.

        A server may lie on the first or on the hundredth request of a connection only, or only
        while many are under way.
        """
        self._side.hang_up()
        self._side.phase = AFTER
        began = time.monotonic()
        many = min(self._profile.connections, _MANY_LINES)
        self._side.ask(many * _FIRST_OF_LINE, many, (_FIRST_OF_LINE,), began + _AFTER_S / 2)
        self._side.hang_up()
        # Four at once, on a slow machine, would all end before their hundredth.
        self._side.ask(_LONG_LIFE, 1, (_LONG_LIFE,), began + _LONG_S)
        more = _LONG_LINES - 1
        self._side.ask(more * _LONG_LIFE, more, (_LONG_LIFE,), began + _AFTER_S)
        self._side.hang_up()

    def end(self) -> None:
        """Close what is open."""
        self._side.end()

    def counted(self, load: LoadResult) -> None:
        """The bytes of the window are known: where they do not fit, ask until it is known why."""
        if not self._side.wrong and byte_census(load, self._workload, self._profile, self.sizes):
            self.press()

    def press(self) -> None:
        """Ask until it is known what else is answered, or for some seconds."""
        many = min(self._profile.connections, _MANY_LINES)
        until = time.monotonic() + _PRESSED_S
        self._side.ask(_PRESSED, many, _LIVES, until, enough=1)
        self._side.hang_up()


def without_ours(
    looks: Sequence[tuple[float, int]], ours: Sequence[tuple[float, int]]
) -> int | None:
    """The most connections that were seen at a server beside ours; None where nobody looked.

    Args:
        looks: (monotonic second, connections) of each look.
        ours: (monotonic second, connections of ours from then on) of each change, in order; none
            before. Just before a change it may have happened already: the fewer are taken off,
            so that none of the load's ever is.
    """
    return max((count - _open_at(at_s, ours) for at_s, count in looks), default=None)


def _open_at(at_s: float, ours: Sequence[tuple[float, int]]) -> int:
    before = next((count for since, count in reversed(ours) if since <= at_s), 0)
    after = next((count for since, count in ours if since > at_s), before)
    return min(before, after)
