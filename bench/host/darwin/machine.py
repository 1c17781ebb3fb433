"""Reads a Mac: the summary of a Host from sysctl, sw_vers, pmset, system_profiler, notifyutil."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bench.host.darwin import texts
from bench.host.darwin.table import read_table
from bench.host.facts import FactSheet, make_host
from bench.host.source import MOST_CPUS, parse_int
from bench.model.host_facts import Cluster, Topology, TopologyCpu
from bench.model.plan import Pinning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.host.source import HostSource
    from bench.model.host_facts import Host

TRANSLATED: Final = "sysctl.proc_translated"
PRESSURE_COMMAND: Final = ("notifyutil", "-g", texts.THERMAL_KEY)
_UNPINNED: Final = Pinning(
    state="none",
    reason="macOS cannot hold a process on a CPU (thread_policy_set: KERN_NOT_SUPPORTED)",
)
_HOT: Final = texts.PRESSURES[2:]
_FULL_SPEED: Final = 100
_HZ_PER_MHZ: Final = 1e6
_MHZ_PER_GHZ: Final = 1000.0


def read_darwin(source: HostSource, tools: Mapping[str, str | None]) -> Host:
    """Read everything that the table names; what cannot be read is null with its reason."""
    facts = FactSheet()
    keys = sysctl_keys(source)
    read_table(source, keys, facts)
    _read_os(source, keys, facts)
    _read_machine(source, keys, facts)
    clusters = read_clusters(keys)
    _read_cpu(keys, facts, clusters)
    _read_power(source, facts)
    _read_thermal(source, facts)
    _read_limits(source, keys, facts)
    return make_host(facts, system="darwin", clusters=clusters, pinning=_UNPINNED, tools=tools)


def sysctl_keys(source: HostSource) -> dict[str, str]:
    """All of `sysctl -a`, and the one key that may have to be asked for by name."""
    keys = texts.sysctl(source.run(["sysctl", "-a"]).text)
    if TRANSLATED not in keys:
        alone = source.run(["sysctl", TRANSLATED]).text
        keys |= texts.sysctl(alone)
        short = source.run(["sysctl", "-n", TRANSLATED]).text if not alone else None
        if short in ("0", "1"):
            keys[TRANSLATED] = short
    return keys


def read_clusters(keys: Mapping[str, str]) -> tuple[Cluster, ...]:
    """Kinds of core under the system's own names, level 0 (the fastest) first.

    Intel Macs have no levels: one nameless kind.
    """
    levels = sorted({int(m[1]) for key in keys if (m := re.match(r"hw\.perflevel(\d+)\.", key))})
    found = []
    for level in levels:
        start = f"hw.perflevel{level}."
        cores = _count(keys, f"{start}physicalcpu", f"{start}physicalcpu_max", f"{start}logicalcpu")
        if cores:
            l2_bytes = parse_int(keys.get(f"{start}l2cachesize"))
            found.append(Cluster(name=keys.get(f"{start}name", ""), cores=cores, l2_bytes=l2_bytes))
    physical = _physical(keys)
    if not found and physical:
        found = [Cluster(name="", cores=physical, l2_bytes=parse_int(keys.get("hw.l2cachesize")))]
    return tuple(found)


def read_darwin_topology(source: HostSource) -> Topology:
    """Number the CPUs by cluster, since the system tells no numbers; none can be pinned."""
    keys = sysctl_keys(source)
    clusters = read_clusters(keys) or (Cluster(name="", cores=1, l2_bytes=None),)
    cores = sum(cluster.cores for cluster in clusters)
    threads = max(1, (_logical(keys) or cores) // cores)
    cpus: list[TopologyCpu] = []
    for number, cluster in enumerate(clusters):
        per_cache = _count(keys, f"hw.perflevel{number}.cpusperl2") or cluster.cores
        start = len(cpus)
        cpus += [
            TopologyCpu(
                cpu=start + place,
                core=start + place - place % threads,
                cluster=number,
                llc=start + place - place % (per_cache * threads),
            )
            for place in range(cluster.cores * threads)
        ]
    names = tuple(cluster.name for cluster in clusters)
    return Topology(cpus=tuple(cpus), cluster_names=names, pinning=_UNPINNED)


def _first(keys: Mapping[str, str], *names: str) -> int | None:
    """The first of these keys that holds a number above zero."""
    values = (parse_int(keys.get(name)) for name in names)
    return next((value for value in values if value is not None and value > 0), None)


def _count(keys: Mapping[str, str], *names: str) -> int | None:
    """The first that holds a number of CPUs that a machine can have."""
    values = (_first(keys, name) for name in names)
    return next((value for value in values if value is not None and value <= MOST_CPUS), None)


def _physical(keys: Mapping[str, str]) -> int | None:
    return _count(keys, "hw.physicalcpu", "machdep.cpu.core_count", "hw.physicalcpu_max")


def _logical(keys: Mapping[str, str]) -> int | None:
    return _count(keys, "hw.logicalcpu", "hw.ncpu", "hw.activecpu", "machdep.cpu.thread_count")


def _read_os(source: HostSource, keys: Mapping[str, str], facts: FactSheet) -> None:
    said = texts.sw_vers(source.run(["sw_vers"]).text)
    name = said.get("ProductName") or ("macOS" if "kern.osproductversion" in keys else None)
    facts.put("os.name", name, "no sw_vers")
    version = said.get("ProductVersion") or keys.get("kern.osproductversion")
    facts.put("os.version", version or None, "no sw_vers, no kern.osproductversion")
    build = said.get("BuildVersion") or keys.get("kern.osversion")
    facts.put("os.build", build or None, "no sw_vers, no kern.osversion")
    kernel = keys.get("kern.osrelease") or source.run(["uname", "-r"]).text
    facts.put("os.kernel", kernel, "no kern.osrelease, no uname")


def _read_machine(source: HostSource, keys: Mapping[str, str], facts: FactSheet) -> None:
    profile = texts.profiler(source.run(["system_profiler", "-json", "SPHardwareDataType"]).text)
    for key in texts.PROFILER_KEYS:
        facts.put(f"details.profiler.{key}", profile.get(key), "not in system_profiler's answer")
    model = keys.get("hw.model") or profile.get("machine_model")
    facts.put("machine.model", model or None, "no hw.model")
    facts.put("machine.vendor", "Apple")
    guest = {"0": False, "1": True}.get(keys.get("kern.hv_vmm_present", ""))
    named = True if str(model).startswith("VirtualMac") else None
    facts.put("machine.virtual", named if guest is None else guest, "no kern.hv_vmm_present")
    # An unknown key means an Intel system, on which nothing is translated.
    facts.put("machine.translated", value=keys.get(TRANSLATED) == "1")
    chip = keys.get("machdep.cpu.brand_string") or profile.get("chip_type")
    facts.put("cpu.model", chip or profile.get("cpu_type"), "no machdep.cpu.brand_string")


def _read_cpu(keys: Mapping[str, str], facts: FactSheet, clusters: tuple[Cluster, ...]) -> None:
    physical = _physical(keys) or sum(cluster.cores for cluster in clusters) or None
    logical = _logical(keys)
    facts.put("cpu.physical", physical, "no hw.physicalcpu")
    facts.put("cpu.logical", logical, "no hw.logicalcpu, no hw.ncpu")
    smt = logical > physical if logical and physical else None
    facts.put("memory_bytes", _first(keys, "hw.memsize"), "no hw.memsize")
    facts.put("cpu.smt", smt, "one of the two core counts is unknown")
    facts.put("cpu.governor", None, "macOS has no governors")
    facts.put("cpu.turbo", None, "macOS does not tell")
    if facts.get("machine.translated"):
        for name in ("base_mhz", "max_mhz"):
            facts.put(f"cpu.{name}", None, "Rosetta makes up a frequency")
        return
    named = re.search(r"@ ([\d.]+)GHz", facts.get("cpu.model") or "")
    base = _megahertz(keys, "hw.cpufrequency")
    printed = float(named[1]) * _MHZ_PER_GHZ if named else None
    facts.put("cpu.base_mhz", base or printed, "not reported on Apple silicon")
    facts.put("cpu.max_mhz", _megahertz(keys, "hw.cpufrequency_max"), "no hw.cpufrequency_max")


def _megahertz(keys: Mapping[str, str], name: str) -> float | None:
    hertz = _first(keys, name)
    return hertz / _HZ_PER_MHZ if hertz else None


def _read_power(source: HostSource, facts: FactSheet) -> None:
    battery = source.run(["pmset", "-g", "batt"])
    feeding = texts.power_source(battery.text)
    facts.put("power.source", feeding, battery.reason or "not understood: pmset -g batt")
    settings = source.run(["pmset", "-g"])
    low = texts.low_power(texts.pmset_settings(settings.text))
    if low is None and feeding:
        sections = texts.pmset_custom(source.run(["pmset", "-g", "custom"]).text)
        low = texts.low_power(sections.get(feeding, {}))
    facts.put("power.low_power", low, settings.reason or "this Mac has no such setting")


def _read_thermal(source: HostSource, facts: FactSheet) -> None:
    said = source.run(PRESSURE_COMMAND)
    pressure = texts.thermal_pressure(said.text)
    facts.put("thermal.pressure", pressure, said.reason or "not understood: notifyutil")
    therm = source.run(["pmset", "-g", "therm"])
    throttled = is_throttled(pressure, therm.text)
    facts.put("thermal.throttled", throttled, "neither notifyutil nor pmset -g therm tell")
    for key, value in texts.therm_limits(therm.text).items():
        facts.put(f"details.state.thermal.{key}", value)


def is_throttled(pressure: str | None, therm: str | None) -> bool | None:
    """Pressure heavy or above, or a speed limit below 100; None where neither is known."""
    limits = texts.therm_limits(therm)
    if pressure in _HOT or limits.get("CPU_Speed_Limit", _FULL_SPEED) < _FULL_SPEED:
        return True
    known = pressure is not None or "CPU_Speed_Limit" in limits or texts.therm_is_quiet(therm)
    return False if known else None


def _read_limits(source: HostSource, keys: Mapping[str, str], facts: FactSheet) -> None:
    soft, hard = texts.max_files(source.run(["launchctl", "limit", "maxfiles"]).text)
    shell = parse_int(source.run(["ulimit", "-n"]).text)
    facts.put("limits.nofile_soft", soft if shell is None else shell, "no ulimit, no launchctl")
    facts.put("limits.nofile_hard", hard, "unlimited, or no launchctl")
    ports = "net.inet.ip.portrange"
    for name, candidates in (
        ("maxfiles", ("kern.maxfiles",)),
        ("maxfilesperproc", ("kern.maxfilesperproc",)),
        ("maxproc", ("kern.maxproc",)),
        ("somaxconn", ("kern.ipc.somaxconn",)),
        ("port_first", (f"{ports}.first", f"{ports}.hifirst")),
        ("port_last", (f"{ports}.last", f"{ports}.hilast")),
        ("msl_ms", ("net.inet.tcp.msl",)),
    ):
        facts.put(f"limits.{name}", _first(keys, *candidates), f"no {candidates[0]}")
