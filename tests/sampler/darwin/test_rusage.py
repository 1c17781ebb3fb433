"""macOS structures are read at their published places; failures are None."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

import pytest

from bench.sampler.darwin import rusage as rusage_darwin
from bench.sampler.darwin.rusage import Libproc, Rusage


def rusage_bytes(count: int = 35, **places: int) -> bytes:
    """`struct rusage_info_v4` (v6: 56 figures) with the given ones, by place behind the UUID."""
    values = [0] * count
    for name, value in places.items():
        values[int(name.removeprefix("at"))] = value
    return bytes(16) + struct.pack(f"={count}Q", *values)


class Library:
    """Answers as libproc does: fills the buffer, returns a code or a length."""

    def __init__(
        self,
        *,
        rc: int = 0,
        usage: bytes = b"",
        threads: dict[int, int] | None = None,
        newest: int = 6,
    ) -> None:
        self.newest = newest
        self.rc = rc
        self.usage = usage
        self.threads = threads or {}

    def proc_pid_rusage(self, pid: int, flavor: int, buffer: Any) -> int:
        assert pid == 7
        if flavor > self.newest:
            return -1
        ctypes.memmove(buffer, self.usage, len(self.usage))
        return self.rc

    def proc_pidinfo(
        self, pid: int, flavor: int, arg: ctypes.c_uint64, buffer: Any, size: int
    ) -> int:
        assert pid == 7
        if flavor == 6:
            data = struct.pack(f"={len(self.threads)}Q", *self.threads)
        elif self.threads.get(arg.value, -1) < 0:
            return 0
        else:
            data = struct.pack("=QQ", self.threads[arg.value], 5).ljust(112, b"\0")
        assert len(data) <= size
        ctypes.memmove(buffer, data, len(data))
        return len(data)

    def mach_timebase_info(self, buffer: Any) -> int:
        ctypes.memmove(buffer, struct.pack("=II", 125, 3), 8)
        return 0


def test_figures_stand_at_their_places() -> None:
    """User and system time first, children's at 10, instructions and cycles at 29 and 30."""
    raw = rusage_bytes(at0=1, at1=2, at10=10, at11=20, at29=300, at30=400)

    assert len(raw) == 296
    assert rusage_darwin.parse_rusage(raw) == Rusage(3, 30, 300, 400)


def test_a_short_structure_is_refused() -> None:
    """An older system's shorter answer is not read beyond its end."""
    with pytest.raises(struct.error):
        rusage_darwin.parse_rusage(bytes(100))


def test_a_process_is_asked_for_its_usage() -> None:
    """Times stay in the machine's units; their length is told beside."""
    libproc = Libproc(Library(usage=rusage_bytes(at0=24, at29=9)))

    assert libproc.rusage(7) == Rusage(24, 0, 9, 0, 0)
    assert libproc.ns_per_unit == pytest.approx(125 / 3)


@pytest.mark.parametrize(("newest", "fast"), [(6, 22), (4, None)])
def test_time_on_fast_cores_is_told_from_macos_13_on(newest: int, fast: int | None) -> None:
    """An older kernel refuses version 6 of the structure: version 4 is read, and no share."""
    usage = rusage_bytes(56, at0=24, at1=6, at29=9, at36=20, at37=2)

    read = Libproc(Library(usage=usage, newest=newest)).rusage(7)

    assert read == Rusage(30, 0, 9, 0, fast)


def test_a_refused_call_is_none() -> None:
    """Somebody else's process, or one that is gone."""
    assert Libproc(Library(rc=-1)).rusage(7) is None


def test_threads_are_listed_and_read() -> None:
    """One that ended between the two calls is left out."""
    libproc = Libproc(Library(threads={11: 100, 12: -1, 13: 200}))

    assert libproc.thread_times_ns(7, 3) == {11: 105, 13: 205}


def test_no_list_of_threads_is_none() -> None:
    """Nobody knows is not "no threads"."""
    assert Libproc(Library()).thread_times_ns(7, 3) is None


def test_a_system_without_these_calls_gives_none() -> None:
    """On Linux the library has none of them."""
    libproc = Libproc(object())

    assert libproc.rusage(7) is None
    assert libproc.thread_times_ns(7, 1) is None
    assert libproc.ns_per_unit == 1


def test_agreement_is_two_percent() -> None:
    """Short times are too coarse to disagree."""
    assert rusage_darwin.agrees(1e9, 1.019e9)
    assert not rusage_darwin.agrees(1e9, 1.03e9)
    assert not rusage_darwin.agrees(1e9, 41.7e9)
    assert rusage_darwin.agrees(0, 40e6)
