"""Which kinds of core did a trial's work, and in which state the machine was."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Final

from bench.host import core_levels
from bench.model.finding import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.host import QuickState
    from bench.model.trial_record import Counters, Resources
    from bench.sampler import Observation

SLOW_MAX: Final = 0.05
"""Share of the work that may have run on slower cores: they are two to four times as slow, so
that more would move a rate by more than noise does; the clocks compared agree to some percent."""


def core_mix(
    busy_s: Mapping[int, float] | None, names: Sequence[str], levels: Mapping[int, int]
) -> dict[str, float]:
    """CPU seconds by kind of core, fastest first; {} where not every CPU's kind is known.

    Args:
        busy_s: by CPU number.
        names: of the kinds.
        levels: CPU number -> index in `names`.
    """
    if not busy_s or not names or not busy_s.keys() <= levels.keys():
        return {}
    return {
        name or f"kind {index}": round(
            sum(s for cpu, s in busy_s.items() if levels[cpu] == index), 3
        )
        for index, name in enumerate(names)
    }


def slow_share(resources: Resources, counters: Counters) -> float | None:
    """The least share of server's and load's work that ran on other than the fastest cores.

    Where no share is known per process: what both used together and the fastest
    cores cannot have given, since they were not busy for so long, ran elsewhere.
    """
    work_s = (resources.server_cpu_s or 0.0) + sum(resources.load_cpu_s)
    if not counters.core_busy_s or work_s <= 0:
        return None
    fast_s = next(iter(counters.core_busy_s.values()))
    return max(0.0, 1 - fast_s / work_s)


def sides_differ(ours: Resources, theirs: Resources, scope: str) -> Finding | None:
    """Whether the two servers of a duet ran on unlike mixes of cores.

    A share of 5 % more on cores half as fast makes one side slower by some 2.5 %: more than
    what a pair is to show.
    """
    mine, other = ours.server_fast_share, theirs.server_fast_share
    if mine is None or other is None or abs(mine - other) <= SLOW_MAX:
        return None
    return finding("unlike-cores", scope, "sides", ours=round(mine, 4), theirs=round(other, 4))


def unlike_cores(resources: Resources, counters: Counters, scope: str) -> Finding | None:
    """Whether the work ran on slow cores in part."""
    fast = resources.server_fast_share
    if fast is not None and counters.core_busy_s and 1 - fast > SLOW_MAX:
        return finding("unlike-cores", scope, "server", share=round(1 - fast, 4))
    share = slow_share(resources, counters)
    if share is None or share <= SLOW_MAX:
        return None
    kinds = ", ".join(f"{name} {busy:.2f} s" for name, busy in counters.core_busy_s.items())
    return finding("unlike-cores", scope, "window", share=round(share, 4), kinds=kinds)


def with_power(seen: Observation, before: QuickState | None, after: QuickState) -> Observation:
    """Put the machine's state after a window beside the window's counters."""
    pressure = after.thermal_pressure
    if before and pressure in (None, "nominal"):
        pressure = before.thermal_pressure or pressure
    works_us = [state.work_us for state in (before, after) if state and state.work_us]
    mix = core_mix(seen.cpu_busy_s, *core_levels())
    resources = seen.resources
    if not mix:  # of one kind, or not known which: a share says nothing
        resources = resources.replace(server_fast_share=None)
    counters = seen.counters.replace(
        power_source=after.power_source,
        thermal_pressure=pressure,
        low_power=after.low_power,
        core_busy_s=mix,
        work_us=round(fmean(works_us), 1) if works_us else None,
    )
    return seen._replace(resources=resources, counters=counters)
