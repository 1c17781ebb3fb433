"""A machine in words: the one place for `bench host`, `bench doctor` and every report; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench.host.budget import new_connections_per_s, port_count
from bench.host.source import format_cpulist

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.host.measure import Measured
    from bench.model.host_facts import CpuInfo, Host
    from bench.model.plan import CpuSplit

UNKNOWN: Final = "unknown"
UNPINNED_DARWIN: Final = (
    "macOS cannot hold a process on a core: servers and load generator share the scheduler and "
    "all cores, and their thread counts are matched to the cores instead."
)
"""Stands in every report of a Mac."""

_GB: Final = 1e9
_MIB: Final = 2**20
_SHOWN: Final = 8


def one_line(host: Host) -> str:
    """The machine in one line, as the source report has it."""
    size = memory(host)
    parts = (host.cpu.model, core_count(host.cpu), f"{size} memory" if size else "", system(host))
    return ", ".join(part for part in parts if part) or "not recorded"


def summary(host: Host) -> tuple[tuple[str, str], ...]:
    """Label and value of what a reader wants to know first; at most ten lines."""
    rows = (
        ("CPU", host.cpu.model or ""),
        ("Cores", _cores(host)),
        ("Frequency", _frequency(host)),
        ("Memory", memory(host)),
        ("Machine", _machine(host)),
        ("System", system(host)),
        ("Power", _power(host)),
        ("Heat", _heat(host)),
        ("Limits", _limits(host)),
        ("Pinning", f"{host.pinning.state}: {host.pinning.reason}"),
    )
    return tuple((label, value or UNKNOWN) for label, value in rows)


def _join(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def core_count(cpu: CpuInfo) -> str:
    """`2 cores`, `16 cores, 22 threads`; one of the two counts is enough, "" without both."""
    count = cpu.physical or cpu.logical
    if count is None:
        return ""
    text = "1 core" if count == 1 else f"{count} cores"
    return text if cpu.logical in (None, count) else f"{text}, {cpu.logical} threads"


def _cores(host: Host) -> str:
    cpu = host.cpu
    named = [cluster for cluster in cpu.clusters if cluster.name]
    kinds = " + ".join(f"{cluster.cores} {cluster.name}" for cluster in named)
    total, _, threads = core_count(cpu).partition(", ")
    shared = [f"{c.l2_bytes / _MIB:g} MiB" for c in cpu.clusters if c.l2_bytes]
    return _join(
        f"{total} ({kinds})" if total and kinds else total,
        f"{cpu.logical} hardware threads" if threads else None,
        f"L2 {' / '.join(shared)}" if shared else None,
    )


def _frequency(host: Host) -> str:
    cpu, now = host.cpu, host.details.get("state.frequency.mhz")
    return _join(
        f"base {cpu.base_mhz:,.0f} MHz" if cpu.base_mhz else None,
        f"at most {cpu.max_mhz:,.0f} MHz" if cpu.max_mhz else None,
        f"governor {cpu.governor}" if cpu.governor else None,
        None if cpu.turbo is None else f"turbo {'on' if cpu.turbo else 'off'}",
        f"{now:,.0f} MHz when it was read" if isinstance(now, int | float) else None,
    )


def memory(host: Host) -> str:
    """`8.0 GB`, "" where it is not known."""
    return f"{host.memory_bytes / _GB:.1f} GB" if host.memory_bytes else ""


def _machine(host: Host) -> str:
    machine = host.machine
    kind = {True: "virtual machine", False: "not virtual"}.get(machine.virtual)  # type: ignore[arg-type] # None falls to the default
    vm, container = (host.details.get(f"virtual.{name}") for name in ("vm", "container"))
    named = dict.fromkeys(name for name in (machine.vendor, machine.model) if name)
    return _join(
        " ".join(named),
        f"{kind} ({vm})" if kind and vm not in (None, "none") else kind,
        f"container ({container})" if container not in (None, "none") else None,
        "translated by Rosetta" if machine.translated else None,
    )


def system(host: Host) -> str:
    """`Debian GNU/Linux 12, kernel 6.1.0`, "" where nothing is known."""
    return _join(
        " ".join(filter(None, (host.os.name, host.os.version))),
        f"build {host.os.build}" if host.os.build else None,
        f"kernel {host.os.kernel}" if host.os.kernel else None,
    )


def _power(host: Host) -> str:
    source = {"ac": "mains", "battery": "battery"}.get(host.power.source or "")
    low = {True: "low power mode on", False: "low power mode off"}.get(host.power.low_power)  # type: ignore[arg-type] # None falls to the default
    return _join(source, low)


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


def every_setting(host: Host) -> dict[str, str]:
    """Everything recorded, by dotted name; what was not readable is not among it."""
    left_out = {"findings", "unavailable", "schema_version", "details", "limits"}
    found = dict(_walk(host.model_dump(mode="json", exclude=left_out), ""))
    found.update(_walk(host.limits, "limits"))
    found.update(_walk(host.details, ""))
    return {key: value for key, value in sorted(found.items()) if value}


def unreadable(host: Host) -> tuple[tuple[str, str], ...]:
    """Dotted name of each setting that could not be read, and why."""
    reasons = {key.removeprefix("details."): text for key, text in host.unavailable.items()}
    return tuple(sorted(reasons.items()))


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


def describe_split(split: CpuSplit) -> str:
    """`server 0-3, load 4-7, rest 8-9`, or the counts where nothing is pinned."""
    if split.pinning.state == "none":
        return f"{split.server_count} threads serve, {split.load_count} load, none pinned"
    rest = format_cpulist(split.housekeeping)
    named = (("server", split.server), ("load", split.load))
    sides = ", ".join(f"{name} {format_cpulist(cpus)}" for name, cpus in named if cpus)
    if not (split.server and split.load):  # a machine of its own for one of them
        return sides
    return f"{sides}, rest {rest}" if rest else f"{sides}, none left for the rest"


def describe_measured(measured: Measured) -> Iterator[tuple[str, str]]:
    """Label and value of each part of doctor's two seconds of measuring."""
    clock = measured.clock
    yield "Clock", f"steps of {clock.resolution_ns:.0f} ns, {clock.cost_ns:.0f} ns per reading"
    busy = [(f"CPU {number}", share) for number, share in enumerate(measured.busy)]
    yield "Others", f"{_shares(busy)} busy"
    lost = [("all" if c.cpu is None else f"CPU {c.cpu}", c.lost) for c in measured.cpus]
    longest = max(cpu.longest_us for cpu in measured.cpus)
    yield "Steadiness", f"{_shares(lost)} lost, longest stall {longest / 1000:.1f} ms"
    trip = measured.loopback
    if trip:
        yield "Loopback", f"round trip {trip.median_us:.1f} us, 99 % within {trip.p99_us:.1f} us"


def _shares(named: Sequence[tuple[str, float]]) -> str:
    """Each share by name, or only the worst of many."""
    worst = sorted(named, key=lambda item: -item[1])[:_SHOWN]
    shown = named if len(named) <= _SHOWN else worst
    said = ", ".join(f"{name} {share:.1%}" for name, share in shown)
    return said if len(named) <= _SHOWN else f"worst of {len(named)}: {said}"


def core_words(busy: Mapping[str, Sequence[float]], server: Sequence[float]) -> str:
    """How much each kind of core did, from the least to the most of all trials.

    Args:
        busy: kind -> its share of the busy time in each trial, used by any process.
        server: share of the server's CPU time on the fastest kind, where the system tells it.
    """
    kinds = ", ".join(f"{kind} {_between(shares)}" for kind, shares in busy.items())
    said = f"Of the busy CPU time in the windows each kind of core had: {kinds}."
    own = f" Of the servers' CPU time {_between(server)} was on the fastest kind." if server else ""
    return said + own


def _between(shares: Sequence[float]) -> str:
    low, high = (f"{share:.0%}" for share in (min(shares), max(shares)))
    return low if low == high else f"{low} to {high}"
