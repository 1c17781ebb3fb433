"""Finds the processes that belong to a server or load tool.

A process belongs when it descends from the root, or is of the root's process group or
session: orphans keep both when their parent is gone. One that left both by starting a
session of its own after its parent had ended is not found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.sampler.linux.procfs import Stat


def related(root: int, stats: Iterable[Stat], known: Iterable[int] = ()) -> set[int]:
    """Pids among `stats` that belong to `root`, itself included when it is there.

    Args:
        root: pid of the first process.
        stats: processes to judge.
        known: pids that already belong; their children belong too.
    """
    found = set(known)
    left = list(stats)
    while True:
        new = {stat.pid for stat in left if _belongs(stat, root, found)}
        if not new:
            return found
        found |= new
        left = [stat for stat in left if stat.pid not in new]


def _belongs(stat: Stat, root: int, found: set[int]) -> bool:
    return root in (stat.pid, stat.pgrp, stat.session) or stat.ppid in found or stat.ppid == root


class Members:
    """Keeps track of one group; looks only at processes that are new since the last time.

    Args:
        root: pid of the first process.
        pids: lists every process.
        stat: reads one; None when it is gone.
        newest: changes whenever a process is made (the last figure of /proc/loadavg), so
            that a quiet system costs one small read; None where there is no such figure.
    """

    def __init__(
        self,
        root: int,
        *,
        pids: Callable[[], Iterable[int]],
        stat: Callable[[int], Stat | None],
        newest: Callable[[], bytes | None],
    ) -> None:
        self.root = root
        self._pids = pids
        self._read = stat
        self._newest = newest
        self._last: bytes | None = None
        self._strangers: set[int] = set()
        self._found: dict[int, Stat] = {}

    def now(self, *, fresh: bool = True) -> dict[int, Stat]:
        """Stat of each process that belongs, zombies included.

        Args:
            fresh: read all of them again; else only the new ones, and the others may be
                out of date or gone.
        """
        newest = self._newest()
        if newest != self._last or (newest is None and fresh):
            self._search()
            self._last = newest
        if fresh:
            self._refresh()
        return dict(self._found)

    def _refresh(self) -> None:
        alive = [stat for pid in self._found if (stat := self._read(pid)) is not None]
        same = [stat for stat in alive if stat.start_ticks == self._found[stat.pid].start_ticks]
        if len(same) < len(alive):
            self._last = None  # a pid was given to somebody else: judge again next time
        self._found = {stat.pid: stat for stat in same}

    def _search(self) -> None:
        present = set(self._pids())
        self._strangers &= present
        read = [self._read(pid) for pid in present - self._strangers - self._found.keys()]
        fresh = {stat.pid: stat for stat in read if stat is not None}
        belong = related(self.root, fresh.values(), self._found)
        self._found |= {pid: fresh[pid] for pid in belong & fresh.keys()}
        self._strangers |= fresh.keys() - belong
