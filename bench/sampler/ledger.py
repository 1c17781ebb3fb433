"""Adds up the CPU time of a group of processes that come and go; pure, reads no clock.

A living process has its own clock in nanoseconds, ended threads included. When it ends and its
parent waits for it, its whole time moves into the parent's figure for reaped children, which
Linux keeps exactly but shows in ticks. So the total of a group is

    sum over the living of (own clock + time of children that are gone)

where the time of children that are gone is the greater of two lower bounds: what the parent's
reaped figure says (nothing is missing, floored to ticks), and the sum of what was last seen of
those that vanished (exact, but blind to what came after the last look, and to those that
lived between two looks). The second also covers parents that ignore SIGCHLD, whose children
are never added to the reaped figure.

Bounds of a difference of two totals: 2 ticks per process that reaped children (user and
system time are floored apart), and for orphans, which a process outside the group reaps, what
they used after the last look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Reading(NamedTuple):
    """One living process at one look.

    Attributes:
        start: distinguishes processes that got the same pid one after the other.
        own_ns: its clock, ended threads included.
        reaped_ns: what the system shows as the time of its reaped children.
    """

    pid: int
    start: int
    ppid: int
    own_ns: int
    reaped_ns: int


class _Member:
    def __init__(self, reading: Reading) -> None:
        self.last = reading
        self.reaped_at_first = reading.reaped_ns
        self.vanished_ns = 0

    @property
    def total_ns(self) -> int:
        gone = max(self.last.reaped_ns, self.reaped_at_first + self.vanished_ns)
        return self.last.own_ns + gone


class Ledger:
    """The account of one group; feed it every look in the order of time."""

    def __init__(self) -> None:
        self._members: dict[int, _Member] = {}
        self._orphans_ns = 0

    @property
    def pids(self) -> tuple[int, ...]:
        """Who was alive at the last look."""
        return tuple(self._members)

    def look(self, readings: Sequence[Reading]) -> int:
        """Take in who is alive now and return the group's total in nanoseconds.

        The total counts from the birth of each process; only differences mean something.
        """
        seen = {reading.pid: reading for reading in readings}
        self._bury([pid for pid, member in self._members.items() if _ended(member, seen)])
        for pid, reading in seen.items():
            if pid in self._members:
                self._members[pid].last = reading
            else:
                self._members[pid] = _Member(reading)
        return self._orphans_ns + sum(member.total_ns for member in self._members.values())

    def _bury(self, ended: list[int]) -> None:
        """Move the time of the vanished to their parents, children before parents."""
        left = set(ended)
        while left:
            parents = {self._members[pid].last.ppid for pid in left}
            leaves = left - parents or left
            for pid in leaves:
                member = self._members.pop(pid)
                parent = self._members.get(member.last.ppid)
                if parent is None:
                    self._orphans_ns += member.total_ns
                else:
                    parent.vanished_ns += member.total_ns
            left -= leaves


def _ended(member: _Member, seen: dict[int, Reading]) -> bool:
    now = seen.get(member.last.pid)
    return now is None or now.start != member.last.start
