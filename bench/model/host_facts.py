"""The machine: hardware, system, power, heat, limits; null with a reason where unreadable."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from bench.model.base import SCHEMA_VERSION, Model
from bench.model.finding import Finding
from bench.model.plan import Pinning

System = Literal["linux", "darwin"]


class OsInfo(Model):
    """The operating system; `kernel` is what `uname -r` prints."""

    name: str | None
    version: str | None
    build: str | None
    kernel: str | None


class MachineInfo(Model):
    """The machine's model; `virtual` = a guest, `translated` = running under Rosetta."""

    model: str | None
    vendor: str | None
    virtual: bool | None
    translated: bool | None


class Cluster(Model):
    """Cores of one kind, under the name that the system gives them; the fastest first."""

    name: str
    cores: int
    l2_bytes: int | None


class CpuInfo(Model):
    """The processor."""

    model: str | None
    physical: int | None
    logical: int | None
    clusters: tuple[Cluster, ...]
    smt: bool | None
    governor: str | None
    turbo: bool | None
    base_mhz: float | None
    max_mhz: float | None


class PowerInfo(Model):
    """Where the power comes from."""

    source: Literal["ac", "battery"] | None
    low_power: bool | None


class ThermalInfo(Model):
    """Heat; throttled = pressure heavy or above, or a speed limit below 100."""

    throttled: bool | None
    pressure: Literal["nominal", "moderate", "heavy", "trapping", "sleeping"] | None


class Host(Model):
    """Everything recorded of the machine (`bench host --json`).

    Attributes:
        limits: file descriptors, ports, backlog and the like.
        details: the full table of settings behind the summary, by dotted name.
        tools: version per tool on PATH that a run uses.
        fingerprint: equal fingerprints = comparable runs.
        unavailable: dotted path -> reason, for every null.
    """

    schema_version: int = SCHEMA_VERSION
    system: System
    os: OsInfo
    machine: MachineInfo
    cpu: CpuInfo
    memory_bytes: int | None
    power: PowerInfo
    thermal: ThermalInfo
    limits: dict[str, int | None]
    pinning: Pinning
    fingerprint: str
    findings: tuple[Finding, ...]
    unavailable: dict[str, str]
    details: dict[str, JsonValue] = {}
    tools: dict[str, str | None] = {}


class TopologyCpu(Model):
    """One online logical CPU.

    Attributes:
        core: physical core id, unique over the machine.
        cluster: index of the kind of core, 0 = fastest.
        llc: id of the last-level (or cluster) cache it shares.
        node: NUMA node.
    """

    cpu: int
    core: int
    cluster: int = 0
    llc: int = 0
    node: int = 0


class Topology(Model):
    """The online CPUs that this process may use, and whether they can be pinned.

    Attributes:
        cpus: ascending by number; on macOS numbered by cluster since the system tells no numbers.
        cluster_names: per cluster index.
        pinning: pinned where the system can hold a process on a CPU.
        quota: CPUs' worth of time that a cgroup allows, or None.
    """

    cpus: tuple[TopologyCpu, ...]
    cluster_names: tuple[str, ...] = ("",)
    pinning: Pinning
    quota: float | None = None
