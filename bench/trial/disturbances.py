"""Decides what readings of one trial mean: who was the limit, what disturbed it, what disagrees.

Pure: figures in, findings out; every threshold is a constant here with its reason.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from bench.model.finding import Finding, finding
from bench.trial.cores import unlike_cores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.trial_record import Bound, Counters, Resources

BUSY: Final = 0.90
"""From here on a CPU is the limit: the rest goes to the scheduler and to waiting for packets."""

STEAL_MAX: Final = 0.01
"""Share of our CPUs' time that a hypervisor may give to others: a difference of 2 % is what
verdicts are about, and time stolen from the server alone moves the rate by its full share."""

OTHERS_MAX: Final = 0.02
"""Share of our CPUs' time that other processes may use: the default margin of a verdict."""

FREQUENCY_MOVE_MAX: Final = 0.03
"""Share by which the clock frequency may move in a window: the rate of a busy server follows
it one to one, and 3 % is the step that turbo and heat take at least."""

RETRANSMITS_MAX_PER_S: Final = 1.0
"""Segments sent again per second on the whole machine: a laptop's own wireless connections
make fewer, and packets lost on the loopback interface make many more. Segments that were not
missing (duplicate SACK) do not count: the kernel sends a tail loss probe (RFC 8985) some
milliseconds after a response written in two parts, whenever the load tool's delayed
acknowledgement is later than that. A server that writes so, such as uvicorn, makes 10 to 40 a
second by itself; the probe copies what is already there and delays nothing."""

SUSPENDED_S: Final = 1.0
"""Seconds by which the clocks may run apart: slewing of the wall clock stays below 0.5 ms a
second, so that only sleep, a stopped guest or a set clock reaches it."""

LITTLE_MAX: Final = 0.05
"""Share by which rate x latency may miss the connections: starting and ending a window of a
second leaves a percent or two of the connections' time unused."""

SATURATED_BELOW: Final = 0.99
"""Achieved over offered rate below which an open loop no longer offers what it says."""

_SPREAD_SDS: Final = 5.0
_US_PER_S: Final = 1e6


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

    What could not be read is no cause. Pressure-stall figures never are.

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
    text = f"the clocks ran apart by {abs(gap_s):.1f} s: the machine slept or its clock was set"
    return (finding("suspended", scope, text, advice=_SLEEP, gap_s=gap_s),)


def little(
    throughput_rps: float, mean_us: float | None, connections: int, scope: str
) -> Finding | None:
    """Check a closed loop by Little's law: rate x mean latency = connections in use.

    Args:
        throughput_rps: successful responses per second.
        mean_us: mean latency of the same responses; None = cannot be checked.
        connections: all of them, each with one request under way.
        scope: the trial's id.
    """
    if mean_us is None or throughput_rps <= 0 or connections <= 0:
        return None
    used = throughput_rps * mean_us / _US_PER_S
    if abs(used / connections - 1) <= LITTLE_MAX:
        return None
    text = (
        f"rate x mean latency gives {used:.1f} connections in use, not {connections}: "
        "the load tool stalled, or its latencies are not those of its requests"
    )
    return finding("little", scope, text, used=used, connections=connections)


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
    text = (
        f"{bytes_in:,} bytes were read, {responses:,} responses as verified make "
        f"{expected:,.0f}: the server answered differently under load"
    )
    return finding("bytes-mismatch", scope, text, bytes_in=bytes_in, expected=expected)


def connections_short(seen: int | None, asked: int, scope: str) -> Finding | None:
    """Whether fewer connections were open at the server than the load tool was told to use."""
    if seen is None or seen >= asked:
        return None
    text = f"{seen} connections were open at the server, not {asked}"
    return finding("connections-short", scope, text, advice=_BACKLOG, seen=seen, asked=asked)


