"""The table of Linux settings and readings: a row per file; nothing here judges."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.host.facts import STATE
from bench.host.source import format_cpulist, natural, parse_int

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.host.facts import FactSheet
    from bench.host.source import HostSource

_CPU: Final = "/sys/devices/system/cpu"
_KERNEL: Final = "/proc/sys/kernel"
_CORE: Final = "/proc/sys/net/core"
_IPV4: Final = "/proc/sys/net/ipv4"
_CLOCK: Final = "/sys/devices/system/clocksource/clocksource0"
_BOOT_WORDS: Final = (
    "isolcpus",
    "nohz_full",
    "rcu_nocbs",
    "mitigations",
    "idle",
    "intel_idle.max_cstate",
    "processor.max_cstate",
    "nosmt",
    "intel_pstate",
    "amd_pstate",
    "cpufreq.default_governor",
    "transparent_hugepage",
    "nosoftlockup",
    "skew_tick",
    "tsc",
    "clocksource",
    "maxcpus",
    "nr_cpus",
    "threadirqs",
    "preempt",
)
"""Only these words of the kernel's command line are kept: others can hold names and UUIDs."""


class SettingRow(NamedTuple):
    """One setting in one file.

    Attributes:
        name: dotted name in `details`.
        path: the file; with `*` (in `SERIES`) a pattern, one value per file.
        parse: text -> value; None = the text cannot be understood.
    """

    name: str
    path: str
    parse: Callable[[str], Any] = str


def _number(text: str) -> int | None:
    return parse_int(text.split(maxsplit=1)[0])


def _flag(text: str) -> bool | None:
    return {"0": False, "1": True, "N": False, "Y": True}.get(text)


def _chosen(text: str) -> str:
    """The word in brackets of `always [madvise] never`; the text itself where there is none."""
    match = re.search(r"\[([^\]]+)\]", text)
    return match[1] if match else text


def _words(text: str) -> list[str]:
    return text.split()


def _load(text: str) -> list[float] | None:
    match = re.match(r"([\d.]+) ([\d.]+) ([\d.]+)", text)
    return [float(part) for part in match.groups()] if match else None


def _runnable(text: str) -> int | None:
    match = re.search(r" (\d+)/\d+", text)
    return int(match[1]) if match else None


def pressure_percent(text: str) -> float | None:
    """Share of the last 10 s in which a task waited, in percent."""
    match = re.search(r"^some avg10=([\d.]+)", text, re.MULTILINE)
    return float(match[1]) if match else None


def boot_words(text: str) -> list[str]:
    """The words of the kernel's command line that touch measuring."""
    return [word for word in text.split() if word.partition("=")[0] in _BOOT_WORDS]


