"""What `bench doctor` says of processes that outlived an earlier run; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.model.finding import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.process import Stray


def leftovers(found: Sequence[Stray]) -> tuple[Finding, ...]:
    """One finding for all strays, with the command that ends exactly them; none for none."""
    if not found:
        return ()
    names = "; ".join(f"{one.pid} ({one.command}, of {one.run})" for one in found)
    count = f"{len(found)} process{'es' if len(found) > 1 else ''}"
    return (
        finding(
            "stray-processes",
            "host",
            f"{count} of earlier runs still alive: {names}",
            advice=f"kill -9 {' '.join(str(one.pid) for one in found)}",
            why="They take CPU time and may hold ports and memory.",
        ),
    )
