"""Waits for load processes, as seldom as it can in a window and often enough in a warm-up."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.trial.seam import BegunLoad, LoadChild

TICK_S: Final = 0.25
"""How often we wake up in a window: each time costs 0.1 ms, since our memory has gone cold."""

ASK_S: Final = 0.05
"""How often it is asked whether a warm-up is enough: with 0.25 s each took 0.3 s longer."""

_OBEY_S: Final = 1.0


class Latch:
    """A question that is not asked again once the answer was yes."""

    def __init__(self, question: Callable[[], bool]) -> None:
        self._question = question
        self.seen = False

    def __call__(self) -> bool:
        """Whether it was answered with yes, now or before."""
        self.seen = self.seen or self._question()
        return self.seen


def wait_for(
    children: Sequence[LoadChild],
    began: float,
    limits_s: tuple[float, float],
    tick: Callable[[float], None],
    enough: Callable[[], bool],
    *,
    every_s: float = TICK_S,
) -> bool:
    """Wait for all, or until it is enough; False when one takes longer than the second limit.

    Asked every so many seconds; the tick comes four times a second at most.

    At the first limit each is sent SIGINT: a load tool that still works off requests which the
    server was too slow for ends with a whole report of the time so far.
    """
    asked: set[int] = set()
    next_s = TICK_S
    for child in children:
        while not child.wait(every_s):
            elapsed = time.monotonic() - began
            if elapsed >= next_s:
                next_s = max(next_s + TICK_S, elapsed)
                tick(elapsed)
            if enough():
                return True
            if elapsed > limits_s[0] and child.pid not in asked:
                asked.add(child.pid)
                child.signal(signal.SIGINT)
            if elapsed > limits_s[1]:
                return False
    return True


def end_early(begun: Sequence[BegunLoad]) -> None:
    """End load processes before their time, as Ctrl-C would; those that do not obey are killed."""
    children = [child for running in begun for child in running.children]
    for child in children:
        child.signal(signal.SIGINT)
    if not all(child.wait(_OBEY_S) for child in children):
        for running in begun:
            running.kill()
