"""Puts `bench` itself out of the way of what it measures, on a system that cannot pin."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PRIO_DARWIN_PROCESS: Final = 4
PRIO_DARWIN_BG: Final = 0x1000
"""Of setpriority(2); Python has names for them from 3.12 on."""


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


def _set(value: int) -> bool:
    try:
        os.setpriority(PRIO_DARWIN_PROCESS, 0, value)
    except OSError:
        return False
    return True
