"""Sweeps in a matrix: the profiles that it becomes, and what may not stand beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.errors import UsageError
from bench.model.config import ProfileConfig
from bench.model.sweep import Swept  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.config import MatrixConfig
    from bench.model.plan import CpuSplit, LoadProfile, Plan
    from bench.plans.yaml.document import YamlDocument


class SweptProfile(ProfileConfig):
    """A profile at one value of a sweep.

    Attributes:
        swept: what is varied.
        server_cpus: how many of its CPUs the server gets; None = all.
    """

    swept: Swept
    server_cpus: int | None = None

    @property
    def name(self) -> str:
        """That of the profile with the value: `wrk-c64`, `mine-c64`, `wrk-c50-s2`."""
        if self.server_cpus is not None:
            return f"{super().name}-s{self.server_cpus}"
        return super().name if self.id is None else f"{super().name}-c{self.connections}"


def swept(config: MatrixConfig, profile: ProfileConfig) -> Iterator[ProfileConfig]:
    """A profile for each value of the matrix's sweep; without one as it is."""
    if config.sweep is None:
        yield profile
        return
    given = {name: getattr(profile, name) for name in ProfileConfig.model_fields}
    for count in config.sweep.connections or ():
        yield SweptProfile.model_construct(**{**given, "connections": count}, swept="connections")
    for count in config.sweep.server_cpus or ():
        yield SweptProfile.model_construct(**given, swept="server_cpus", server_cpus=count)


def with_sweep(load: LoadProfile, profile: ProfileConfig) -> LoadProfile:
    """The resolved profile with what the sweep says of it."""
    if not isinstance(profile, SweptProfile):
        return load
    return load.replace(swept=profile.swept, server_cpus=profile.server_cpus)


def check_sweep(document: YamlDocument, data: dict[str, Any]) -> None:
    """What a matrix with a sweep may not say besides."""
    sweep = data.get("sweep")
    if not isinstance(sweep, dict) or document.has_bad(("sweep",)):
        return
    if data.get("promise") is not None:
        message = "a search varies the rate, not connections or CPUs"
        document.add(("sweep",), message, "remove sweep, or promise")
    if data.get("design") == "duet":
        message = "a sweep shows each server alone; a duet has two at a time"
        document.add(("sweep",), message, "write design: blocks")
    _check_profiles(document, data.get("profiles"), sweep)


def _check_profiles(document: YamlDocument, profiles: Any, sweep: dict[str, Any]) -> None:
    least = min(sweep.get("connections") or [0])
    for index, one in enumerate(profiles if isinstance(profiles, list) else ()):
        if not isinstance(one, dict):
            continue
        processes = one.get("processes")
        if type(processes) is int and 0 < least < processes:
            message = (
                f"{least} of the sweep's connections cannot be shared by {processes} processes"
            )
            document.add(("profiles", index, "processes"), message, f"at most {least}")
        if "connections" in one and least:
            message = "the sweep says how many connections there are"
            document.add(("profiles", index, "connections"), message, "remove it, or the sweep's")


def within_cpus(plan: Plan) -> Plan:
    """The plan without the points for which this machine has too few CPUs, and with a note.

    Raises:
        UsageError: no point of the plan is left.
    """
    there = plan.cpus.server_count
    out = {one.id: one for one in plan.profiles if (one.server_cpus or 0) > there}
    if not out:
        return plan
    kept = tuple(one for one in plan.profiles if one.id not in out)
    values = ", ".join(str(n) for n in sorted({one.server_cpus or 0 for one in out.values()}))
    advice = "`server_cpus` of the matrix gives the server more, where the machine has them"
    if not kept:
        raise UsageError(
            f"sweep.server_cpus: {values}, and the server has {there} here", advice=advice
        )
    left = len({one.server_cpus for one in kept if one.server_cpus})
    words = (
        f"the server has {there} CPU{'' if there == 1 else 's'} here: the sweep over server_cpus "
        f"leaves out {values} and has {left} point{'' if left == 1 else 's'}; {advice}"
    )
    return plan.replace(
        profiles=kept,
        cells=tuple(cell for cell in plan.cells if cell.profile not in out),
        cpus=plan.cpus.replace(notes=(*plan.cpus.notes, ("sweep-short", words))),
    )


def cpus_of(cpus: CpuSplit, profile: LoadProfile) -> CpuSplit:
    """The split under a profile: the first of the server's CPUs, the load's as they are."""
    count = profile.server_cpus
    if count is None or count >= cpus.server_count:
        return cpus
    return cpus.replace(server=cpus.server[:count], server_count=count)
