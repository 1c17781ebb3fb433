"""Judges a Host: one function per thing that disturbs measuring; reads nothing, changes nothing.

Every finding carries its evidence, why it matters here, what mends it and what undoes that.
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
        yield finding(
            "translated",
            "host",
            "bench runs under Rosetta: every instruction is translated from Intel code",
            why="Python, and every server it starts, would be measured as a translation.",
            advice="arch -arm64 zsh   # then a Python for arm64: brew install python@3.13",
            undo="exit",
        )


def _virtual(host: Host) -> Iterator[Finding]:
    if host.machine.virtual:
        kind = host.details.get("virtual.vm") or host.machine.model or "kind unknown"
        yield finding(
            "virtual-machine",
            "host",
            f"this is a virtual machine ({kind})",
            why="Its host decides when its CPUs run; trials differ by 7 to 14 %, not 1 to 2 %.",
            advice="Compare within one run, raise 'rounds', or use a machine of your own.",
            kind=str(kind),
        )


def _battery(host: Host) -> Iterator[Finding]:
    if host.power.source == "battery":
        yield finding(
            "battery",
            "host",
            "the machine runs on its battery",
            why="On battery the system lowers frequencies, by how much depends on the charge.",
            advice="Connect the charger.",
            undo="Disconnect it.",
            percent=_number(host.details.get("state.power.battery_pct")),
        )


def _low_power(host: Host) -> Iterator[Finding]:
    if not host.power.low_power:
        return
    mac = host.system == "darwin"
    key = "lowpowermode" if host.details.get("power.lowpowermode") is not None else "powermode"
    profile = str(host.details.get("power.platform_profile"))
    file = "/sys/firmware/acpi/platform_profile"
    yield finding(
        "low-power",
        "host",
        "low power mode is on" if mac else f"the platform profile is {profile}",
        why="It caps the frequency of every core.",
        advice=f"sudo pmset -a {key} 0" if mac else f"echo performance | sudo tee {file}",
        undo=f"sudo pmset -a {key} 1" if mac else f"echo {profile} | sudo tee {file}",
    )


def _hot(host: Host) -> Iterator[Finding]:
    if host.thermal.throttled:
        pressure = host.thermal.pressure
        limit = _number(host.details.get("state.thermal.CPU_Speed_Limit"))
        told = f"pressure {pressure}" if pressure else f"speed limit {limit} %"
        yield finding(
            "thermal",
            "host",
            f"the machine is slowed down by heat right now ({told})",
            severity="error",
            why="Each trial would run at another speed.",
            advice="Wait until it is cool; keep it on a hard surface, close what needs the CPU.",
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
            f"the load average of the last minute is {recent:g} on {host.cpu.logical} CPUs",
            why="What else runs takes time from server and load tool.",
            advice="ps aux | sort -nrk 3 | head   # and end what is not needed",
            load=recent,
            limit=limit,
        )


def _memory(host: Host) -> Iterator[Finding]:
    total = host.memory_bytes or 0
    used, left = swap_used(host), _number(host.details.get("state.memory.available_bytes"))
    scarce = left is not None and left < _AVAILABLE_SHARE * total
    if total and (scarce or (used or 0) > _SWAP_SHARE * total):
        told = (
            f"{(left or 0) / 2**30:.1f} GiB of memory are left"
            if scarce
            else (f"{(used or 0) / 2**30:.1f} GiB are in swap, memory has {total / 2**30:.0f}")
        )
        yield finding(
            "swap",
            "host",
            told,
            why="A server whose pages are fetched from disk is measured as a disk.",
            advice="Close what needs the memory (or restart the machine).",
            swap_used_bytes=used,
            available_bytes=left,
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
        where = "processes are held on the fast ones" if pinned else "the scheduler chooses"
        yield finding(
            "unlike-cores",
            "host",
            f"the cores are of unlike kinds ({kinds}); {where}",
            severity="info",
            why="The same work takes longer on the slower ones.",
            kinds=kinds,
        )


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
