"""Reads a Linux machine: the summary of a Host from /proc, /sys and a few commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from bench.host.facts import STATE, FactSheet, make_host
from bench.host.linux.names import arm_name, virtual_vendor
from bench.host.linux.readings import pairs, read_readings, read_supplies
from bench.host.linux.table import read_series, read_table
from bench.host.linux.topology import CPU, cpuinfo_blocks, online_cpus, read_cores, read_topology
from bench.host.source import parse_int
from bench.model.host_facts import Cluster

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.host.source import HostSource
    from bench.model.host_facts import Host, TopologyCpu

_KHZ_PER_MHZ: Final = 1000.0
_MHZ_PER_GHZ: Final = 1000.0
_CACHE_UNITS: Final = {"K": 2**10, "M": 2**20, "G": 2**30}
_LOW_PROFILES: Final = ("low-power", "quiet", "cool")
_CPU_KEYS: Final = (
    ("vendor_id", "vendor"),
    ("cpu family", "family"),
    ("model", "model_number"),
    ("stepping", "stepping"),
    ("microcode", "microcode"),
    ("CPU implementer", "implementer"),
    ("CPU part", "part"),
    ("CPU variant", "variant"),
    ("CPU revision", "revision"),
)


def read_linux(source: HostSource, tools: Mapping[str, str | None]) -> Host:
    """Read everything that the tables name; what cannot be read is null with its reason."""
    facts = FactSheet()
    read_table(source, facts)
    read_readings(source, facts)
    cores, names = read_cores(source, online_cpus(source))
    _read_os(source, facts)
    _read_cpu(source, facts, cores)
    _read_machine(source, facts)
    _read_frequency(source, facts)
    _read_smt(facts, cores)
    _read_power(source, facts)
    _read_limits(source, facts)
    return make_host(
        facts,
        system="linux",
        clusters=_clusters(source, cores, names),
        pinning=read_topology(source).pinning,
        tools=tools,
    )


def _read_os(source: HostSource, facts: FactSheet) -> None:
    release = source.read("/etc/os-release")
    if release.text is None:
        release = source.read("/usr/lib/os-release")
    words = {key: value.strip("\"'") for key, value in pairs(release.text, "=").items()}
    missing = release.reason or "not in os-release"
    facts.put("os.name", words.get("NAME"), missing)
    facts.put("os.version", words.get("VERSION_ID"), missing)
    facts.put("os.build", words.get("BUILD_ID"), "no BUILD_ID in os-release")
    uname = (source.run(["uname", "-a"]).text or "").split()
    kernel = uname[2] if len(uname) > 2 else None  # noqa: PLR2004 - system, host, release
    facts.put("os.kernel", kernel or source.read("/proc/sys/kernel/osrelease").text, "no uname")
    facts.put("memory_bytes", facts.get("details.memory.total_bytes"), "no MemTotal")


def _read_cpu(source: HostSource, facts: FactSheet, cores: Sequence[TopologyCpu]) -> None:
    blocks = cpuinfo_blocks(source)
    block = next(iter(blocks.values()), {})
    names = dict.fromkeys(name for b in blocks.values() if (name := arm_name(b)))
    model = block.get("model name") or " + ".join(names)
    facts.put("cpu.model", model or None, "no model in /proc/cpuinfo")
    facts.put("cpu.logical", len(cores))
    facts.put("cpu.physical", len({cpu.core for cpu in cores}))
    for key, name in _CPU_KEYS:
        facts.put(f"details.cpu.{name}", block.get(key), f"no {key!r} in /proc/cpuinfo")
    for keys, name in ((("flags", "Features"), "flags"), (("bugs",), "bugs")):
        words = next((block[key] for key in keys if block.get(key)), None)
        facts.put(f"details.cpu.{name}", words, f"no {name} in /proc/cpuinfo")


def _read_machine(source: HostSource, facts: FactSheet) -> None:
    tree = source.read("/proc/device-tree/model").text or ""
    product = facts.get("details.virtual.product_name") or tree.rstrip("\0") or None
    facts.put("machine.model", product, "no firmware tables, no device tree")
    facts.put("machine.vendor", facts.get("details.virtual.sys_vendor"), "no firmware tables")
    facts.put("machine.translated", value=False)
    facts.put("machine.virtual", _is_virtual(facts), "neither CPU nor firmware tell")


def _is_virtual(facts: FactSheet) -> bool | None:
    flags = (facts.get("details.cpu.flags") or "").split()
    if "hypervisor" in flags or facts.get("details.virtual.hypervisor_type"):
        return True
    detected = facts.get("details.virtual.vm")
    if detected is not None:
        return bool(detected != "none")
    vendor = facts.get("details.virtual.sys_vendor") or ""
    named = virtual_vendor(vendor, facts.get("details.virtual.product_name") or "")
    if named is not None:
        return named
    # On x86 every common hypervisor sets the flag: without it the machine is real.
    if "tsc" in flags:
        return False
    # Boards are named by their device tree; QEMU's own tree is linux,dummy-virt.
    model = facts.get("machine.model")
    return "dummy-virt" in model if model else None


def _read_frequency(source: HostSource, facts: FactSheet) -> None:
    governors = read_series(source, f"{CPU}/cpu[0-9]*/cpufreq/scaling_governor").values()
    reason = facts.reasons.get("details.frequency.governor", "not readable")
    facts.put("cpu.governor", "+".join(sorted(set(governors))) or None, reason)
    no_turbo = facts.get("details.frequency.intel_pstate.no_turbo")
    boost = facts.get("details.frequency.boost")
    turbo = boost if no_turbo is None else not no_turbo
    facts.put("cpu.turbo", turbo, "neither intel_pstate/no_turbo nor cpufreq/boost")
    named = re.search(r"@ ([\d.]+)GHz", facts.get("cpu.model") or "")
    printed = float(named[1]) * _MHZ_PER_GHZ if named else None
    base = _top_mhz(source, "base_frequency") or printed
    facts.put("cpu.base_mhz", base, "no base_frequency, none in the model's name")
    top = _top_mhz(source, "cpuinfo_max_freq")
    facts.put("cpu.max_mhz", top, "no cpuinfo_max_freq")
    now = mean_mhz(source)
    facts.put(f"details.{STATE}frequency.mhz", now, "no scaling_cur_freq, no cpu MHz")


def _top_mhz(source: HostSource, name: str) -> float | None:
    texts = read_series(source, f"{CPU}/cpu[0-9]*/cpufreq/{name}").values()
    khz = [value for text in texts if (value := parse_int(text)) is not None]
    return max(khz) / _KHZ_PER_MHZ if khz else None


def mean_mhz(source: HostSource, cpus: Sequence[int] = ()) -> float | None:
    """Mean frequency now, in MHz, of the given CPUs (all without any).

    From cpufreq where there is one, else from /proc/cpuinfo (where a virtual machine prints a
    constant).
    """
    pattern = f"{CPU}/cpu[0-9]*/cpufreq/scaling_cur_freq"
    paths = source.glob(pattern) if not cpus else ()
    paths = paths or tuple(f"{CPU}/cpu{cpu}/cpufreq/scaling_cur_freq" for cpu in cpus)
    khz = [value for path in paths if (value := parse_int(source.read(path).text)) is not None]
    if khz:
        return sum(khz) / len(khz) / _KHZ_PER_MHZ
    blocks = cpuinfo_blocks(source)
    texts = [b.get("cpu MHz", "") for cpu, b in blocks.items() if not cpus or cpu in cpus]
    mhz = [float(text) for text in texts if re.fullmatch(r"\d+(\.\d+)?", text)]
    return sum(mhz) / len(mhz) if mhz else None


def _read_smt(facts: FactSheet, cores: Sequence[TopologyCpu]) -> None:
    active = facts.get("details.smt.active")
    doubled = len({cpu.core for cpu in cores}) < len(cores)
    facts.put("cpu.smt", active if active is not None else doubled)


def power_source(source: HostSource) -> str | None:
    """`ac` or `battery` from the power supplies; None on machines that list none."""
    return _source_of(read_supplies(source))


def _source_of(supplies: Sequence[Mapping[str, Any]]) -> str | None:
    states = [s["status"] for s in supplies if s["type"] == "Battery"]
    plugged = any(s["type"] != "Battery" and s["online"] == "1" for s in supplies)
    if plugged or any(state in ("Charging", "Full", "Not charging") for state in states):
        return "ac"
    return "battery" if "Discharging" in states else None


def _read_power(source: HostSource, facts: FactSheet) -> None:
    feeding = power_source(source)
    facts.put("power.source", feeding, "no power supplies listed")
    profile = facts.get("details.power.platform_profile")
    low = None if profile is None else profile in _LOW_PROFILES
    facts.put("power.low_power", low, "no platform_profile")
    # Linux counts throttling and has no level: only the difference of two readings tells.
    facts.put("thermal.throttled", None, "Linux has counters: two readings tell, see findings")
    facts.put("thermal.pressure", None, "macOS only")


def _read_limits(source: HostSource, facts: FactSheet) -> None:
    limits = source.read("/proc/self/limits").text or ""
    match = re.search(r"^Max open files\s+(\w+)\s+(\w+)", limits, re.MULTILINE)
    for name, text in zip(("soft", "hard"), match.groups() if match else (None, None), strict=True):
        facts.put(f"limits.nofile_{name}", parse_int(text), "no number in /proc/self/limits")
    ports = facts.get("details.network.ip_local_port_range") or []
    for name, place in (("first", 0), ("last", 1)):
        value = parse_int(ports[place]) if len(ports) > place else None
        facts.put(f"limits.port_{name}", value, "no ip_local_port_range")
    for name, detail in (
        ("somaxconn", "somaxconn"),
        ("syn_backlog", "tcp_max_syn_backlog"),
        ("fin_timeout_s", "tcp_fin_timeout"),
        ("conntrack_max", "nf_conntrack_max"),
    ):
        path = f"details.network.{detail}"
        facts.put(f"limits.{name}", facts.get(path), facts.reasons.get(path, ""))


def _clusters(
    source: HostSource, cores: Sequence[TopologyCpu], names: Sequence[str]
) -> tuple[Cluster, ...]:
    clusters = []
    for number, name in enumerate(names):
        members = [cpu for cpu in cores if cpu.cluster == number]
        count = len({cpu.core for cpu in members})
        clusters.append(
            Cluster(name=name, cores=count, l2_bytes=_cache_bytes(source, members[0].cpu, 2))
        )
    return tuple(clusters)


def _cache_bytes(source: HostSource, cpu: int, level: int) -> int | None:
    """The size of one CPU's cache of a level, as `2048K`."""
    for path in source.glob(f"{CPU}/cpu{cpu}/cache/index[0-9]*/level"):
        if parse_int(source.read(path).text) == level:
            text = source.read(path.replace("/level", "/size")).text or ""
            match = re.fullmatch(r"(\d+)([KMG])", text)
            return int(match[1]) * _CACHE_UNITS[match[2]] if match else None
    return None
