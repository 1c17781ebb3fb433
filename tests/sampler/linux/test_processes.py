"""A group of processes on Linux, read from a process table that the test writes."""

from __future__ import annotations

import os

import pytest

from bench.sampler.group import GroupReading, MemoryReading
from bench.sampler.linux.processes import LinuxGroup, process_clock_ns, read_bytes, read_whole

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MS = 1_000_000


class Table:
    """A small /proc: processes with clocks that tests move."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.clocks: dict[int, int] = {}
        self.newest = 0

    def put(
        self,
        pid: int,
        ppid: int,
        *,
        cpu_ns: int = 0,
        reaped: int = 0,
        threads: int = 1,
        state: str = "S",
    ) -> None:
        fields = [
            state,
            ppid,
            1,
            1,
            0,
            -1,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            reaped,
            0,
            20,
            0,
            threads,
            0,
            pid,
            0,
        ]
        self.files[f"/proc/{pid}/stat"] = f"{pid} (x) {' '.join(map(str, fields))} 0 0".encode()
        self.files[f"/proc/{pid}/statm"] = b"9 100 3"
        self.files[f"/proc/{pid}/smaps_rollup"] = (
            b"head\nRss: 400 kB\nPss:  200 kB\nPss_Dirty: 1 kB\n"
        )
        self.files[f"/proc/{pid}/task/{pid}/schedstat"] = b"%d 0 7\n" % cpu_ns
        self.files[f"/proc/{pid}/task/{pid}/status"] = (
            b"Name: x\nvoluntary_ctxt_switches:\t4\nnonvoluntary_ctxt_switches:\t2\n"
        )
        self.clocks[pid] = cpu_ns
        self.newest += 1

    def end(self, pid: int) -> None:
        del self.clocks[pid]
        for path in [path for path in self.files if f"/{pid}/" in path]:
            del self.files[path]

    def group(self, root: int) -> LinuxGroup:
        return LinuxGroup(
            root,
            clock=self.clocks.get,
            read=self.files.get,
            pids=lambda: list(self.clocks),
            newest=lambda: b"%d" % self.newest,
        )


@pytest.fixture
def table() -> Table:
    made = Table()
    made.put(100, 1, cpu_ns=30 * MS, threads=3)
    made.put(101, 100, cpu_ns=12 * MS)
    made.put(7, 1, cpu_ns=999 * MS)
    return made


def test_clocks_threads_and_processes_are_the_groups(table: Table) -> None:
    """Strangers count nowhere."""
    assert table.group(100).read() == GroupReading(42 * MS, 4, 2)


def test_a_zombie_has_used_its_time_and_is_no_process(table: Table) -> None:
    """Its clock counts until its parent waits for it."""
    table.put(101, 100, cpu_ns=12 * MS, state="Z")

    assert table.group(100).read() == GroupReading(42 * MS, 3, 1)


def test_a_child_waited_for_between_two_looks_is_found_in_its_parent(table: Table) -> None:
    """A cheap look notices the missing clock and reads everything again."""
    group = table.group(100)
    group.read()
    table.end(101)
    table.put(100, 1, cpu_ns=30 * MS, reaped=2, threads=3)
    table.newest -= 1

    reading = group.read(fresh=False)

    assert reading is not None
    assert reading.cpu_ns == 30 * MS + 2 * TICK_NS
    assert group.pids() == (100,)


def test_a_group_that_never_settles_is_taken_as_it_is(table: Table) -> None:
    """A process without a clock is left out after three tries."""
    clocks = dict(table.clocks)
    del table.clocks[101]
    table.newest += 1
    group = LinuxGroup(
        100,
        clock=table.clocks.get,
        read=table.files.get,
        pids=lambda: list(clocks),
        newest=lambda: b"1",
    )

    assert group.read() == GroupReading(30 * MS, 4, 2)


def test_what_was_never_there_is_none(table: Table) -> None:
    """A group that was never seen has no clock; one that has ended keeps its last."""
    assert table.group(555).read() is None
    group = table.group(100)
    group.read()
    for pid in (100, 101):
        table.end(pid)

    assert group.read() == GroupReading(42 * MS, 0, 0)


class TestTasks:
    def test_threads_are_read_with_their_switches(self, table: Table) -> None:
        """A process with one thread needs no listing."""
        group = table.group(101)
        group.read()

        tasks = group.tasks()

        assert tasks is not None
        assert (tasks[101].cpu_ns, tasks[101].voluntary, tasks[101].involuntary) == (12 * MS, 4, 2)

    def test_a_kernel_without_schedstat_tells_nothing(self, table: Table) -> None:
        """Then no thread is known."""
        del table.files["/proc/101/task/101/schedstat"]
        group = table.group(101)
        group.read()

        assert group.tasks() is None

    def test_hidden_switches_leave_the_clock(self, table: Table) -> None:
        """Some sandboxes leave the lines out."""
        table.files["/proc/101/task/101/status"] = b"Name: x\n"
        group = table.group(101)
        group.read()

        tasks = group.tasks()

        assert tasks is not None
        assert tasks[101].voluntary is None

    def test_too_many_threads_are_not_read(self, table: Table) -> None:
        """A mark stays cheap."""
        table.put(101, 100, threads=10_000)
        group = table.group(100)
        group.read()

        assert group.tasks() is None

    def test_a_process_gone_meanwhile_has_no_threads(self, table: Table) -> None:
        """Its folder cannot be listed any more."""
        table.put(2_000_000_000, 100, threads=2)
        group = table.group(2_000_000_000)
        group.read()

        assert group.tasks() is None


class TestMemory:
    def test_shared_pages_count_once(self, table: Table) -> None:
        """The sum of PSS."""
        group = table.group(100)
        group.read()

        assert group.memory() == MemoryReading(2 * 200 * 1024, shared_once=True)
        assert group.resident_bytes() == 2 * 100 * PAGE

    def test_resident_sizes_stand_in_where_pss_is_refused(self, table: Table) -> None:
        """And say so."""
        del table.files["/proc/101/smaps_rollup"]
        group = table.group(100)
        group.read()

        assert group.memory() == MemoryReading(2 * 100 * PAGE, shared_once=False)

    def test_a_group_that_ended_has_none(self, table: Table) -> None:
        """Nothing is not 0 bytes."""
        group = table.group(100)
        group.read()
        table.files.clear()

        assert group.memory() is None
        assert group.resident_bytes() is None

    def test_a_zombie_has_no_memory(self, table: Table) -> None:
        """Its smaps_rollup is there and empty."""
        table.files["/proc/101/smaps_rollup"] = b""
        group = table.group(100)
        group.read()

        assert group.memory() == MemoryReading(200 * 1024, shared_once=True)


def test_absent_files_and_processes_are_none() -> None:
    """Reading never raises; folders cannot be read either."""
    for read in (read_bytes, read_whole):
        assert read("/no/such/file") is None
        assert read("/") is None
    assert process_clock_ns(4_194_303) is None
