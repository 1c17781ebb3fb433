"""A machine in words: the ten lines of the summary and the rows of the full table; pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from bench.host.budget import new_connections_per_s, port_count

if TYPE_CHECKING:
    from bench.model.host_facts import Host

_GB: Final = 1e9
_MIB: Final = 2**20
_CELL_MOST: Final = 100
_UNKNOWN: Final = "unknown"


def summary(host: Host) -> tuple[tuple[str, str], ...]:
    """Label and value of what a reader wants to know first; at most ten lines."""
    return (
        ("CPU", _cpu(host)),
        ("Cores", _cores(host)),
        ("Frequency", _frequency(host)),
        ("Memory", memory(host) or _UNKNOWN),
        ("Machine", _machine(host)),
        ("System", _system(host)),
        ("Power", power(host) or _UNKNOWN),
        ("Heat", _heat(host)),
        ("Limits", _limits(host)),
        ("Pinning", f"{host.pinning.state}: {host.pinning.reason}"),
    )


def _join(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part) or _UNKNOWN


def _cpu(host: Host) -> str:
    return host.cpu.model or _UNKNOWN


def _cores(host: Host) -> str:
    named = [cluster for cluster in host.cpu.clusters if cluster.name]
    kinds = " + ".join(f"{cluster.cores} {cluster.name}" for cluster in named)
    plural = "" if host.cpu.physical == 1 else "s"
    total = f"{host.cpu.physical} core{plural}" if host.cpu.physical else None
    threads = f"{host.cpu.logical} hardware threads" if host.cpu.smt else None
    shared = [f"{c.l2_bytes / _MIB:g} MiB" for c in host.cpu.clusters if c.l2_bytes]
    return _join(total and (f"{total} ({kinds})" if kinds else total), threads, _l2(shared))


def _l2(sizes: list[str]) -> str | None:
    return f"L2 {' / '.join(sizes)}" if sizes else None


def _frequency(host: Host) -> str:
    cpu, now = host.cpu, host.details.get("state.frequency.mhz")
    return _join(
        f"base {cpu.base_mhz:.0f} MHz" if cpu.base_mhz else None,
        f"at most {cpu.max_mhz:.0f} MHz" if cpu.max_mhz else None,
        f"governor {cpu.governor}" if cpu.governor else None,
        None if cpu.turbo is None else f"turbo {'on' if cpu.turbo else 'off'}",
        f"{now:.0f} MHz now" if isinstance(now, int | float) else None,
    )


def memory(host: Host) -> str:
    """`8.0 GB`, "" where it is not known; in reports too."""
    return f"{host.memory_bytes / _GB:.1f} GB" if host.memory_bytes else ""


def _machine(host: Host) -> str:
    machine = host.machine
    kind = {True: "virtual machine", False: "not virtual"}.get(machine.virtual)  # type: ignore[arg-type] # None falls to the default
    vm, container = (host.details.get(f"virtual.{name}") for name in ("vm", "container"))
    return _join(
        " ".join(filter(None, (machine.vendor, machine.model))) or None,
        f"{kind} ({vm})" if kind and vm not in (None, "none") else kind,
        f"container ({container})" if container not in (None, "none") else None,
        "translated by Rosetta" if machine.translated else None,
    )


def _system(host: Host) -> str:
    named = " ".join(filter(None, (host.os.name, host.os.version)))
    return _join(
        named or None,
        f"build {host.os.build}" if host.os.build else None,
        f"kernel {host.os.kernel}" if host.os.kernel else None,
    )


def power(host: Host) -> str:
    """`battery, low power mode on`, "" where neither is known; in reports too."""
    source = {"ac": "mains", "battery": "battery"}.get(host.power.source or "")
    low = {True: "low power mode on", False: "low power mode off"}.get(host.power.low_power)  # type: ignore[arg-type] # None falls to the default
    return ", ".join(part for part in (source, low) if part)


def _heat(host: Host) -> str:
    thermal = host.thermal
    state = {True: "slowed down by heat", False: "not slowed down"}.get(thermal.throttled)  # type: ignore[arg-type] # None falls to the default
    sensors = host.details.get("state.thermal.celsius")
    hottest = max(sensors.values()) if isinstance(sensors, dict) and sensors else None  # type: ignore[type-var] # None falls to the default
    return _join(
        state,
        f"pressure {thermal.pressure}" if thermal.pressure else None,
        f"hottest sensor {hottest} C" if hottest is not None else None,
    )


def _limits(host: Host) -> str:
    files, backlog = host.limits.get("nofile_soft"), host.limits.get("somaxconn")
    ports, rate = port_count(host), new_connections_per_s(host)
    return _join(
        f"{files:,} files" if files else None,
        f"{ports:,} ports" if ports else None,
        f"{rate:,.0f} new connections/s for long" if rate else None,
        f"backlog {backlog:,}" if backlog else None,
    )


def full_table(host: Host) -> tuple[tuple[str, str], ...]:
    """Dotted name and value of everything recorded; what is null shows why."""
    rows = []
    for name, value in sorted(host.details.items()):
        reason = host.unavailable.get(f"details.{name}", "")
        rows.append((name, f"- ({reason})" if value is None else _cell(value)))
    return tuple(rows)


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _CELL_MOST else f"{text[:_CELL_MOST]}..."
