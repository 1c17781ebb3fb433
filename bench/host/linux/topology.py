"""Reads the CPUs of a Linux machine as a Topology: cores, kinds of core, caches, nodes, quota."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.host.linux.cgroup import cpu_quota
from bench.host.linux.names import arm_name
from bench.host.source import parse_cpulist, parse_int
from bench.model.host_facts import Topology, TopologyCpu
from bench.model.plan import Pinning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.host.source import HostSource

CPU: Final = "/sys/devices/system/cpu"
_SAME_KIND: Final = 0.8
"""Two capacities (or top frequencies) whose ratio is above this belong to one kind of core.

Favored cores of one die differ by up to 10 % (turbo boost max, preferred cores); big and little,
performance and efficiency, full and compact cores differ by 25 % and more.
"""
_ATOM: Final = "Efficiency"
_TOP_CAPACITY: Final = 1024
"""The kernel scales capacities to this; anything larger is a frequency."""
_KHZ_PER_GHZ: Final = 1e6
_LINUX_PINNING: Final = Pinning(state="pinned", reason="sched_setaffinity before exec")


class Kind(NamedTuple):
    """What tells one kind of core from another.

    Attributes:
        name: the name that the system gives it, or "".
        speed: capacity, else top frequency in kHz, else 0; only compared on one machine.
    """

    name: str
    speed: int


def read_topology(source: HostSource) -> Topology:
    """Read the CPUs that this process may use."""
    cpus, names = read_cores(source, usable_cpus(source))
    return Topology(cpus=cpus, cluster_names=names, pinning=_LINUX_PINNING, quota=cpu_quota(source))


def read_cores(
    source: HostSource, numbers: Sequence[int]
) -> tuple[tuple[TopologyCpu, ...], tuple[str, ...]]:
    """Read where each of these CPUs stands, and the names of the kinds of core, fastest first."""
    blocks = cpuinfo_blocks(source)
    clusters = group_kinds(_kinds(source, numbers, blocks))
    nodes = _nodes(source)
    cpus = tuple(
        TopologyCpu(
            cpu=cpu,
            core=_core(source, cpu, blocks.get(cpu, {})),
            cluster=next(i for i, (_, members) in enumerate(clusters) if cpu in members),
            llc=_last_cache(source, cpu),
            node=nodes[cpu] if cpu in nodes else _package(source, cpu) if nodes else 0,
        )
        for cpu in numbers
    )
    return _number_cores(cpus), _names(clusters)


def online_cpus(source: HostSource) -> tuple[int, ...]:
    """The CPUs that are on, from /sys, else /proc/cpuinfo, else CPU 0 alone."""
    online = parse_cpulist(source.read(f"{CPU}/online").text)
    return online or tuple(sorted(cpuinfo_blocks(source))) or (0,)


def usable_cpus(source: HostSource) -> tuple[int, ...]:
    """The online CPUs that affinity and cpuset leave to this process."""
    online = online_cpus(source)
    status = source.read("/proc/self/status").text or ""
    match = re.search(r"^Cpus_allowed_list:\s*(\S+)", status, re.MULTILINE)
    allowed = set(parse_cpulist(match[1])) if match else set(online)
    return tuple(cpu for cpu in online if cpu in allowed) or online


def cpuinfo_blocks(source: HostSource) -> dict[int, dict[str, str]]:
    """The keys of /proc/cpuinfo per logical CPU."""
    blocks: dict[int, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in (source.read("/proc/cpuinfo").text or "").splitlines():
        key, colon, value = (part.strip() for part in line.partition(":"))
        if key == "processor" and value.isdecimal():
            current = blocks.setdefault(int(value), {})
        elif colon:
            current[key] = value
    return blocks


def group_kinds(kinds: Mapping[int, Kind]) -> list[tuple[Kind, frozenset[int]]]:
    """Gather CPUs of one kind, the fastest kind first.

    CPUs of one name are one kind unless their speeds lie further apart than `_SAME_KIND`.
    """
    groups: list[tuple[str, int, set[int]]] = []
    for cpu, kind in sorted(kinds.items(), key=lambda item: (-item[1].speed, item[0])):
        near = [g for g in groups if g[0] == kind.name and kind.speed >= g[1] * _SAME_KIND]
        if near:
            near[-1][2].add(cpu)
        else:
            groups.append((kind.name, kind.speed, {cpu}))
    groups.sort(key=lambda group: (-group[1], group[0] == _ATOM, min(group[2])))
    return [(Kind(name, speed), frozenset(members)) for name, speed, members in groups]


def _names(clusters: Sequence[tuple[Kind, frozenset[int]]]) -> tuple[str, ...]:
    """A name for each kind of core; a machine with one kind that has no name keeps it nameless."""
    names: list[str] = []
    for kind, _ in clusters:
        name = kind.name
        if name in names:
            name = "Low power" if name == _ATOM else f"{name} {len(names) + 1}"
        elif not name and len(clusters) > 1:
            name = _speed_name(kind.speed)
        names.append(name)
    return tuple(names)


def _speed_name(speed: int) -> str:
    """Cores that only differ by speed are named by it: 5100000 (kHz) -> `5.1-GHz`."""
    return f"{speed / _KHZ_PER_GHZ:.1f}-GHz" if speed > _TOP_CAPACITY else f"capacity {speed}"


def _kinds(
    source: HostSource, cpus: Sequence[int], blocks: Mapping[int, Mapping[str, str]]
) -> dict[int, Kind]:
    hybrid = {
        cpu: name
        for device, name in (("cpu_core", "Performance"), ("cpu_atom", _ATOM))
        for cpu in parse_cpulist(source.read(f"/sys/devices/{device}/cpus").text)
    }
    return {
        cpu: Kind(
            hybrid.get(cpu) or arm_name(blocks.get(cpu, {})) or "",
            _speed(source, cpu),
        )
        for cpu in cpus
    }


def _speed(source: HostSource, cpu: int) -> int:
    capacity = parse_int(source.read(f"{CPU}/cpu{cpu}/cpu_capacity").text)
    if capacity is not None:
        return capacity
    return parse_int(source.read(f"{CPU}/cpu{cpu}/cpufreq/cpuinfo_max_freq").text) or 0


def _core(source: HostSource, cpu: int, block: Mapping[str, str]) -> int:
    """A number that all hardware threads of one core have in common and no other core has."""
    folder = f"{CPU}/cpu{cpu}/topology"
    for name in ("core_cpus_list", "thread_siblings_list"):
        siblings = parse_cpulist(source.read(f"{folder}/{name}").text)
        if cpu in siblings:
            return siblings[0]
    package, core = block.get("physical id", ""), block.get("core id", "")
    if package.isdecimal() and core.isdecimal():
        return -(int(package) * 100_000 + int(core)) - 1
    return cpu


def _number_cores(cpus: tuple[TopologyCpu, ...]) -> tuple[TopologyCpu, ...]:
    """Give each core the number of its lowest CPU, whatever its members were known by."""
    lowest: dict[int, int] = {}
    for cpu in cpus:
        lowest.setdefault(cpu.core, cpu.cpu)
    return tuple(cpu.replace(core=lowest[cpu.core]) for cpu in cpus)


def _last_cache(source: HostSource, cpu: int) -> int:
    """The lowest CPU that shares this CPU's last-level cache, else its cluster's."""
    best = 0
    shared: tuple[int, ...] = (0,)
    for path in source.glob(f"{CPU}/cpu{cpu}/cache/index[0-9]*/level"):
        level = parse_int(source.read(path).text) or 0
        cpus = parse_cpulist(source.read(path.replace("/level", "/shared_cpu_list")).text)
        if level > max(best, 1) and cpu in cpus:
            best, shared = level, cpus
    if best:
        return shared[0]
    cluster = parse_cpulist(source.read(f"{CPU}/cpu{cpu}/topology/cluster_cpus_list").text)
    return cluster[0] if cpu in cluster else 0


def _package(source: HostSource, cpu: int) -> int:
    """The socket of a CPU that no node lists (a node without memory has no list)."""
    return parse_int(source.read(f"{CPU}/cpu{cpu}/topology/physical_package_id").text) or 0


def _nodes(source: HostSource) -> dict[int, int]:
    nodes: dict[int, int] = {}
    for path in source.glob("/sys/devices/system/node/node[0-9]*/cpulist"):
        number = re.search(r"node(\d+)/", path)
        for cpu in parse_cpulist(source.read(path).text):
            nodes[cpu] = int(number[1]) if number else 0
    return nodes
