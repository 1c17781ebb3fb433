"""Who belongs to a server: descendants, and those of its process group or session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.sampler.linux.procfs import Stat
from bench.sampler.members import Members, related

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = 100


def stat(pid: int, ppid: int, *, pgrp: int = 1, session: int = 1, start: int = 0) -> Stat:
    return Stat(pid, "S", ppid, pgrp, session, 0, 0, 1, start)


class System:
    """A process table that can be changed and counts how often it is read."""

    def __init__(self, *stats: Stat) -> None:
        self.table = {one.pid: one for one in stats}
        self.newest: bytes | None = b"1"
        self.reads: list[int] = []

    def pids(self) -> Iterable[int]:
        return list(self.table)

    def stat(self, pid: int) -> Stat | None:
        self.reads.append(pid)
        return self.table.get(pid)

    def members(self) -> Members:
        return Members(ROOT, pids=self.pids, stat=self.stat, newest=lambda: self.newest)

    def add(self, one: Stat) -> None:
        self.table[one.pid] = one
        self.newest = b"%d" % (len(self.table) + 1000)


def test_descendants_of_any_depth_belong() -> None:
    """A grandchild listed before its parent is found too."""
    stats = [stat(103, 102), stat(102, ROOT), stat(ROOT, 1), stat(7, 1)]

    assert related(ROOT, stats) == {ROOT, 102, 103}


def test_orphans_of_the_process_group_or_session_belong() -> None:
    """They keep both when their parent is gone."""
    stats = [stat(ROOT, 50), stat(5, 1, pgrp=ROOT), stat(6, 1, session=ROOT), stat(7, 1)]

    assert related(ROOT, stats) == {ROOT, 5, 6}


def test_children_of_the_root_belong_after_it_has_gone() -> None:
    """The root need not be among those that live."""
    assert related(ROOT, [stat(5, ROOT), stat(6, 5)]) == {5, 6}


def test_a_quiet_system_reads_only_members() -> None:
    """While no process is made, strangers are not looked at."""
    system = System(stat(ROOT, 1), stat(7, 1), stat(8, 7))
    members = system.members()
    members.now()
    system.reads.clear()

    members.now()

    assert system.reads == [ROOT]


def test_strangers_are_looked_at_once() -> None:
    """A new process costs reading itself, not the whole table."""
    system = System(stat(ROOT, 1), stat(7, 1), stat(8, 7))
    members = system.members()
    members.now()
    system.reads.clear()
    system.add(stat(9, ROOT))

    assert set(members.now(fresh=False)) == {ROOT, 9}
    assert system.reads == [9]


def test_one_that_ended_is_left_out() -> None:
    """Only the living are given."""
    system = System(stat(ROOT, 1), stat(9, ROOT))
    members = system.members()
    members.now()
    del system.table[9]

    assert set(members.now()) == {ROOT}


def test_a_pid_given_to_a_stranger_does_not_belong() -> None:
    """Another time of birth is another process, judged anew."""
    system = System(stat(ROOT, 1), stat(9, ROOT))
    members = system.members()
    members.now()
    system.table[9] = stat(9, 7, start=5)

    assert set(members.now()) == {ROOT}
    assert set(members.now()) == {ROOT}


def test_without_a_figure_for_the_newest_each_full_look_searches() -> None:
    """macOS has no such figure."""
    system = System(stat(ROOT, 1))
    system.newest = None
    members = system.members()
    members.now()
    system.table[9] = stat(9, ROOT)

    assert set(members.now(fresh=False)) == {ROOT}
    assert set(members.now()) == {ROOT, 9}
