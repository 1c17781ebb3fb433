"""What scripts/perf_agents.py asks agents for; found by name, as the operations of bench are."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from bench.process.remote.operations import operation

if TYPE_CHECKING:
    from bench.process.remote.agent import Agent


@operation
def begin_at(agent: Agent, *, at: float) -> float:  # noqa: ARG001 - every operation gets it
    """Wait until this machine's monotonic clock says `at`, and say what it said then."""
    time.sleep(max(0.0, at - time.monotonic()))
    return time.monotonic()


@operation
def counts(agent: Agent, *, values: int, seed: int) -> list[list[int]]:  # noqa: ARG001 - the same
    """A histogram as a load tool's: microseconds and how many requests took so long."""
    rng = random.Random(seed)
    return [[us, rng.randrange(1, 1000)] for us in rng.sample(range(50, 50 + 4 * values), values)]


@operation
def rest(agent: Agent, *, seconds: float) -> None:
    """What an agent does while its load tool runs: wait."""
    agent.stopping.wait(seconds)
