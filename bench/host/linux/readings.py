"""Linux readings that need more than one row: counters, groups, sensors, power; nothing judges."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from bench.host.facts import STATE
from bench.host.linux.cgroup import cpu_quota, folders, memory_limit, own_paths, throttling
from bench.host.linux.table import parse_quietly, pressure_percent
from bench.host.source import EMPTY, parse_int

if TYPE_CHECKING:
    from bench.host.facts import FactSheet
    from bench.host.source import HostSource

_KILO: Final = 1024
_MILLI: Final = 1000.0
_COLDEST_C: Final = -40.0
_HOTTEST_C: Final = 150.0
_CONTAINERS: Final = ("docker", "kubepods", "containerd", "libpod", "lxc", "buildkit", "garden")
_TCP: Final = {
    "ListenOverflows": ("/proc/net/netstat", "TcpExt"),
    "ListenDrops": ("/proc/net/netstat", "TcpExt"),
    "TCPTimeouts": ("/proc/net/netstat", "TcpExt"),
    "RetransSegs": ("/proc/net/snmp", "Tcp"),
}


def read_readings(source: HostSource, facts: FactSheet) -> None:
    """Put every reading under `details.`, None with its reason where there is none."""
    _caches(source, facts)
    _memory(source, facts)
    _counters(source, facts)
    _groups(source, facts)
    _temperatures(source, facts)
    _supplies(source, facts)
    _guest(source, facts)
    _people(source, facts)


def pairs(text: str | None, mark: str = ":") -> dict[str, str]:
    """Lines `key: value` as a dictionary."""
    found = (line.partition(mark) for line in (text or "").splitlines())
    return {key.strip(): value.strip() for key, sign, value in found if sign}


def _caches(source: HostSource, facts: FactSheet) -> None:
    """Every kind of cache: level, type, size of one, how many."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for path in source.glob("/sys/devices/system/cpu/cpu[0-9]*/cache/index[0-9]*/level"):
        folder = path.removesuffix("/level")
        names = ("level", "type", "size", "shared_cpu_list")
        level, kind, size, shared = (source.read(f"{folder}/{name}").text or "" for name in names)
        found.setdefault((level, kind, size), set()).add(shared)
    caches = [
        {"level": level, "type": kind, "size": size, "count": len(shared)}
        for (level, kind, size), shared in sorted(found.items())
    ]
    facts.put("details.topology.caches", caches or None, "no cache folders")


def _memory(source: HostSource, facts: FactSheet) -> None:
    info = pairs(source.read("/proc/meminfo").text)
    for key, name in (
        ("MemTotal", "memory.total_bytes"),
        ("MemAvailable", f"{STATE}memory.available_bytes"),
        ("HugePages_Total", "memory.huge_pages"),
        ("HugePages_Free", f"{STATE}memory.huge_pages_free"),
        ("Hugepagesize", "memory.huge_page_bytes"),
        ("SwapTotal", "memory.swap_bytes"),
        ("SwapFree", f"{STATE}memory.swap_free_bytes"),
    ):
        words = info.get(key, "").split()
        number = parse_int(words[0]) if words else None
        unit = _KILO if len(words) > 1 else 1
        value = None if number is None else number * unit
        facts.put(f"details.{name}", value, f"no {key} in /proc/meminfo")
    nodes = {
        path.split("/")[-2].removeprefix("node"): parse_int(match[1]) if match else None
        for path in source.glob("/sys/devices/system/node/node[0-9]*/meminfo")
        for match in [re.search(r"MemTotal:\s+(\d+) kB", source.read(path).text or "")]
    }
    facts.put("details.memory.node_kib", nodes or None, "no node folders")
    swaps = source.read("/proc/swaps")
    devices = None if swaps.text is None else max(0, len(swaps.text.splitlines()) - 1)
    facts.put("details.memory.swap_devices", devices, f"{swaps.reason}: /proc/swaps")


def _counters(source: HostSource, facts: FactSheet) -> None:
    vmstat = pairs(source.read("/proc/vmstat").text, " ")
    for key in ("pswpin", "pswpout"):
        facts.put(f"details.{STATE}memory.{key}", parse_int(vmstat.get(key)), "not in /proc/vmstat")
    for key, (path, group) in _TCP.items():
        value = _tcp_counter(source.read(path).text, group, key)
        facts.put(f"details.{STATE}network.{key}", value, f"not in {path}")
    stat = pairs(source.read("/proc/stat").text, " ")
    steal = parse_quietly(lambda text: int(text.split()[7]), stat.get("cpu"))
    facts.put(f"details.{STATE}load.steal_ticks", steal, "no eighth value in /proc/stat")
    switches = parse_int(stat.get("ctxt"))
    facts.put(f"details.{STATE}load.context_switches", switches, "no ctxt in /proc/stat")
    total = parse_quietly(lambda text: int(text.split()[0]), stat.get("intr"))
    facts.put(f"details.{STATE}load.interrupts", total, "no intr in /proc/stat")
    facts.put("details.kernel.boot_time_s", parse_int(stat.get("btime")), "no btime in /proc/stat")
    by_cpu = interrupts_by_cpu(source.read("/proc/interrupts").text)
    facts.put(f"details.{STATE}load.interrupts_by_cpu", by_cpu, "no table in /proc/interrupts")


def _tcp_counter(text: str | None, group: str, key: str) -> int | None:
    """A counter of /proc/net/snmp or netstat: a line of names, then one of values, per group."""
    lines = [line.split() for line in (text or "").splitlines() if line.startswith(f"{group}: ")]
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        if key in names and len(values) == len(names):
            return parse_int(values[names.index(key)])
    return None


