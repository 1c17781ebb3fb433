"""The live processes that belong to one that we started."""

from __future__ import annotations

from bench.process.supervisor import family, process_table


def family_pids(pid: int, *, ended: bool = False) -> tuple[int, ...]:
    """A process, its process group and all descendants, as far as alive; ascending.

    Args:
        pid: of the process.
        ended: its end was seen; a process that has its id now is a stranger.
    """
    table = process_table()
    if ended and pid in table:
        return ()
    return tuple(sorted(member for member in family({pid}, table) if member in table))
