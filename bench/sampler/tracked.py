"""A group of processes followed over time: who belongs, and what all of them used together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.sampler.group import GroupReading
from bench.sampler.ledger import Ledger, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.sampler.linux.procfs import Stat
    from bench.sampler.members import Members

_SETTLE_TRIES: Final = 3


class TrackedGroup:
    """A process, its descendants, and all that share its process group or session.

    Args:
        members: finds who belongs.
        clock: CPU time of a process in nanoseconds, None when it is gone.
        tick_ns: unit of the reaped figure in `Stat`.
    """

    def __init__(
        self, members: Members, *, clock: Callable[[int], int | None], tick_ns: int
    ) -> None:
        self._members = members
        self._clock = clock
        self._tick_ns = tick_ns
        self._ledger = Ledger()
        self._seen = False
        self.stats: dict[int, Stat] = {}

    def read(self, *, fresh: bool = True) -> GroupReading | None:
        """Clocks and counts now; None when nothing of the group was ever seen alive.

        A process whose clock is gone has been waited for since its stat was read: then all
        is read again, so that its time is not missed in its parent's figure.
        """
        readings = self._look(fresh=fresh)
        for _ in range(_SETTLE_TRIES - 1):
            if len(readings) == len(self.stats):
                break
            readings = self._look(fresh=True)
        self._seen = self._seen or bool(readings)
        if not self._seen:
            return None
        alive = [stat for stat in self.stats.values() if stat.state not in ("Z", "X")]
        total_ns = self._ledger.look(readings)
        return GroupReading(total_ns, sum(stat.threads for stat in alive), len(alive))

    def pids(self) -> tuple[int, ...]:
        """Who was alive at the last `read`."""
        return tuple(self.stats)

    def _look(self, *, fresh: bool) -> list[Reading]:
        self.stats = self._members.now(fresh=fresh)
        clocks = {pid: self._clock(pid) for pid in self.stats}
        return [
            Reading(
                stat.pid, stat.start_ticks, stat.ppid, own_ns, stat.reaped_ticks * self._tick_ns
            )
            for pid, stat in self.stats.items()
            if (own_ns := clocks[pid]) is not None
        ]
