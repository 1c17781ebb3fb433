"""The machine: one line, a block of at most ten lines, and the full table folded below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench.host.text import memory, power
from bench.reports.blocks import FactList, Folded, Heading, Paragraph, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.host_facts import CpuInfo, Host
    from bench.reports.blocks import Block
    from bench.reports.view import View

UNPINNED_DARWIN: Final = (
    "macOS cannot hold a process on a core: servers and load generator share the scheduler and "
    "all cores, and their thread counts are matched to the cores instead."
)
"""Stands in every report of a Mac."""


def hardware_line(host: Host) -> str:
    """The machine in one line, as the source report has it."""
    cores = _cores(host.cpu)
    parts = [host.cpu.model, cores, _memory(host), _system(host)]
    return ", ".join(part for part in parts if part) or "not recorded"


def hardware_blocks(view: View) -> tuple[Block, ...]:
    """The readable block, the sentence about pinning, and the folded table."""
    if view.run.info.imported:
        return ()
    host = view.run.host
    lines = tuple((label, text) for label, text in _facts(host) if text)
    notes = [Paragraph(text) for text in _pinning(host)]
    return Heading("Hardware"), FactList(lines), *notes, *_full_table(host, view.run.host_after)


def _facts(host: Host) -> list[tuple[str, str]]:
    """At most ten lines."""
    return [
        ("Machine", _machine(host)),
        ("CPU", ", ".join(part for part in (host.cpu.model, _cores(host.cpu)) if part)),
        ("Cores", _clusters(host.cpu)),
        ("Frequency", _frequency(host.cpu)),
        ("Memory", memory(host)),
        ("System", _system(host)),
        ("Power", power(host)),
        ("Heat", _heat(host)),
        ("Fingerprint", host.fingerprint),
    ]


def _machine(host: Host) -> str:
    names = dict.fromkeys(n for n in (host.machine.vendor, host.machine.model) if n)
    text = " ".join(names)
    kind = "virtual machine" if host.machine.virtual else ""
    return ", ".join(part for part in (text, kind) if part)


def _cores(cpu: CpuInfo) -> str:
    if cpu.physical is None and cpu.logical is None:
        return ""
    if cpu.physical is None or cpu.physical == cpu.logical:
        count = cpu.logical or cpu.physical
        return "1 core" if count == 1 else f"{count} cores"
    if cpu.logical is None:
        return f"{cpu.physical} cores"
    return f"{cpu.physical} cores, {cpu.logical} threads"


def _clusters(cpu: CpuInfo) -> str:
    if len(cpu.clusters) < 2:  # noqa: PLR2004 - equal cores need no line
        return ""
    return ", ".join(f"{cluster.cores} {cluster.name}" for cluster in cpu.clusters)


def _frequency(cpu: CpuInfo) -> str:
    parts = []
    if cpu.base_mhz:
        parts.append(f"base {cpu.base_mhz:,.0f} MHz")
    if cpu.max_mhz:
        parts.append(f"up to {cpu.max_mhz:,.0f} MHz")
    if cpu.governor:
        parts.append(f"governor {cpu.governor}")
    states = (("turbo", cpu.turbo), ("SMT", cpu.smt))
    parts += [f"{name} {'on' if on else 'off'}" for name, on in states if on is not None]
    return ", ".join(parts)


def _memory(host: Host) -> str:
    size = memory(host)
    return f"{size} memory" if size else ""


def _system(host: Host) -> str:
    name = " ".join(part for part in (host.os.name, host.os.version) if part)
    build = f"({host.os.build})" if host.os.build else ""
    kernel = f"kernel {host.os.kernel}" if host.os.kernel else ""
    return ", ".join(part for part in (f"{name} {build}".strip(), kernel) if part)


def _heat(host: Host) -> str:
    if host.thermal.pressure:
        return f"pressure {host.thermal.pressure}"
    return (
        {True: "throttled", False: "not throttled"}.get(bool(host.thermal.throttled), "")
        if (host.thermal.throttled is not None)
        else ""
    )


def _pinning(host: Host) -> list[str]:
    if host.pinning.state == "pinned":
        return []
    if host.system == "darwin":
        return [UNPINNED_DARWIN]
    return [f"Processes are not held on their CPUs: {host.pinning.reason}."]


def _full_table(host: Host, after: Host | None) -> list[Block]:
    """Every recorded value, beside what it was after the run where that differs."""
    before = _flat(host)
    later = _flat(after) if after else before
    missing = _unreadable(host)
    changed = any(later.get(key, "") != value for key, value in before.items())
    columns = ("Setting", "Value", "After the run") if changed else ("Setting", "Value")
    rows = []
    for key, value in before.items():
        new = later.get(key, "")
        rows.append((key, value, "" if new == value else new)[: len(columns)])
    if not rows:
        return []
    blocks: list[Block] = [Table(columns, tuple(rows), words=frozenset({0, 1, 2}))]
    if missing:
        absent = Table(("Setting", "Why it is not readable here"), missing, words=frozenset({0, 1}))
        blocks.append(Folded(f"Not readable here ({len(missing)} settings)", (absent,)))
    return [Folded(f"Everything recorded of the machine ({len(rows)} settings)", tuple(blocks))]


def _unreadable(host: Host) -> tuple[tuple[str, str], ...]:
    reasons = {key.removeprefix("details."): text for key, text in host.unavailable.items()}
    return tuple(sorted(reasons.items()))


def _flat(host: Host) -> dict[str, str]:
    data = host.model_dump(
        mode="json", exclude={"findings", "unavailable", "schema_version", "details", "limits"}
    )
    found = dict(_walk(data, ""))
    found.update(_walk(host.limits, "limits"))
    found.update(_walk(host.details, ""))
    return {key: value for key, value in sorted(found.items()) if value}


def _walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        yield path, ", ".join(_scalar(item) for item in value)
    else:
        yield path, _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return " ".join(f"{key}={_scalar(item)}" for key, item in value.items() if item is not None)
    return str(value)
