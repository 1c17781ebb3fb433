"""Requests that are under way when the window of a closed loop ends: nobody counts them.

Load tools begin a window with an idle server and count what was answered until it ends. Each
connection has one request under way then, so that as many responses as there are connections may
be missing. A server that answers one request after the other has done nothing for those yet; one
that works at all of them at once has, and loses up to all.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from bench.model.finding import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.analysis.trials import CellTrials
    from bench.model.load_result import LoadResult
    from bench.model.plan import LoadProfile

MISSED_MAX: Final = 0.10
"""Connections per response above which a rate is only a lower bound: below ten responses of each
connection. On average half of it is missing, 5 %, at most all; of such cells the narrowest interval
of a ratio was +-11 % (FastAPI, JSON of 40 KB, four windows of a second). Of the 45 closed cells of
that run two are above: Spikard with 0.98 (51 responses of 50 connections) and Robyn with 0.14; the
next are FastAPI with 0.09 and Fastify with 0.07, the median is 0.008."""

LITTLE_MAX: Final = 0.05
"""Share by which rate x latency may miss the connections, beside what was under way at the end:
starting and ending a window of a second leaves a percent or two of the connections' time unused."""

SHORT: Final = "window-short"
RATE_CAUSE: Final = "too few responses per connection in its window"
COST_CAUSE: Final = (
    "too few responses per connection: CPU time of requests that were not counted is in it"
)
_US_PER_S: Final = 1e6


def window_short(cell: CellTrials | None) -> Finding | None:
    """Whether the requests under way at the ends of a cell's windows are too many to leave out.

    Returns:
        None as well where no response came: then there is no rate.
    """
    if cell is None or cell.profile.loop != "closed":
        return None
    loads = [trial.load for trial in cell.usable if trial.load and trial.load.ok]
    connections = cell.profile.connections
    if not too_few(loads, connections):
        return None
    responses = sum(load.ok for load in loads)
    missed = connections * len(loads) / responses
    window_s = math.fsum(load.duration_s for load in loads) / len(loads)
    return finding(
        SHORT,
        cell.cell.id,
        responses=responses,
        windows=len(loads),
        connections=connections,
        missed=missed,
        needed_s=math.ceil(window_s * missed / MISSED_MAX),
    )


def too_few(loads: Iterable[LoadResult], connections: int) -> bool:
    """Whether closed windows have fewer than ten responses of each connection, over all of them."""
    counted = [load.ok for load in loads if load.ok and load.loop == "closed"]
    return connections * len(counted) > MISSED_MAX * sum(counted)


def in_use(load: LoadResult, profile: LoadProfile) -> float | None:
    """Connections that waited for an answer on average, by Little's law: rate x mean latency.

    None where the tool does not tell an exact mean, or of an open loop, in which a request may be
    late before it has a connection. It is never more than were open.
    """
    latency = load.latency_us
    if profile.loop != "closed" or latency is None or not latency.exact or latency.mean is None:
        return None
    return load.throughput_rps * latency.mean / _US_PER_S


def unexplained(used: float, connections: int, responses: int) -> bool:
    """Whether rate x latency misses the connections by more than the end of a window explains.

    A request that is under way then has waited for one mean latency at most where all wait alike:
    of each connection up to 1 / (its responses) of the window is in no latency.

    Args:
        used: connections in use by Little's law.
        connections: all of them.
        responses: that were counted in the window.
    """
    off = used / connections - 1
    under_way = connections / responses if responses and off < 0 else 0.0
    return abs(off) > LITTLE_MAX + under_way