ROWS: Final = (
    SettingRow("topology.online", f"{_CPU}/online"),
    SettingRow("topology.possible", f"{_CPU}/possible"),
    SettingRow("topology.present", f"{_CPU}/present"),
    SettingRow("topology.offline", f"{_CPU}/offline"),
    SettingRow("topology.isolated", f"{_CPU}/isolated"),
    SettingRow("topology.nohz_full", f"{_CPU}/nohz_full"),
    SettingRow("topology.cpu_core", "/sys/devices/cpu_core/cpus"),
    SettingRow("topology.cpu_atom", "/sys/devices/cpu_atom/cpus"),
    SettingRow("smt.active", f"{_CPU}/smt/active", _flag),
    SettingRow("smt.control", f"{_CPU}/smt/control"),
    SettingRow("frequency.boost", f"{_CPU}/cpufreq/boost", _flag),
    SettingRow("frequency.intel_pstate.status", f"{_CPU}/intel_pstate/status"),
    SettingRow("frequency.intel_pstate.no_turbo", f"{_CPU}/intel_pstate/no_turbo", _flag),
    SettingRow("frequency.intel_pstate.min_perf_pct", f"{_CPU}/intel_pstate/min_perf_pct", _number),
    SettingRow("frequency.intel_pstate.max_perf_pct", f"{_CPU}/intel_pstate/max_perf_pct", _number),
    SettingRow(
        "frequency.intel_pstate.hwp_dynamic_boost",
        f"{_CPU}/intel_pstate/hwp_dynamic_boost",
        _flag,
    ),
    SettingRow("frequency.amd_pstate.status", f"{_CPU}/amd_pstate/status"),
    SettingRow("frequency.amd_pstate.prefcore", f"{_CPU}/amd_pstate/prefcore"),
    SettingRow("power.platform_profile", "/sys/firmware/acpi/platform_profile"),
    SettingRow("idle.driver", f"{_CPU}/cpuidle/current_driver"),
    SettingRow("idle.governor", f"{_CPU}/cpuidle/current_governor_ro"),
    SettingRow("scheduler.boot_words", "/proc/cmdline", boot_words),
    SettingRow("scheduler.autogroup", f"{_KERNEL}/sched_autogroup_enabled", _flag),
    SettingRow("scheduler.rt_runtime_us", f"{_KERNEL}/sched_rt_runtime_us", _number),
    SettingRow("scheduler.timer_migration", f"{_KERNEL}/timer_migration", _flag),
    SettingRow("scheduler.numa_balancing", f"{_KERNEL}/numa_balancing", _number),
    SettingRow("scheduler.nmi_watchdog", f"{_KERNEL}/nmi_watchdog", _flag),
    SettingRow(
        "scheduler.perf_event_max_sample_rate", f"{_KERNEL}/perf_event_max_sample_rate", _number
    ),
    SettingRow("scheduler.perf_event_paranoid", f"{_KERNEL}/perf_event_paranoid", _number),
    SettingRow("scheduler.irq_default_affinity", "/proc/irq/default_smp_affinity"),
    SettingRow("memory.thp_enabled", "/sys/kernel/mm/transparent_hugepage/enabled", _chosen),
    SettingRow("memory.thp_defrag", "/sys/kernel/mm/transparent_hugepage/defrag", _chosen),
    SettingRow("memory.ksm", "/sys/kernel/mm/ksm/run", _number),
    SettingRow("memory.swappiness", "/proc/sys/vm/swappiness", _number),
    SettingRow("memory.overcommit", "/proc/sys/vm/overcommit_memory", _number),
    SettingRow("memory.zone_reclaim", "/proc/sys/vm/zone_reclaim_mode", _number),
    SettingRow("kernel.randomize_va_space", f"{_KERNEL}/randomize_va_space", _number),
    SettingRow("kernel.lockdown", "/sys/kernel/security/lockdown", _chosen),
    SettingRow("kernel.clocksource", f"{_CLOCK}/current_clocksource"),
    SettingRow("kernel.clocksources", f"{_CLOCK}/available_clocksource", _words),
    SettingRow("virtual.hypervisor_type", "/sys/hypervisor/type"),
    SettingRow("virtual.sys_vendor", "/sys/class/dmi/id/sys_vendor"),
    SettingRow("virtual.product_name", "/sys/class/dmi/id/product_name"),
    SettingRow("virtual.board_name", "/sys/class/dmi/id/board_name"),
    SettingRow("virtual.bios_version", "/sys/class/dmi/id/bios_version"),
    SettingRow("virtual.bios_date", "/sys/class/dmi/id/bios_date"),
    SettingRow("virtual.chassis_type", "/sys/class/dmi/id/chassis_type", _number),
    SettingRow("network.somaxconn", f"{_CORE}/somaxconn", _number),
    SettingRow("network.netdev_max_backlog", f"{_CORE}/netdev_max_backlog", _number),
    SettingRow("network.default_qdisc", f"{_CORE}/default_qdisc"),
    SettingRow("network.rmem_max", f"{_CORE}/rmem_max", _number),
    SettingRow("network.wmem_max", f"{_CORE}/wmem_max", _number),
    SettingRow("network.tcp_max_syn_backlog", f"{_IPV4}/tcp_max_syn_backlog", _number),
    SettingRow("network.ip_local_port_range", f"{_IPV4}/ip_local_port_range", _words),
    SettingRow("network.tcp_tw_reuse", f"{_IPV4}/tcp_tw_reuse", _number),
    SettingRow("network.tcp_fin_timeout", f"{_IPV4}/tcp_fin_timeout", _number),
    SettingRow("network.tcp_congestion_control", f"{_IPV4}/tcp_congestion_control"),
    SettingRow("network.nf_conntrack_max", "/proc/sys/net/netfilter/nf_conntrack_max", _number),
    SettingRow("network.lo_mtu", "/sys/class/net/lo/mtu", _number),
    SettingRow(
        f"{STATE}network.nf_conntrack_count", "/proc/sys/net/netfilter/nf_conntrack_count", _number
    ),
    SettingRow(f"{STATE}load.average", "/proc/loadavg", _load),
    SettingRow(f"{STATE}load.runnable", "/proc/loadavg", _runnable),
    SettingRow(f"{STATE}load.pressure_cpu_pct", "/proc/pressure/cpu", pressure_percent),
    SettingRow(f"{STATE}load.pressure_memory_pct", "/proc/pressure/memory", pressure_percent),
    SettingRow(f"{STATE}load.pressure_io_pct", "/proc/pressure/io", pressure_percent),
)
"""One file, one value."""

