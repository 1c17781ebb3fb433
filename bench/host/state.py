"""The front door: reads this machine or a captured one, fully or quickly."""

from __future__ import annotations

import functools
import resource
import sys
from typing import TYPE_CHECKING, NamedTuple

from bench.host.checks import check_host
from bench.host.core_speed import work_us
from bench.host.darwin import texts
from bench.host.darwin.levels import read_levels
from bench.host.darwin.machine import PRESSURE_COMMAND, read_darwin, read_darwin_topology
from bench.host.linux.machine import mean_mhz, power_source, read_linux
from bench.host.linux.topology import CPU, read_topology
from bench.host.source import local_source, parse_int

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.host.source import HostSource
    from bench.model.host_facts import Host, System, Topology


class QuickState(NamedTuple):
    """What is read before and after each trial; None where this system does not tell.

    Attributes:
        power_source: `ac` or `battery`.
        low_power: a saving mode is on.
        thermal_pressure: `nominal` to `sleeping` (macOS).
        mhz: mean frequency of the CPUs asked for.
        throttles: how often any core or package has been throttled since the machine started.
        work_us: CPU time of one fixed computation on the CPUs asked for (`core_speed`).
    """

    power_source: str | None = None
    low_power: bool | None = None
    thermal_pressure: str | None = None
    mhz: float | None = None
    throttles: int | None = None
    work_us: float | None = None


def local_system() -> System:
    """Which of the two systems this is; anything that is not macOS is read as Linux."""
    return "darwin" if sys.platform == "darwin" else "linux"


def read_host(
    source: HostSource, system: System, *, tools: Mapping[str, str | None] | None = None
) -> Host:
    """Read a machine from a source and judge it.

    Args:
        source: this machine or a captured tree.
        system: which system's tables hold.
        tools: versions of tools, recorded as they are.
    """
    host = (read_darwin if system == "darwin" else read_linux)(source, tools or {})
    return host.replace(findings=check_host(host))


def local_host(*, tools: Mapping[str, str | None] | None = None) -> Host:
    """Read and judge this machine."""
    host = read_host(local_source(), local_system(), tools=tools)
    return _with_own_limits(host)


def _with_own_limits(host: Host) -> Host:
    """Put in the descriptors that this very process may open, which only it can ask for."""
    soft, hard = (
        None if limit == resource.RLIM_INFINITY else limit
        for limit in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    reasons = dict(host.unavailable)
    for name, value in (("limits.nofile_soft", soft), ("limits.nofile_hard", hard)):
        if value is None:
            reasons[name] = "unlimited"
        else:
            reasons.pop(name, None)
    limits = {**host.limits, "nofile_soft": soft, "nofile_hard": hard}
    return host.replace(limits=limits, unavailable=reasons)


def read_any_topology(source: HostSource, system: System) -> Topology:
    """The CPUs of a machine from a source."""
    return (read_darwin_topology if system == "darwin" else read_topology)(source)


def local_topology() -> Topology:
    """The CPUs of this machine that this process may use."""
    return read_any_topology(local_source(), local_system())


@functools.cache
def core_levels() -> tuple[tuple[str, ...], dict[int, int]]:
    """Kinds of core of this machine, fastest first, and the kind of each CPU number.

    Empty where all are of one kind, or where it is not known which CPU is of which.
    """
    if local_system() == "darwin":
        return read_levels(local_source())
    topology = local_topology()
    if len(topology.cluster_names) < 2:  # noqa: PLR2004 - of one kind, nothing can be mixed
        return (), {}
    return topology.cluster_names, {cpu.cpu: cpu.cluster for cpu in topology.cpus}


def quick_state(
    cpus: Sequence[int] = (), *, source: HostSource | None = None, system: System | None = None
) -> QuickState:
    """Read what can change within a trial; under 20 ms on Linux.

    Args:
        cpus: CPUs whose frequency and speed count; the frequency is that of all without any.
        source: where to read, this machine unless given: only that one can be made to compute.
        system: which system's way to read.
    """
    reader = _quick_darwin if (system or local_system()) == "darwin" else _quick_linux
    if source is not None:
        return reader(source, cpus)
    return reader(local_source(), cpus)._replace(work_us=work_us(cpus))


def _quick_linux(source: HostSource, cpus: Sequence[int]) -> QuickState:
    pattern = f"{CPU}/cpu[0-9]*/thermal_throttle/*_throttle_count"
    counts = [parse_int(source.read(path).text) for path in source.glob(pattern)]
    known = [count for count in counts if count is not None]
    return QuickState(
        power_source=power_source(source),
        mhz=mean_mhz(source, cpus),
        throttles=sum(known) if known else None,
    )


def _quick_darwin(source: HostSource, _cpus: Sequence[int]) -> QuickState:
    return QuickState(
        power_source=texts.power_source(source.run(["pmset", "-g", "batt"]).text),
        low_power=texts.low_power(texts.pmset_settings(source.run(["pmset", "-g"]).text)),
        thermal_pressure=texts.thermal_pressure(source.run(PRESSURE_COMMAND).text),
    )
