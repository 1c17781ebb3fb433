"""Perf events are attached to all threads, scaled, and given up with a reason."""

from __future__ import annotations

import errno
import os
import resource
import struct
import sys
import time
from typing import TYPE_CHECKING

import pytest

from bench.sampler.linux import perf
from bench.sampler.linux.perf import Event, PerfCounters, PerfCounts

if TYPE_CHECKING:
    from collections.abc import Callable

TASK_CLOCK = Event(1, 1)
PAGE_FAULTS = Event(1, 2)


def opener_of(values: dict[tuple[int, int], int]) -> Callable[..., int]:
    """Opens pipes that hold what a counter would say: (config, task) -> value."""

    def opener(event: Event, task: int, *, user_only: bool) -> int:
        del user_only
        if (event.config, task) not in values:
            raise ProcessLookupError
        read, write = os.pipe()
        os.write(write, struct.pack("=QQQ", values[event.config, task], 1, 1))
        os.close(write)
        return read

    return opener


def test_a_counter_that_took_turns_is_extended() -> None:
    """Counted for half of the time is half of the events."""
    assert perf.scaled(struct.pack("=QQQ", 100, 10, 5)) == 200
    assert perf.scaled(struct.pack("=QQQ", 100, 10, 0)) == 0


def test_attributes_are_as_large_as_they_say() -> None:
    """The kernel reads the size from the structure; inherit is on, the hypervisor is out."""
    data = perf.attributes(Event(0, 1), user_only=True)
    kind, size, config, _, _, times, flags = struct.unpack_from("=IIQQQQQ", data)

    assert (kind, size, config, times) == (0, len(data), 1, 3)
    assert flags == 0b1100010
    assert (
        struct.unpack_from("=Q", perf.attributes(Event(0, 1), user_only=False), 40)[0] == 0b1000010
    )


def test_all_threads_are_summed() -> None:
    """Instructions and cycles are each added over the threads; one that ended is skipped."""
    values = {(1, 10): 5, (0, 10): 7, (1, 11): 50, (0, 11): 70}
    counters = PerfCounters(lambda: [10, 11, 12], opener=opener_of(values))

    counts = counters.read()
    counters.close()

    assert counts == PerfCounts(instructions=55, cycles=77)
    assert counters.read() is None


def test_attaching_begins_again_when_a_thread_was_made_meanwhile() -> None:
    """It may have inherited the counters or not: only a quiet moment is certain."""
    lists = [[10], [10, 11], [10, 11], [10, 11]]
    values = {(1, 10): 1, (0, 10): 1, (1, 11): 1, (0, 11): 1}
    counters = PerfCounters(lambda: lists.pop(0), opener=opener_of(values))

    assert counters.read() == PerfCounts(2, 2)
    counters.close()


def test_restless_servers_are_given_up() -> None:
    """Without a quiet moment there is a reason instead of a wrong figure."""
    names = iter(range(100))
    counters = PerfCounters(lambda: [next(names)], opener=opener_of({}))

    assert counters.read() is None
    assert "all the time" in counters.reason


def test_too_many_threads_are_given_up() -> None:
    """Open files are limited."""
    counters = PerfCounters(lambda: list(range(perf.MAX_TASKS + 1)), opener=opener_of({}))

    assert str(perf.MAX_TASKS) in counters.reason


@pytest.mark.parametrize("limit", [128, 256, 512, 1024])
def test_both_servers_of_a_duet_leave_open_files(limit: int) -> None:
    """Where one server has as many threads as may be counted, the other may have them too."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        opener = opener_of({(kind, task): 1 for kind in (0, 1) for task in range(perf.MAX_TASKS)})
        most = max(n for n in range(perf.MAX_TASKS + 1) if _attaches(n))
        pair = [PerfCounters(lambda: list(range(most)), opener=opener) for _ in range(2)]
        spare = [os.open(os.devnull, os.O_RDONLY) for _ in range(min(50, limit // 4))]
        reasons = [counters.reason for counters in pair]
        for handle in spare:
            os.close(handle)
        for counters in pair:
            counters.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert reasons == ["", ""]


def _attaches(tasks: int) -> bool:
    """Whether that many threads are not too many; none of them is there any more."""
    return not PerfCounters(lambda: list(range(tasks)), opener=opener_of({})).reason


def test_user_mode_is_taken_where_the_kernel_is_not_allowed() -> None:
    """perf_event_paranoid 2 allows a user to count only what the processes do themselves."""
    plain = opener_of({(1, 10): 3, (0, 10): 4})

    def opener(event: Event, task: int, *, user_only: bool) -> int:
        if not user_only:
            raise PermissionError(errno.EACCES, "not allowed")
        return plain(event, task, user_only=user_only)

    counters = PerfCounters(lambda: [10], opener=opener)

    assert counters.read() == PerfCounts(3, 4)
    assert counters.user_only
    counters.close()


def test_refused_in_user_mode_too() -> None:
    """The second event is not tried again where the first already needed user mode."""
    plain = opener_of({(1, 10): 3})

    def opener(event: Event, task: int, *, user_only: bool) -> int:
        if not user_only or event.config == 0:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return plain(event, task, user_only=user_only)

    counters = PerfCounters(lambda: [10], opener=opener)

    assert counters.read() is None
    assert counters.reason == "perf events: Operation not permitted"


def test_a_refusal_is_the_reason() -> None:
    """The kernel's own words are kept."""

    def opener(event: Event, task: int, *, user_only: bool) -> int:
        del event, task, user_only
        raise PermissionError(errno.EACCES, "Permission denied")

    assert PerfCounters(lambda: [10], opener=opener).reason == "perf events: Permission denied"


def test_an_unknown_processor_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call's number differs between processors."""
    monkeypatch.setattr("platform.machine", lambda: "mips")

    assert "mips" in PerfCounters(lambda: [1]).reason


@pytest.mark.real
@pytest.mark.alone
@pytest.mark.skipif(sys.platform != "linux", reason="perf events")
def test_software_events_count_what_is_burned() -> None:
    """The kernel's own task clock, read this way, is the CPU time that was used."""
    counters = PerfCounters(lambda: [os.getpid()], events=(TASK_CLOCK, PAGE_FAULTS))
    if counters.reason:
        pytest.skip(counters.reason)
    before = counters.read()
    begun = time.thread_time_ns()
    while time.thread_time_ns() - begun < 100_000_000:
        pass
    after = counters.read()
    counters.close()

    assert before is not None
    assert after is not None
    assert after.instructions - before.instructions == pytest.approx(1e8, rel=0.05)
