"""What `bench doctor` says of processes that outlived an earlier run; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.model.finding import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.process import Stray


def leftovers(found: Sequence[Stray]) -> tuple[Finding, ...]:
    """One finding for all strays, with the ids of exactly them; none for none."""
    if not found:
        return ()
    names = "; ".join(f"{one.pid} ({one.command}, of {one.run})" for one in found)
    return (
        finding(
            "stray-processes",
            "host",
            count=len(found),
            names=names,
            pids=" ".join(str(one.pid) for one in found),
        ),
    )
