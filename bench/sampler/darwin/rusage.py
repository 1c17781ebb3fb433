"""Asks macOS for what psutil does not tell: children's time, instructions, threads' time.

Nothing here needs root. The structures are those of the kernel's public headers; they only
ever grow at the end, so buffers are larger than what is read. From macOS 13 on (version 6 of
the structure) the kernel also counts what ran on performance cores, per process.
"""

from __future__ import annotations

import ctypes
import struct
from typing import Any, Final, NamedTuple

RUSAGE_INFO_V4: Final = 4
RUSAGE_INFO_V6: Final = 6
_PROC_PIDTHREADINFO: Final = 5
_PROC_PIDLISTTHREADS: Final = 6
_BUFFER_BYTES: Final = 512
_UUID_BYTES: Final = 16
_FIELDS: Final = 35
_FIELDS_V6: Final = 56
_USER, _SYSTEM, _CHILD_USER, _CHILD_SYSTEM = 0, 1, 10, 11
_INSTRUCTIONS, _CYCLES = 29, 30
_FAST_USER, _FAST_SYSTEM = 36, 37
_HANDLE_BYTES: Final = 8
_THREAD_BYTES: Final = 112

AGREEMENT: Final = 0.02
"""Share by which the times of this call may differ from psutil's to be believed."""

_LEAST_NS: Final = 50_000_000
"""Below this CPU time two readings one after the other differ by more than 2 % anyway."""


class Rusage(NamedTuple):
    """What is used of `struct rusage_info_v6`, times in units of the machine's own clock.

    Attributes:
        own: CPU time of the process.
        children: that of its children that were waited for.
        fast: the part of `own` on performance cores; None where the kernel is older than
            version 6 of the structure.
    """

    own: int
    children: int
    instructions: int
    cycles: int
    fast: int | None = None


def parse_rusage(raw: bytes, version: int = RUSAGE_INFO_V4) -> Rusage:
    """Read the structure: 16 bytes of identity, then 64-bit figures.

    Raises:
        struct.error: too short.
    """
    fields = _FIELDS_V6 if version >= RUSAGE_INFO_V6 else _FIELDS
    values = struct.unpack_from(f"={fields}Q", raw, _UUID_BYTES)
    return Rusage(
        own=values[_USER] + values[_SYSTEM],
        children=values[_CHILD_USER] + values[_CHILD_SYSTEM],
        instructions=values[_INSTRUCTIONS],
        cycles=values[_CYCLES],
        fast=values[_FAST_USER] + values[_FAST_SYSTEM] if fields > _FIELDS else None,
    )


def parse_thread_ns(raw: bytes) -> int:
    """User and system nanoseconds of `struct proc_threadinfo`.

    Raises:
        struct.error: too short.
    """
    user, system = struct.unpack_from("=QQ", raw)
    return int(user + system)


def agrees(own_ns: float, other_ns: float) -> bool:
    """Whether two systems' figures of one process's CPU time are the same within 2 %."""
    if max(own_ns, other_ns) < _LEAST_NS:
        return True
    return abs(own_ns - other_ns) <= AGREEMENT * max(own_ns, other_ns)


class Libproc:
    """The three calls; every failure is None.

    Args:
        library: loaded libproc; stands in for the real one in tests.
    """

    def __init__(self, library: Any = None) -> None:
        self._library = library if library is not None else ctypes.CDLL(None)
        self.ns_per_unit = self._timebase()

    def rusage(self, pid: int) -> Rusage | None:
        """What a process used since it began."""
        buffer = ctypes.create_string_buffer(_BUFFER_BYTES)
        for version in (RUSAGE_INFO_V6, RUSAGE_INFO_V4):
            try:
                rc = self._library.proc_pid_rusage(pid, version, buffer)
            except AttributeError:
                return None
            if rc == 0:
                return parse_rusage(buffer.raw, version)
        return None

    def thread_times_ns(self, pid: int, threads: int) -> dict[int, int] | None:
        """CPU time of each thread by its handle; None where it may not be asked."""
        room = _HANDLE_BYTES * (threads + 16)
        buffer = ctypes.create_string_buffer(room)
        got = self._info(pid, _PROC_PIDLISTTHREADS, 0, buffer, room)
        if not got:
            return None
        handles = struct.unpack_from(f"={got // _HANDLE_BYTES}Q", buffer.raw)
        times = {handle: self._thread_ns(pid, handle) for handle in handles}
        return {handle: value for handle, value in times.items() if value is not None}

    def _thread_ns(self, pid: int, handle: int) -> int | None:
        buffer = ctypes.create_string_buffer(_THREAD_BYTES)
        got = self._info(pid, _PROC_PIDTHREADINFO, handle, buffer, _THREAD_BYTES)
        return parse_thread_ns(buffer.raw) if got else None

    def _info(self, pid: int, flavor: int, argument: int, buffer: Any, size: int) -> int:
        try:
            got: int = self._library.proc_pidinfo(
                pid, flavor, ctypes.c_uint64(argument), buffer, size
            )
        except AttributeError:
            return 0
        return max(0, got)

    def _timebase(self) -> float:
        """Nanoseconds per unit of the machine's clock: 1 on Intel, 125/3 on Apple silicon."""
        buffer = ctypes.create_string_buffer(8)
        try:
            self._library.mach_timebase_info(buffer)
        except AttributeError:
            return 1.0
        numerator, denominator = struct.unpack("=II", buffer.raw)
        return numerator / denominator if denominator else 1.0
