"""The live processes that belong to one that we started."""

from __future__ import annotations

from bench.process.supervisor import family, process_table


def family_pids(pid: int) -> tuple[int, ...]:
    """A process, its process group and all descendants, as far as alive; ascending."""
    table = process_table()
    return tuple(sorted(member for member in family({pid}, table) if member in table))
