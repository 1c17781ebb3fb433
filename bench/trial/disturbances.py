"""Decides what readings of one trial mean: who was the limit, what disturbed it, what disagrees.

Pure: figures in, findings out; the thresholds are those of `bench.trial.thresholds`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from bench.analysis.in_flight import unexplained
from bench.model.finding import Finding, finding
from bench.trial.cores import unlike_cores
from bench.trial.thresholds import (
    BUSY,
    FREQUENCY_MOVE_MAX,
    OTHERS_MAX,
    RETRANSMITS_MAX_PER_S,
    SATURATED_BELOW,
    STEAL_MAX,
    SUSPENDED_S,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.trial_record import Bound, Counters, Resources

_SPREAD_SDS: Final = 5.0


def bound(resources: Resources) -> Bound:
    """Name the limit: the server, else the load tool, else neither; unknown without data.

    A busy load tool is named even where the server's share is not known, since its rate is
    a lower bound either way.
    """
    server, load = resources.server_busy, resources.load_busy
    if server is not None and server >= BUSY:
        return "server"
    if load is not None and load >= BUSY:
        return "client"
    return "unknown" if server is None or load is None else "neither"


def noise_findings(
    resources: Resources,
    counters: Counters,
    scope: str,
    *,
    power_before: str | None = None,
    low_power_before: bool | None = None,
) -> tuple[Finding, ...]:
    """The declared causes that make a trial suspect, each with its figure.

    What could not be read is not a cause. Pressure-stall figures never are.

    Args:
        resources: of the window; its length puts counts in proportion.
        counters: of the window.
        scope: the trial's id.
        power_before: source of power before the window; `counters` holds the one after.
        low_power_before: the same of the saving mode.
    """
    found = (
        _steal(counters, scope),
        _others(counters, scope),
        _throttled(counters, resources, scope),
        _thermal(counters, scope),
        _frequency(counters, scope),
        _power(counters, power_before, scope),
        _low_power(counters, scope, before=low_power_before),
        _retransmits(counters, resources, scope),
        _overflows(counters, scope),
        _swap(counters, scope),
        unlike_cores(resources, counters, scope),
    )
    return tuple(one for one in found if one is not None)


def invalidating(counters: Counters, scope: str) -> tuple[Finding, ...]:
    """Causes for which a trial is not to be believed at all: the machine slept."""
    gap_s = counters.wall_minus_monotonic_s
    if gap_s is None or abs(gap_s) <= SUSPENDED_S:
        return ()
    return (finding("suspended", scope, gap_s=gap_s),)


def little(used: float | None, connections: int, responses: int, scope: str) -> Finding | None:
    """Check a closed loop by Little's law: rate x mean latency = connections in use.

    Args:
        used: connections in use by it; None = cannot be checked.
        connections: all of them, each with one request under way.
        responses: that were counted; those under way at the end are not.
        scope: the trial's id.
    """
    if not used or connections <= 0 or not unexplained(used, connections, responses):
        return None
    return finding("little", scope, used=used, connections=connections)


def bytes_mismatch(
    bytes_in: int,
    responses: int,
    sizes: Sequence[tuple[int, float]],
    connections: int,
    scope: str,
) -> Finding | None:
    """Compare the bytes read with responses x size, within one response per connection.

    With kinds of unlike size the mix is only known on average: five standard deviations of
    the sum are allowed on top. Not for workloads whose responses of one kind differ in size,
    nor where error responses are among them.

    Args:
        bytes_in: as the load tool counted them.
        responses: complete ones.
        sizes: (weight, bytes of one response) per kind, counted as the tool counts.
        connections: how many responses may be half read at the end.
        scope: the trial's id.
    """
    weight = sum(share for share, _ in sizes)
    if not weight or not responses:
        return None
    mean = sum(share * size for share, size in sizes) / weight
    variance = sum(share * (size - mean) ** 2 for share, size in sizes) / weight
    allowed = connections * max(size for _, size in sizes)
    allowed += _SPREAD_SDS * math.sqrt(variance * responses)
    expected = responses * mean
    if abs(bytes_in - expected) <= allowed:
        return None
    return finding(
        "bytes-mismatch", scope, bytes_in=bytes_in, expected=expected, responses=responses
    )


def connections_short(
    seen: int | None, asked: int, scope: str, used: float | None = None
) -> Finding | None:
    """Whether fewer connections were open at the server than the load tool was asked to use.

    Args:
        seen: at the server, the most in one look; None = nobody could look.
        asked: of the load tool.
        scope: the trial's id.
        used: in use on average by the tool's own figures: with more than were seen open, the
            look missed some.
    """
    if seen is None or seen >= asked or (used is not None and used > seen):
        return None
    return finding("connections-short", scope, seen=seen, asked=asked)


def saturated(offered_rps: float | None, achieved_rps: float, scope: str) -> Finding | None:
    """Whether an open loop got less than 99 % of the offered rate answered."""
    if not offered_rps or achieved_rps / offered_rps >= SATURATED_BELOW:
        return None
    share = achieved_rps / offered_rps
    return finding("saturated", scope, offered_rps=offered_rps, achieved_ratio=share)


def _steal(counters: Counters, scope: str) -> Finding | None:
    share = counters.steal_share
    if share is None or share <= STEAL_MAX:
        return None
    return finding("steal", scope, share=share)


def _others(counters: Counters, scope: str) -> Finding | None:
    share = counters.others_share
    if share is None or share <= OTHERS_MAX:
        return None
    return finding("others-on-cpu", scope, "window", share=share)


def _throttled(counters: Counters, resources: Resources, scope: str) -> Finding | None:
    held_us = counters.throttled_us
    if not held_us:
        return None
    return finding("throttled", scope, "window", throttled_us=held_us, span_s=resources.span_s)


def _thermal(counters: Counters, scope: str) -> Finding | None:
    events, level = counters.cpu_throttle_events, counters.thermal_pressure
    if events:
        return finding("thermal", scope, "events", events=events)
    if level not in (None, "nominal"):
        return finding("thermal", scope, "level", level=level)
    return None


def _frequency(counters: Counters, scope: str) -> Finding | None:
    before, after = counters.frequency_mhz_before, counters.frequency_mhz_after
    if not before or not after or abs(after / before - 1) <= FREQUENCY_MOVE_MAX:
        return None
    return finding("frequency", scope, "window", before_mhz=before, after_mhz=after)


def _power(counters: Counters, before: str | None, scope: str) -> Finding | None:
    after = counters.power_source
    if before is None or after is None or before == after:
        return None
    return finding("power-changed", scope, "window", before=before, after=after)


def _low_power(counters: Counters, scope: str, *, before: bool | None) -> Finding | None:
    after = counters.low_power
    if before is None or after is None or before == after:
        return None
    return finding("low-power", scope, "window", change="came on" if after else "went off")


def _retransmits(counters: Counters, resources: Resources, scope: str) -> Finding | None:
    if counters.retransmits is None:
        return None
    count = counters.retransmits - (counters.retransmits_needless or 0)
    if count <= RETRANSMITS_MAX_PER_S * (resources.span_s or 0.0):
        return None
    return finding("retransmits", scope, count=count)


def _overflows(counters: Counters, scope: str) -> Finding | None:
    count = counters.listen_overflows
    if not count:
        return None
    return finding("listen-overflow", scope, "window", count=count)


def _swap(counters: Counters, scope: str) -> Finding | None:
    pages = counters.swap_pages
    if not pages:
        return None
    return finding("swap", scope, "window", pages=pages)
