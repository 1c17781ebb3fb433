"""Judges what only Linux has: governor, turbo, hardware threads, groups, clock, kernel settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.model.finding import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.finding import Finding
    from bench.model.host_facts import Host

_GOOD_CLOCKS: Final = ("tsc", "arch_sys_counter")
_SAVING: Final = ("power", "balance_power")
_TWO: Final = 2
"""CPUs' worth of time that server and load tool need at least."""


def _governor(host: Host) -> Iterator[Finding]:
    governor = host.cpu.governor
    if host.system != "linux" or governor in (None, "performance"):
        return
    preference = host.details.get("frequency.energy_preference")
    yield finding(
        "governor",
        "host",
        "saving" if preference in _SAVING else "",
        governor=governor,
        preference=str(preference) if preference else None,
    )


def _turbo(host: Host) -> Iterator[Finding]:
    if host.system != "linux" or not host.cpu.turbo:
        return
    intel = host.details.get("frequency.intel_pstate.no_turbo") is not None
    file = "intel_pstate/no_turbo" if intel else "cpufreq/boost"
    off, on = ("1", "0") if intel else ("0", "1")
    yield finding("turbo", "host", file=file, off=off, on=on)


def _hardware_threads(host: Host) -> Iterator[Finding]:
    if host.system == "linux" and host.cpu.smt:
        yield finding(
            "smt",
            "host",
            severity="info",
            cpus=host.cpu.logical,
            cores=host.cpu.physical,
        )


def _quota(host: Host) -> Iterator[Finding]:
    quota = host.details.get("cgroup.cpu_quota")
    if isinstance(quota, int | float) and quota < (host.cpu.logical or 0):
        yield finding(
            "cpu-quota",
            "host",
            severity="error" if quota < _TWO else "info",
            quota=float(quota),
            cpus=host.cpu.logical,
        )


def _clock(host: Host) -> Iterator[Finding]:
    clock = host.details.get("kernel.clocksource")
    if host.system != "linux" or clock is None or clock in _GOOD_CLOCKS:
        return
    available = host.details.get("kernel.clocksources")
    offered = available if isinstance(available, list) else []
    better = next((name for name in _GOOD_CLOCKS if name in offered), None)
    case = "better" if better else "only"
    yield finding("clocksource", "host", case, clock=str(clock), better=better)


def _container(host: Host) -> Iterator[Finding]:
    kind = host.details.get("virtual.container")
    if kind not in (None, "none"):
        yield finding("container", "host", kind=str(kind))


_NOISY_SETTINGS: Final = {
    "scheduler.nmi_watchdog": True,
    "memory.thp_enabled": "always",
    "memory.ksm": 1,
    "scheduler.irqbalance": "active",
}
"""Kernel setting -> the value with which it adds noise."""


def _settings(host: Host) -> Iterator[Finding]:
    for name, bad in _NOISY_SETTINGS.items():
        if host.details.get(name) == bad:
            yield finding("kernel-setting", "host", name, setting=name)


def _numa_balancing(host: Host) -> Iterator[Finding]:
    nodes = host.details.get("topology.node")
    if isinstance(nodes, dict) and len(nodes) > 1 and host.details.get("scheduler.numa_balancing"):
        name = "scheduler.numa_balancing"
        yield finding("kernel-setting", "host", name, setting=name, nodes=len(nodes))


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