def saturated(offered_rps: float | None, achieved_rps: float, scope: str) -> Finding | None:
    """Whether an open loop got less than 99 % of the offered rate answered."""
    if not offered_rps or achieved_rps / offered_rps >= SATURATED_BELOW:
        return None
    share = achieved_rps / offered_rps
    text = f"saturated at this rate: {share:.1%} of {offered_rps:,.0f} requests/s were answered"
    return finding("saturated", scope, text, offered_rps=offered_rps, achieved_ratio=share)


def _steal(counters: Counters, scope: str) -> Finding | None:
    share = counters.steal_share
    if share is None or share <= STEAL_MAX:
        return None
    text = f"the hypervisor gave {share:.1%} of our CPUs' time to others"
    return finding("steal", scope, text, share=share)


def _others(counters: Counters, scope: str) -> Finding | None:
    share = counters.others_share
    if share is None or share <= OTHERS_MAX:
        return None
    text = f"other processes used {share:.1%} of our CPUs' time"
    advice = "end what else runs, or name other CPUs"
    return finding("others-on-cpu", scope, text, advice=advice, share=share)


def _throttled(counters: Counters, resources: Resources, scope: str) -> Finding | None:
    held_us = counters.throttled_us
    if not held_us:
        return None
    span = f" of {resources.span_s:.1f} s" if resources.span_s else ""
    text = f"a CPU quota held processes back for {held_us / _US_PER_S:.3f} s{span}"
    advice = "raise or lift the quota of this cgroup (cpu.max)"
    return finding("throttled", scope, text, advice=advice, throttled_us=held_us)


def _thermal(counters: Counters, scope: str) -> Finding | None:
    events, level = counters.cpu_throttle_events, counters.thermal_pressure
    if events:
        text = f"the CPU slowed itself for heat or power {events} times"
        return finding("thermal", scope, text, advice=_COOL, events=events)
    if level not in (None, "nominal"):
        return finding("thermal", scope, f"thermal pressure {level}", advice=_COOL, level=level)
    return None


def _frequency(counters: Counters, scope: str) -> Finding | None:
    before, after = counters.frequency_mhz_before, counters.frequency_mhz_after
    if not before or not after or abs(after / before - 1) <= FREQUENCY_MOVE_MAX:
        return None
    text = f"the CPU frequency moved from {before:,.0f} to {after:,.0f} MHz within the window"
    return finding("frequency", scope, text, before_mhz=before, after_mhz=after)


def _power(counters: Counters, before: str | None, scope: str) -> Finding | None:
    after = counters.power_source
    if before is None or after is None or before == after:
        return None
    text = f"the power source changed from {before} to {after}"
    return finding("power-changed", scope, text, advice="stay on mains", before=before, after=after)


def _low_power(counters: Counters, scope: str, *, before: bool | None) -> Finding | None:
    after = counters.low_power
    if before is None or after is None or before == after:
        return None
    text = f"low power mode {'came on' if after else 'went off'} within the window"
    return finding("low-power", scope, text, advice="leave low power mode off during a run")


def _retransmits(counters: Counters, resources: Resources, scope: str) -> Finding | None:
    if counters.retransmits is None:
        return None
    count = counters.retransmits - (counters.retransmits_needless or 0)
    if count <= RETRANSMITS_MAX_PER_S * (resources.span_s or 0.0):
        return None
    text = f"{count} TCP segments were lost and sent again (on the whole machine)"
    return finding("retransmits", scope, text, count=count)


def _overflows(counters: Counters, scope: str) -> Finding | None:
    count = counters.listen_overflows
    if not count:
        return None
    text = f"{count} connections were dropped by a full accept queue (on the whole machine)"
    return finding("listen-overflow", scope, text, advice=_BACKLOG, count=count)


def _swap(counters: Counters, scope: str) -> Finding | None:
    pages = counters.swap_pages
    if not pages:
        return None
    text = f"{pages} pages were swapped in or out"
    return finding("swap", scope, text, advice="free memory first", pages=pages)


_SLEEP: Final = "keep the machine awake and its clock alone during a run"
_COOL: Final = "let the machine cool down; pause longer between trials"
_BACKLOG: Final = "a longer accept queue (net.core.somaxconn, the server's backlog) may help"
