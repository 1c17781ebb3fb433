"""The macOS platform, run here through psutil with a libproc that the test plays."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Any

import psutil

from bench.sampler.darwin.platform import DarwinPlatform
from bench.sampler.darwin.rusage import Libproc, Rusage
from bench.sampler.linux.perf import PerfCounts
from bench.sampler.sampling import Sampler

if TYPE_CHECKING:
    import pytest


class Played(Libproc):
    """Answers for every process, from psutil's own figures."""

    def __init__(self, *, stretch: float = 1.0, instructions: int = 5) -> None:
        super().__init__(object())
        self.stretch = stretch
        self.instructions = instructions

    def rusage(self, pid: int) -> Rusage | None:
        times = psutil.Process(pid).cpu_times()
        own = round((times.user + times.system) * 1e9 * self.stretch)
        return Rusage(own, 7_000_000, self.instructions, 9)

    def thread_times_ns(self, pid: int, threads: int) -> dict[int, int] | None:
        del threads
        return {pid * 10: 1_000}


class Gone:
    """A psutil process that has ended meanwhile."""

    def __init__(self, *_: Any) -> None:
        raise psutil.NoSuchProcess(1)


def platform(libproc: Libproc | None = None) -> DarwinPlatform:
    return DarwinPlatform(os.getpid(), (0,), (1,), libproc=libproc or Played())


class TestGroup:
    def test_clocks_and_reaped_children_are_added(self) -> None:
        """psutil tells the process, libproc its reaped children."""
        group = platform().group(os.getpid())

        reading = group.read()

        assert reading is not None
        assert reading.processes >= 1
        used_ns = psutil.Process().cpu_times().user * 1e9
        assert 7_000_000 <= reading.cpu_ns <= used_ns * 1.5 + 1e9

    def test_threads_come_from_libproc(self) -> None:
        """One reading per thread; switches are not told."""
        group = platform().group(os.getpid())
        group.read()

        tasks = group.tasks()

        assert tasks is not None
        assert tasks[os.getpid() * 10].cpu_ns == 1_000
        assert tasks[os.getpid() * 10].voluntary is None

    def test_without_libproc_threads_are_unknown(self) -> None:
        """None, not an empty table."""
        group = platform(Libproc(object())).group(os.getpid())
        group.read()

        assert group.tasks() is None

    def test_memory_is_the_resident_size(self) -> None:
        """With a note that shared pages are in it more than once."""
        group = platform().group(os.getpid())
        group.read()

        memory = group.memory()

        assert memory is not None
        assert memory.bytes > 1_000_000
        assert not memory.shared_once

    def test_a_process_that_is_gone_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It may end between any two calls."""
        group = platform().group(os.getpid())
        group.read()
        monkeypatch.setattr(psutil, "Process", Gone)

        assert group.resident_bytes() is None
        assert group.memory() is None
        reading = group.read()
        assert reading is not None
        assert (reading.processes, reading.threads) == (0, 0)

    def test_a_process_whose_times_are_refused_has_no_clock(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is not in the sum, rather than in it with 0."""
        group = platform().group(os.getpid())

        def refused(*_: Any) -> None:
            raise psutil.AccessDenied(1)

        monkeypatch.setattr(psutil.Process, "cpu_times", refused)

        assert group._clock_ns(os.getpid()) is None

    def test_threads_that_may_not_be_counted_are_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As for other users' processes."""

        def refused(*_: Any) -> None:
            raise psutil.AccessDenied(1)

        monkeypatch.setattr(psutil.Process, "num_threads", refused)
        stat = platform().group(os.getpid())._stat(os.getpid())

        assert stat is not None
        assert stat.threads == 1

    def test_a_zombie_keeps_its_last_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """macOS tells no times of a process that nobody has waited for yet."""
        group = platform().group(os.getpid())
        before = group.read()

        def zombie(*_: Any) -> None:
            raise psutil.ZombieProcess(1)

        monkeypatch.setattr(psutil.Process, "cpu_times", zombie)

        assert before is not None
        reading = group._clock_ns(os.getpid())
        assert reading is not None
        assert reading <= before.cpu_ns


