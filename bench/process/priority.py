"""Puts `bench` itself out of the way of what it measures: by priority, or on CPUs of its own."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

PRIO_DARWIN_PROCESS: Final = 4
PRIO_DARWIN_BG: Final = 0x1000
"""Of setpriority(2); Python has names for them from 3.12 on."""

_ALLOWED: frozenset[int] = frozenset()
if sys.platform == "linux":
    _ALLOWED = frozenset(os.sched_getaffinity(0))


@contextlib.contextmanager
def in_background() -> Iterator[bool]:
    """Give this process background priority on macOS, which keeps it off the fast cores.

    Nothing that the supervisor starts is touched: it was started before and passes its own
    priority on. Tells whether the system did it; elsewhere nothing is done.
    """
    done = sys.platform == "darwin" and _set(PRIO_DARWIN_BG)
    try:
        yield done
    finally:
        if done:
            _set(0)


def keep_off(cpus: Collection[int]) -> None:
    """Hold every thread of this process off these CPUs, where it may use others; Linux only.

    Threads that are there already do not follow the main thread's choice: the one that receives
    for an agent is older than the first trial.
    """
    if sys.platform == "linux":
        others = _ALLOWED - set(cpus)
        for thread in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                os.sched_setaffinity(int(thread.name), others or _ALLOWED)


def _set(value: int) -> bool:
    try:
        os.setpriority(PRIO_DARWIN_PROCESS, 0, value)
    except OSError:
        return False
    return True
