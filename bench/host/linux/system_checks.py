"""Judges what only Linux has: governor, turbo, hardware threads, groups, clock, kernel settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.model.finding import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.finding import Finding
    from bench.model.host_facts import Host

_CPU: Final = "/sys/devices/system/cpu"
_GOOD_CLOCKS: Final = ("tsc", "arch_sys_counter")
_SAVING: Final = ("power", "balance_power")
_TWO: Final = 2
"""CPUs' worth of time that server and load tool need at least."""


def _governor(host: Host) -> Iterator[Finding]:
    governor = host.cpu.governor
    if host.system != "linux" or governor in (None, "performance"):
        return
    files = f"{_CPU}/cpu*/cpufreq/scaling_governor"
    preference = host.details.get("frequency.energy_preference")
    saving = f", told to save energy ({preference})" if preference in _SAVING else ""
    yield finding(
        "governor",
        "host",
        f"the CPU frequency governor is {governor}{saving}",
        why="It follows the load with a delay: a short window is partly a slow one.",
        advice=f"echo performance | sudo tee {files}",
        undo=f"echo {str(governor).partition('+')[0]} | sudo tee {files}",
        governor=governor,
        preference=str(preference) if preference else None,
    )


def _turbo(host: Host) -> Iterator[Finding]:
    if host.system != "linux" or not host.cpu.turbo:
        return
    intel = host.details.get("frequency.intel_pstate.no_turbo") is not None
    file = f"{_CPU}/intel_pstate/no_turbo" if intel else f"{_CPU}/cpufreq/boost"
    off, on = ("1", "0") if intel else ("0", "1")
    yield finding(
        "turbo",
        "host",
        "turbo is on",
        why="The frequency then depends on heat and on how many cores work.",
        advice=f"echo {off} | sudo tee {file}",
        undo=f"echo {on} | sudo tee {file}",
    )


def _hardware_threads(host: Host) -> Iterator[Finding]:
    if host.system == "linux" and host.cpu.smt:
        yield finding(
            "smt",
            "host",
            f"hardware threads are on: {host.cpu.logical} CPUs on {host.cpu.physical} cores",
            severity="info",
            why="Two threads of a core slow each other; bench uses one of each core by itself.",
            advice=f"echo off | sudo tee {_CPU}/smt/control",
            undo=f"echo on | sudo tee {_CPU}/smt/control",
        )


def _quota(host: Host) -> Iterator[Finding]:
    quota = host.details.get("cgroup.cpu_quota")
    if isinstance(quota, int | float) and quota < (host.cpu.logical or 0):
        yield finding(
            "cpu-quota",
            "host",
            f"the control group allows {quota:g} of {host.cpu.logical} CPUs",
            severity="error" if quota < _TWO else "info",
            why="Once the time of a period is spent, server and load tool both stand still.",
            advice="docker update --cpus 0 CONTAINER   # or lift CPUQuota= of the unit",
            undo=f"docker update --cpus {quota:g} CONTAINER",
            quota=float(quota),
        )


def _clock(host: Host) -> Iterator[Finding]:
    clock = host.details.get("kernel.clocksource")
    if host.system != "linux" or clock is None or clock in _GOOD_CLOCKS:
        return
    file = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
    available = host.details.get("kernel.clocksources")
    offered = available if isinstance(available, list) else []
    better = next((name for name in _GOOD_CLOCKS if name in offered), None)
    yield finding(
        "clocksource",
        "host",
        f"the kernel's clock is {clock}",
        why="Reading it is slow and counts as the server's and the load tool's time.",
        advice=f"echo {better} | sudo tee {file}" if better else "No better clock is offered here.",
        undo=f"echo {clock} | sudo tee {file}" if better else "",
        clock=str(clock),
    )


def _container(host: Host) -> Iterator[Finding]:
    kind = host.details.get("virtual.container")
    if kind not in (None, "none"):
        yield finding(
            "container",
            "host",
            f"this is a container ({kind})",
            why="Limits and neighbors outside are not all visible from inside.",
            advice="Measure on the host where that is possible.",
            kind=str(kind),
        )


class _Setting(NamedTuple):
    """A kernel setting that adds noise when it has this value."""

    name: str
    bad: object
    text: str
    why: str
    mend: str
    undo: str


_SETTINGS: Final = (
    _Setting(
        "scheduler.nmi_watchdog",
        bad=True,
        text="the NMI watchdog is on",
        why="It takes a hardware counter and interrupts every core.",
        mend="sudo sysctl -w kernel.nmi_watchdog=0",
        undo="sudo sysctl -w kernel.nmi_watchdog=1",
    ),
    _Setting(
        "memory.thp_enabled",
        bad="always",
        text="transparent huge pages are given to everybody",
        why="Memory use and latency then depend on when pages are merged.",
        mend="echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
        undo="echo always | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
    ),
    _Setting(
        "memory.ksm",
        bad=1,
        text="same-page merging runs",
        why="A kernel thread reads all memory while the server runs.",
        mend="echo 0 | sudo tee /sys/kernel/mm/ksm/run",
        undo="echo 1 | sudo tee /sys/kernel/mm/ksm/run",
    ),
    _Setting(
        "scheduler.irqbalance",
        bad="active",
        text="irqbalance runs",
        why="It moves interrupts between CPUs, also onto those of the server.",
        mend="sudo systemctl stop irqbalance",
        undo="sudo systemctl start irqbalance",
    ),
)


def _settings(host: Host) -> Iterator[Finding]:
    for setting in _SETTINGS:
        if host.details.get(setting.name) == setting.bad:
            yield finding(
                "kernel-setting",
                "host",
                setting.text,
                why=setting.why,
                advice=setting.mend,
                undo=setting.undo,
                setting=setting.name,
            )


def _numa_balancing(host: Host) -> Iterator[Finding]:
    nodes = host.details.get("topology.node")
    if isinstance(nodes, dict) and len(nodes) > 1 and host.details.get("scheduler.numa_balancing"):
        yield finding(
            "kernel-setting",
            "host",
            f"memory is moved between {len(nodes)} NUMA nodes (numa_balancing)",
            why="Pages are unmapped and moved while the server runs.",
            advice="sudo sysctl -w kernel.numa_balancing=0",
            undo="sudo sysctl -w kernel.numa_balancing=1",
            setting="scheduler.numa_balancing",
        )


CHECKS: Final = (
    _quota,
    _governor,
    _clock,
    _turbo,
    _hardware_threads,
    _container,
    _numa_balancing,
    _settings,
)
"""What `bench.host.checks` calls on every host."""