SERIES: Final = (
    SettingRow("cpu.microcode", f"{_CPU}/cpu[0-9]*/microcode/version"),
    SettingRow("topology.package", f"{_CPU}/cpu[0-9]*/topology/physical_package_id", _number),
    SettingRow("topology.die", f"{_CPU}/cpu[0-9]*/topology/die_id", _number),
    SettingRow("topology.cluster", f"{_CPU}/cpu[0-9]*/topology/cluster_id", _number),
    SettingRow("topology.core", f"{_CPU}/cpu[0-9]*/topology/core_id", _number),
    SettingRow("topology.siblings", f"{_CPU}/cpu[0-9]*/topology/core_cpus_list"),
    SettingRow("topology.capacity", f"{_CPU}/cpu[0-9]*/cpu_capacity", _number),
    SettingRow("topology.node", "/sys/devices/system/node/node[0-9]*/cpulist"),
    SettingRow("frequency.driver", f"{_CPU}/cpu[0-9]*/cpufreq/scaling_driver"),
    SettingRow("frequency.governor", f"{_CPU}/cpu[0-9]*/cpufreq/scaling_governor"),
    SettingRow("frequency.min_khz", f"{_CPU}/cpu[0-9]*/cpufreq/scaling_min_freq", _number),
    SettingRow("frequency.max_khz", f"{_CPU}/cpu[0-9]*/cpufreq/scaling_max_freq", _number),
    SettingRow("frequency.hardware_max_khz", f"{_CPU}/cpu[0-9]*/cpufreq/cpuinfo_max_freq", _number),
    SettingRow("frequency.base_khz", f"{_CPU}/cpu[0-9]*/cpufreq/base_frequency", _number),
    SettingRow(
        "frequency.energy_preference",
        f"{_CPU}/cpu[0-9]*/cpufreq/energy_performance_preference",
    ),
    SettingRow("frequency.cpu_boost", f"{_CPU}/cpu[0-9]*/cpufreq/boost", _flag),
    SettingRow(
        "power.limits_uw",
        "/sys/class/powercap/intel-rapl:*/constraint_[0-9]_power_limit_uw",
        _number,
    ),
    SettingRow("idle.state_name", f"{_CPU}/cpu[0-9]*/cpuidle/state[0-9]*/name"),
    SettingRow("idle.state_disabled", f"{_CPU}/cpu[0-9]*/cpuidle/state[0-9]*/disable", _flag),
    SettingRow("idle.state_latency_us", f"{_CPU}/cpu[0-9]*/cpuidle/state[0-9]*/latency", _number),
    SettingRow("kernel.vulnerabilities", f"{_CPU}/vulnerabilities/*"),
    SettingRow("scheduler.irq_affinity", "/proc/irq/[0-9]*/smp_affinity_list"),
    SettingRow(f"{STATE}frequency.khz", f"{_CPU}/cpu[0-9]*/cpufreq/scaling_cur_freq", _number),
    SettingRow(
        f"{STATE}thermal.core_throttles",
        f"{_CPU}/cpu[0-9]*/thermal_throttle/core_throttle_count",
        _number,
    ),
    SettingRow(
        f"{STATE}thermal.package_throttles",
        f"{_CPU}/cpu[0-9]*/thermal_throttle/package_throttle_count",
        _number,
    ),
)
"""One value per file that matches; kept short where all files say the same."""


