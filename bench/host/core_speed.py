"""How fast the cores are right now: CPU time of one fixed computation on each.

On a rented machine another customer may have the second thread of a core. No time is stolen
then, and no counter shows it: the core computes at 60 % of its speed for some seconds. Over 45
windows of a fast server the logarithms of its rate and of this computation's time right before
and after had a correlation of -0.6 (-0.8 within the window, where it would be part of the load).
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BASE: Final = int("3" * 299)
_EXPONENT: Final = (1 << 60) + 12345
_MODULUS: Final = int("7" * 300) | 1
"""Some 270 us of multiplications in registers, within one call of C: no memory, no interpreter."""

_TIMES: Final = 3
_MOST_CPUS: Final = 4
"""So that it takes 5 ms at most; a neighbor on one core of sixteen moves little."""


def work_us(cpus: Sequence[int]) -> float | None:
    """CPU microseconds of the computation: the least of three on each CPU, their mean.

    CPU time, not time: waiting for a CPU that a server still uses does not count.

    Args:
        cpus: logical CPUs; the first four are asked.

    Returns:
        None where there are none, or where this thread cannot be held on one (macOS).
    """
    if sys.platform != "linux":
        return None
    times = [_least_us(cpu) for cpu in cpus[:_MOST_CPUS]]
    known = [each for each in times if each is not None]
    return round(sum(known) / len(known), 1) if known and len(known) == len(times) else None


@contextmanager
def held_on(cpu: int | None) -> Iterator[int | None]:
    """Hold this thread on a CPU for a while where the system can; tells which one it is held on."""
    if cpu is None or sys.platform != "linux":
        yield None
        return
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError:
        # The CPU went off or the cpuset shrank between looking and holding.
        yield None
        return
    try:
        yield cpu
    finally:
        os.sched_setaffinity(0, before)


def _least_us(cpu: int) -> float | None:
    with held_on(cpu) as held:
        if held is None:
            return None
        _once_ns()  # caches and clock of this core
        return min(_once_ns() for _ in range(_TIMES)) / 1e3


def _once_ns() -> int:
    began = time.thread_time_ns()
    pow(_BASE, _EXPONENT, _MODULUS)
    return time.thread_time_ns() - began