def interrupts_by_cpu(text: str | None) -> dict[str, int] | None:
    """Interrupts so far, summed over all sources, per CPU number."""
    lines = (text or "").splitlines()
    names = re.findall(r"CPU(\d+)", lines[0]) if lines else []
    if not names:
        return None
    sums = dict.fromkeys(names, 0)
    for line in lines[1:]:
        counts = line.partition(":")[2].split()[: len(names)]
        if len(counts) == len(names) and all(count.isdecimal() for count in counts):
            for name, count in zip(names, counts, strict=True):
                sums[name] += int(count)
    return sums


def _groups(source: HostSource, facts: FactSheet) -> None:
    known = bool(own_paths(source))
    reason = "no limit" if known else "no /proc/self/cgroup"
    facts.put("details.cgroup.cpu_quota", cpu_quota(source), reason)
    facts.put("details.cgroup.memory_limit_bytes", memory_limit(source), reason)
    for name in ("cpu.weight", "cpuset.cpus.effective"):
        answers = [source.read(f"{folder}/{name}") for folder in folders(source, "")]
        text = next((answer.text for answer in answers if answer.text is not None), None)
        facts.put(f"details.cgroup.{name.replace('.', '_')}", text, f"no {name} in any group")
    pressures = (
        parse_quietly(pressure_percent, source.read(f"{folder}/cpu.pressure").text)
        for folder in folders(source, "")
    )
    own = next((pressure for pressure in pressures if pressure is not None), None)
    facts.put(f"details.{STATE}cgroup.cpu_pressure_pct", own, "no cpu.pressure in any group")
    counts = throttling(source)
    for key in ("nr_periods", "nr_throttled", "throttled_us"):
        facts.put(f"details.{STATE}cgroup.{key}", counts.get(key), "no cpu.stat with periods")


def _temperatures(source: HostSource, facts: FactSheet) -> None:
    """Degrees Celsius by sensor; /sys has thousandths, and nonsense where nothing is wired."""
    found: dict[str, float] = {}
    for path in source.glob("/sys/class/thermal/thermal_zone[0-9]*/temp"):
        _keep_temperature(source, found, path, path.removesuffix("temp") + "type")
    for path in source.glob("/sys/class/hwmon/hwmon[0-9]*/temp[0-9]*_input"):
        folder = path.rpartition("/")[0]
        _keep_temperature(source, found, path, f"{folder}/name")
    facts.put(f"details.{STATE}thermal.celsius", found or None, "no sensors")


def _keep_temperature(source: HostSource, found: dict[str, float], path: str, named: str) -> None:
    raw = parse_int(source.read(path).text)
    if raw is None or not _COLDEST_C < raw / _MILLI < _HOTTEST_C:
        return
    name = source.read(named).text or "sensor"
    sensor = re.search(r"(\d+)(?=/temp$|_input$)", path)
    found[f"{name}.{sensor[1] if sensor else 0}"] = raw / _MILLI


def read_supplies(source: HostSource) -> list[dict[str, Any]]:
    """The machine's own power supplies; a mouse has a battery, too (scope Device)."""
    places = [path.removesuffix("/type") for path in source.glob("/sys/class/power_supply/*/type")]
    return [
        {
            "type": source.read(f"{folder}/type").text,
            "online": source.read(f"{folder}/online").text,
            "status": source.read(f"{folder}/status").text,
            "capacity_pct": parse_int(source.read(f"{folder}/capacity").text),
        }
        for folder in places
        if source.read(f"{folder}/scope").text != "Device"
    ]


def _supplies(source: HostSource, facts: FactSheet) -> None:
    own = read_supplies(source)
    levels = [s["capacity_pct"] for s in own if s["type"] == "Battery" and s["capacity_pct"]]
    facts.put(f"details.{STATE}power.battery_pct", min(levels, default=None), "no battery")
    shown = [{key: s[key] for key in ("type", "online", "status")} for s in own]
    facts.put("details.power.supplies", shown or None, "no power supplies listed")


def _guest(source: HostSource, facts: FactSheet) -> None:
    for name, option in (("vm", "--vm"), ("container", "--container")):
        answer = source.run(["systemd-detect-virt", option])
        text = answer.text if answer.text and re.fullmatch(r"[\w-]+", answer.text) else None
        facts.put(f"details.virtual.{name}", text, answer.reason)
    if facts.get("details.virtual.container") in (None, "none"):
        _container_by_files(source, facts)
    balance = source.run(["systemctl", "is-active", "irqbalance"])
    text = balance.text if balance.text in ("active", "inactive", "failed", "unknown") else None
    facts.put("details.scheduler.irqbalance", text, balance.reason or "not understood")


def _container_by_files(source: HostSource, facts: FactSheet) -> None:
    # An empty /.dockerenv is there all the same.
    marker = source.read("/.dockerenv")
    groups = (source.read("/proc/1/cgroup").text or "").lower()
    kind = next((name for name in _CONTAINERS if name in groups), None)
    if marker.text is not None or marker.reason == EMPTY:
        kind = "docker"
    if kind:
        facts.values["details.virtual.container"] = kind
        facts.reasons.pop("details.virtual.container", None)


def _people(source: HostSource, facts: FactSheet) -> None:
    """How many are logged in; never who."""
    who = source.run(["who"])
    said = who.reason.startswith("who said nothing")
    count = len(who.text.splitlines()) if who.text else (0 if said else None)
    facts.put(f"details.{STATE}load.logins", count, who.reason)