def read_table(source: HostSource, facts: FactSheet) -> None:
    """Put every row's value under `details.`, None with its reason where there is none."""
    for row in ROWS:
        answer = source.read(row.path)
        value = parse_quietly(row.parse, answer.text)
        odd = f"not understood: {row.path}"
        facts.put(f"details.{row.name}", value, f"{answer.reason or odd}: {row.path}")
    for row in SERIES:
        value, reason = _series(source, row)
        facts.put(f"details.{row.name}", value, reason)


def parse_quietly(parse: Callable[[str], Any], text: str | None) -> Any:
    """Parse a text that may be damaged; None where there is none or it makes no sense."""
    if text is None:
        return None
    try:
        return parse(text)
    except (ValueError, IndexError):
        return None


def read_series(source: HostSource, pattern: str) -> dict[str, str]:
    """The text of every file that matches, by what the pattern left open: CPU number or name."""
    answers = {_label(pattern, path): source.read(path) for path in source.glob(pattern)}
    return {label: answer.text for label, answer in answers.items() if answer.text is not None}


def _series(source: HostSource, row: SettingRow) -> tuple[Any, str]:
    texts = read_series(source, row.path)
    parsed = {label: parse_quietly(row.parse, text) for label, text in texts.items()}
    values = {label: value for label, value in parsed.items() if value is not None}
    if values:
        # Counters stay per CPU: only then can two readings be subtracted.
        return (dict(values) if row.name.startswith(STATE) else shorten(values)), ""
    return None, f"{'not understood' if texts else 'no such file'}: {row.path}"


def _label(pattern: str, path: str) -> str:
    """The parts of a path that the pattern left open: `3`, or `3/2` with two of them."""
    parts = zip(pattern.split("/"), path.split("/"), strict=True)
    return "/".join(_open_part(shape, real) for shape, real in parts if "*" in shape)


def _open_part(shape: str, real: str) -> str:
    """`cpu[0-9]*` and `cpu3` -> `3`; other names stay whole."""
    number = re.fullmatch(r"[a-z]+(\d+)", real)
    return number[1] if number and shape.endswith("[0-9]*") else real


def shorten(values: Mapping[str, Any]) -> Any:
    """Say once what many files say: one value per machine, or value -> who has it.

    Labels `cpu/thing` (idle states) shrink to `thing` where all CPUs agree.
    """
    if all(re.fullmatch(r"\d+/\d+", label) for label in values):
        things = {label.partition("/")[2]: value for label, value in values.items()}
        if all(things[label.partition("/")[2]] == value for label, value in values.items()):
            return things
    if not all(label.isdecimal() for label in values):
        return dict(sorted(values.items(), key=lambda item: natural(item[0])))
    by_value: dict[str, list[int]] = {}
    for label, value in values.items():
        by_value.setdefault(str(value), []).append(int(label))
    if len(by_value) == 1:
        return next(iter(values.values()))
    if len(by_value) <= len(values) // 2:
        return {value: format_cpulist(labels) for value, labels in by_value.items()}
    return dict(values)
