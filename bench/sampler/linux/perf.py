"""Counts instructions and cycles of a group through Linux' perf events, where there are any."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SYSCALL: Final = {"x86_64": 298, "aarch64": 241}
_HARDWARE: Final = 0
_CYCLES: Final = 0
_INSTRUCTIONS: Final = 1
_ATTR_BYTES: Final = 112
_FORMAT_TIMES: Final = 3
_INHERIT: Final = 1 << 1
_EXCLUDE_KERNEL: Final = 1 << 5
_EXCLUDE_HV: Final = 1 << 6
_CLOSE_ON_EXEC: Final = 8
_ATTACH_TRIES: Final = 5
MAX_TASKS: Final = 256
"""More threads than that take too long to attach to."""

_FILES_PER_TASK: Final = 2
_SERVERS: Final = 2
_FILES_KEPT: Final = 256
"""Open files that are left to the rest of `bench`."""


def task_budget() -> int:
    """Threads that one server's counters may be attached to within the limit of open files.

    A duet has two servers, each with counters of its own in this one process.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return MAX_TASKS
    return min(MAX_TASKS, max(0, limit - _FILES_KEPT) // (_FILES_PER_TASK * _SERVERS))


class PerfCounts(NamedTuple):
    """Since the counters were opened."""

    instructions: int
    cycles: int


class Event(NamedTuple):
    """Kind of event as the kernel numbers them."""

    type: int
    config: int


HARDWARE_EVENTS: Final = (Event(_HARDWARE, _INSTRUCTIONS), Event(_HARDWARE, _CYCLES))


def attributes(event: Event, *, user_only: bool) -> bytes:
    """The kernel's `struct perf_event_attr`: count at once, in threads made later too."""
    flags = _INHERIT | _EXCLUDE_HV | (_EXCLUDE_KERNEL if user_only else 0)
    head = struct.pack(
        "=IIQQQQQ", event.type, _ATTR_BYTES, event.config, 0, 0, _FORMAT_TIMES, flags
    )
    return head.ljust(_ATTR_BYTES, b"\0")


def scaled(raw: bytes) -> float:
    """Read `value, time enabled, time running` and extend it over the time not counted.

    The kernel takes turns when more events are wanted than the processor has counters.

    Raises:
        struct.error: fewer than three figures.
    """
    value, enabled, running = struct.unpack("=QQQ", raw[:24])
    return float(value) * enabled / running if running else 0.0


def open_event(event: Event, task: int, *, user_only: bool) -> int:
    """Attach one counter to one thread, on whatever CPU it runs.

    Raises:
        OSError: with the kernel's reason.
    """
    number = _SYSCALL.get(platform.machine())
    if number is None:
        raise OSError(0, f"no perf events known for {platform.machine()}")
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(attributes(event, user_only=user_only))
    handle: int = libc.syscall(number, buffer, task, -1, -1, _CLOSE_ON_EXEC)
    if handle < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return handle


class PerfCounters:
    """Counters on every thread that lives now; those made later are inherited.

    Attributes:
        reason: why there is nothing to read, or "".
        user_only: whether the kernel's own work is left out (perf_event_paranoid).
    """

    def __init__(
        self,
        tasks: Callable[[], Sequence[int]],
        *,
        events: tuple[Event, Event] = HARDWARE_EVENTS,
        opener: Callable[..., int] = open_event,
    ) -> None:
        self.reason = ""
        self.user_only = False
        self._handles: tuple[list[int], list[int]] = ([], [])
        self._events = events
        self._open = opener
        try:
            self._attach(tasks)
        except OSError as error:
            self.reason = f"perf events: {error.strerror or error}"
            self.close()

    def read(self) -> PerfCounts | None:
        """Instructions and cycles so far."""
        if self.reason or not self._handles[0]:
            return None
        sums = [round(sum(scaled(os.read(h, 24)) for h in handles)) for handles in self._handles]
        return PerfCounts(sums[0], sums[1])

    def close(self) -> None:
        """Let go of every counter."""
        for handle in (*self._handles[0], *self._handles[1]):
            os.close(handle)
        self._handles = ([], [])

    def _attach(self, tasks: Callable[[], Sequence[int]]) -> None:
        """Attach to all, and begin again if a thread was made meanwhile.

        Such a thread may have inherited the counters or not; only a quiet moment is certain.
        """
        most = task_budget()
        for _ in range(_ATTACH_TRIES):
            present = set(tasks())
            if len(present) > most:
                raise OSError(0, f"more than {most} threads")
            for task in present:
                self._attach_task(task)
            if present >= set(tasks()):
                return
            self.close()
        raise OSError(0, "threads were made all the time while attaching")

    def _attach_task(self, task: int) -> None:
        for event, handles in zip(self._events, self._handles, strict=True):
            try:
                handles.append(self._try(event, task))
            except ProcessLookupError:
                return

    def _try(self, event: Event, task: int) -> int:
        try:
            return self._open(event, task, user_only=self.user_only)
        except PermissionError:
            if self.user_only:
                raise
            self.user_only = True
            return self._open(event, task, user_only=True)