class TestCounters:
    def test_all_cpus_are_ours(self) -> None:
        """Nothing is pinned, so that all of them are shared by all."""
        machine = platform()

        times = machine.cpu_times()

        assert times is not None
        assert set(times) == set(machine.our_cpus)
        assert all(one.idle <= one.total and one.steal == 0 for one in times.values())

    def test_what_macos_does_not_tell_has_reasons(self) -> None:
        """None with the cause, never 0."""
        machine = platform()

        now = machine.system()

        assert now.cpus is not None
        assert now.swap_pages is not None
        assert (now.retransmits, now.listen_drops, now.throttled_us) == (None, None, None)
        assert machine.frequency_mhz() is None
        assert {"voluntary_switches", "counters.retransmits"} <= set(machine.reasons)
        assert (machine.harness_rss_bytes() or 0) > 1_000_000

    def test_the_loopback_interface_is_lo0(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """None where there is no such interface."""
        counters = psutil.net_io_counters(pernic=True)
        some = next(iter(counters.values()))
        monkeypatch.setattr(psutil, "net_io_counters", lambda **_: {"lo0": some})
        assert platform().loopback_bytes() == some.bytes_recv

        monkeypatch.setattr(psutil, "net_io_counters", lambda **_: {"en0": some})
        assert platform().loopback_bytes() is None

    def test_connections_are_those_of_the_servers_files(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Established ones whose local port is the server's."""
        machine = platform()
        assert machine.connections(1) == 0
        group = machine.group(os.getpid())
        group.read()
        machine.start_counting(group)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            client = socket.create_connection(("127.0.0.1", port))
            server, _ = listener.accept()
            count = machine.connections(port)
            client.close()
            server.close()

        assert count == 1
        monkeypatch.setattr(psutil, "Process", Gone)
        assert machine.connections(port) is None


class TestCounting:
    def counting(self, libproc: Libproc) -> DarwinPlatform:
        machine = platform(libproc)
        group = machine.group(os.getpid())
        group.read()
        machine.start_counting(group)
        return machine

    def test_instructions_are_summed_over_the_group(self) -> None:
        """Believed where both figures of the CPU time agree."""
        machine = self.counting(Played())
        counts = machine.counts()
        machine.stop_counting()

        assert counts is not None
        assert counts.instructions % 5 == 0
        assert "instructions" not in machine.reasons

    def test_disagreement_is_not_believed(self) -> None:
        """A structure read at wrong places shows in the times."""
        burn_until = time.process_time() + 0.1
        while time.process_time() < burn_until:
            pass
        machine = self.counting(Played(stretch=41.7))

        assert machine.counts() is None
        assert "disagrees" in machine.reasons["cycles"]

    def test_a_processor_that_does_not_count_is_none(self) -> None:
        """Guests give zeros."""
        machine = self.counting(Played(instructions=0))

        assert machine.counts() is None
        assert "does not count" in machine.reasons["instructions"]

    def test_a_process_that_is_gone_keeps_its_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What it had used stays in the sum."""
        machine = self.counting(Played())
        monkeypatch.setattr(machine._libproc, "rusage", lambda _: None)
        monkeypatch.setattr(psutil, "Process", Gone)

        assert machine.counts() is not None

    def test_before_it_was_told_whom_to_count_there_is_nothing(self) -> None:
        """No group, no figure."""
        assert isinstance(PerfCounts(1, 2), tuple)
        assert platform().counts() is None


class Mixed(Played):
    """Three quarters of the time on performance cores, more and more of it."""

    def rusage(self, pid: int) -> Rusage | None:
        del pid
        self.asked = getattr(self, "asked", 0) + 1
        return Rusage(4_000 * self.asked, 0, 5, 9, 3_000 * self.asked)


def test_the_share_of_fast_cores_is_told_per_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """From two marks; a part that is larger than the whole is not believed."""
    machine = platform(Mixed())
    with Sampler(
        server_pid=os.getpid(), server_cpus=(0,), load_cpus=(1,), port=9, platform=machine
    ) as watching:
        begin = watching.mark()
        seen = watching.window(begin, watching.mark())

    assert seen.resources.server_fast_share == 0.75
    assert "server_fast_share" not in seen.resources.unavailable
    monkeypatch.setattr(machine._libproc, "rusage", lambda _: Rusage(3, 0, 5, 9, 4))
    assert machine.core_times() is None


def test_a_sampler_runs_on_this_platform() -> None:
    """Marks and windows need nothing that only Linux has."""
    machine = platform()
    with Sampler(
        server_pid=os.getpid(), server_cpus=(0,), load_cpus=(1,), port=9, platform=machine
    ) as watching:
        begin = watching.mark()
        time.sleep(0.3)
        seen = watching.window(begin, watching.mark())

    assert seen.resources.server_cpu_s is not None
    assert seen.counters.steal_share is None
    assert seen.resources.rss_peak_bytes is not None
