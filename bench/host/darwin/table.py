"""The table of macOS settings and readings: a row per sysctl key or command; nothing judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench.host.darwin import texts
from bench.host.facts import STATE
from bench.host.source import parse_int

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.host.facts import FactSheet
    from bench.host.source import HostSource

_LEVEL_KEYS: Final = (
    "name",
    "physicalcpu",
    "logicalcpu",
    "physicalcpu_max",
    "logicalcpu_max",
    "l1icachesize",
    "l1dcachesize",
    "l2cachesize",
    "cpusperl2",
)
KEYS: Final = (
    "machdep.cpu.brand_string",
    "machdep.cpu.vendor",
    "machdep.cpu.family",
    "machdep.cpu.model",
    "machdep.cpu.stepping",
    "machdep.cpu.core_count",
    "machdep.cpu.thread_count",
    "machdep.cpu.microcode_version",
    "hw.model",
    "hw.machine",
    "hw.memsize",
    "hw.pagesize",
    "hw.cachelinesize",
    "hw.ncpu",
    "hw.activecpu",
    "hw.physicalcpu",
    "hw.physicalcpu_max",
    "hw.logicalcpu",
    "hw.logicalcpu_max",
    "hw.packages",
    "hw.nperflevels",
    "hw.l1icachesize",
    "hw.l1dcachesize",
    "hw.l2cachesize",
    "hw.l3cachesize",
    "hw.cpufrequency",
    "hw.cpufrequency_min",
    "hw.cpufrequency_max",
    "hw.cpufamily",
    "kern.ostype",
    "kern.osproductversion",
    "kern.osversion",
    "kern.osrelease",
    "kern.version",
    "kern.hv_vmm_present",
    "kern.hv_support",
    "sysctl.proc_translated",
    "kern.maxfiles",
    "kern.maxfilesperproc",
    "kern.maxproc",
    "kern.ipc.somaxconn",
    "net.inet.ip.portrange.first",
    "net.inet.ip.portrange.last",
    "net.inet.ip.portrange.hifirst",
    "net.inet.ip.portrange.hilast",
    "net.inet.tcp.msl",
)
"""Settings among the sysctl keys; recorded as `details.sysctl.<key>`, numbers as numbers."""
STATE_KEYS: Final[tuple[tuple[str, str, Callable[[str], Any]], ...]] = (
    ("vm.loadavg", f"{STATE}load.average", texts.load_average),
    ("kern.memorystatus_vm_pressure_level", f"{STATE}memory.pressure_level", parse_int),
    ("machdep.xcpm.cpu_thermal_level", f"{STATE}thermal.xcpm_level", parse_int),
    ("kern.boottime", "kernel.boot_time_s", texts.boot_time),
)
COMMANDS: Final[tuple[tuple[tuple[str, ...], str, Callable[[str], Any]], ...]] = (
    (("mdutil", "-s", "/"), "noise.spotlight", texts.spotlight),
    (("tmutil", "status"), f"{STATE}noise.backup_running", texts.backup_running),
    (("pmset", "-g", "assertions"), f"{STATE}power.assertions", texts.assertions),
    (("ps", "-Aceo", "pcpu,comm"), f"{STATE}load.busy_percent", texts.busy_processes),
    (("csrutil", "status"), "kernel.integrity_protection", texts.integrity),
    (("pmset", "-g", "batt"), f"{STATE}power.battery_pct", texts.battery_percent),
    (
        ("powermetrics", "--samplers", "thermal,cpu_power", "-n", "1", "-i", "1000"),
        f"{STATE}frequency.cluster_mhz",
        texts.cluster_frequencies,
    ),
)
_PMSET: Final = ("sleep", "displaysleep", "disksleep", "powernap", "lowpowermode", "powermode")


def known_keys(keys: Mapping[str, str]) -> list[str]:
    """Every sysctl key that is read, the performance levels that this Mac has included."""
    levels = {key.split(".")[1] for key in keys if key.startswith("hw.perflevel")}
    wanted = [f"hw.{level}.{name}" for level in sorted(levels) for name in _LEVEL_KEYS]
    extra = [key for key, _, _ in STATE_KEYS] + ["vm.swapusage"]
    return [key for key in [*KEYS, *wanted, *extra] if key in keys]


def read_table(source: HostSource, keys: Mapping[str, str], facts: FactSheet) -> None:
    """Put every row's value under `details.`, None with its reason where there is none."""
    states = {key for key, _, _ in STATE_KEYS} | {"vm.swapusage"}
    for key in dict.fromkeys([*KEYS, *known_keys(keys)]):
        if key not in states:
            text = keys.get(key)
            value = text if parse_int(text) is None else parse_int(text)
            facts.put(
                f"details.sysctl.{key}", value or None if text == "" else value, "no such key"
            )
    for key, name, parse in STATE_KEYS:
        facts.put(f"details.{name}", parse(keys[key]) if key in keys else None, f"no {key}")
    swap = texts.swap_usage(keys.get("vm.swapusage"))
    for part in ("total", "used"):
        facts.put(f"details.{STATE}memory.swap_{part}_bytes", swap.get(part), "no vm.swapusage")
    for argv, name, parse in COMMANDS:
        answer = source.run(argv)
        value = None if answer.text is None else parse(answer.text)
        facts.put(f"details.{name}", value, answer.reason or f"not understood: {' '.join(argv)}")
    settings = source.run(["pmset", "-g"])
    found = texts.pmset_settings(settings.text)
    for name in _PMSET:
        facts.put(f"details.power.{name}", found.get(name), settings.reason or "not in pmset -g")
