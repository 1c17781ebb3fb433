"""Judges a Host: one function per thing that disturbs measuring; reads nothing, changes nothing.

Every finding carries its figures; what they mean and what to do stands in the reports' words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.host.darwin import system_checks as checks_darwin
from bench.host.linux import system_checks as checks_linux
from bench.model.finding import finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.model.finding import Finding
    from bench.model.host_facts import Host

    Check = Callable[[Host], Iterator[Finding]]

_SWAP_SHARE: Final = 0.5
_AVAILABLE_SHARE: Final = 0.05
_LOAD_FLOOR: Final = 1.0
_LOAD_PER_CPU: Final = 0.5
STRICT: Final = frozenset({"translated", "cpu-quota"})
"""Codes that `--strict` refuses although they are warnings where they come from a CPU split."""


def check_host(host: Host) -> tuple[Finding, ...]:
    """Every finding that the recorded settings give rise to."""
    return tuple(found for check in CHECKS for found in check(host))


def unfit(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those for which `--strict` refuses to measure and `doctor` calls the machine unfit."""
    return tuple(
        f
        for f in findings
        if f.severity == "error" or (f.code in STRICT and f.severity == "warning")
    )


def _translated(host: Host) -> Iterator[Finding]:
    if host.machine.translated:
        yield finding("translated", "host")


def _virtual(host: Host) -> Iterator[Finding]:
    if host.machine.virtual:
        kind = host.details.get("virtual.vm") or host.machine.model or "kind unknown"
        yield finding("virtual-machine", "host", kind=str(kind))


def _battery(host: Host) -> Iterator[Finding]:
    if host.power.source == "battery":
        charge = _number(host.details.get("state.power.battery_pct"))
        yield finding("battery", "host", percent=charge)


def _low_power(host: Host) -> Iterator[Finding]:
    if not host.power.low_power:
        return
    if host.system == "darwin":
        key = "lowpowermode" if host.details.get("power.lowpowermode") is not None else "powermode"
        yield finding("low-power", "host", "darwin", key=key)
    else:
        profile = str(host.details.get("power.platform_profile"))
        yield finding("low-power", "host", "linux", profile=profile)


def _hot(host: Host) -> Iterator[Finding]:
    if host.thermal.throttled:
        pressure = host.thermal.pressure
        limit = _number(host.details.get("state.thermal.CPU_Speed_Limit"))
        yield finding(
            "thermal",
            "host",
            "pressure" if pressure else "speed-limit",
            severity="error",
            pressure=pressure,
            speed_limit=limit,
        )


def _busy(host: Host) -> Iterator[Finding]:
    load = host.details.get("state.load.average")
    if not isinstance(load, list) or not load or not host.cpu.logical:
        return
    recent, limit = float(str(load[0])), max(_LOAD_FLOOR, _LOAD_PER_CPU * host.cpu.logical)
    if recent > limit:
        yield finding(
            "others-on-cpu",
            "host",
            "load-average",
            load=recent,
            limit=limit,
            cpus=host.cpu.logical,
        )


def _memory(host: Host) -> Iterator[Finding]:
    total = host.memory_bytes or 0
    used, left = swap_used(host), _number(host.details.get("state.memory.available_bytes"))
    scarce = left is not None and left < _AVAILABLE_SHARE * total
    if total and (scarce or (used or 0) > _SWAP_SHARE * total):
        yield finding(
            "swap",
            "host",
            "left" if scarce else "used",
            swap_used_bytes=used,
            available_bytes=left,
            memory_bytes=total,
        )


def swap_used(host: Host) -> int | None:
    """Bytes in swap; None where the system does not tell."""
    told = _number(host.details.get("state.memory.swap_used_bytes"))
    size = _number(host.details.get("memory.swap_bytes"))
    free = _number(host.details.get("state.memory.swap_free_bytes"))
    return size - free if told is None and size is not None and free is not None else told


def _unlike(host: Host) -> Iterator[Finding]:
    if len(host.cpu.clusters) > 1:
        kinds = " + ".join(f"{c.cores} {c.name}" for c in host.cpu.clusters)
        pinned = host.pinning.state == "pinned"
        case = "held" if pinned else "free"
        yield finding("unlike-cores", "host", case, severity="info", kinds=kinds)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


CHECKS: Final[tuple[Check, ...]] = (
    _translated,
    _hot,
    _battery,
    _low_power,
    _busy,
    _memory,
    _virtual,
    _unlike,
    *checks_linux.CHECKS,
    *checks_darwin.CHECKS,
)
"""Order = importance; a new check is a function and a place here."""
