"""Says what differs between two readings of machines: during a run, or between two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.host.facts import STATE
from bench.model.finding import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.host_facts import Host

_MOVED: Final = 0.03
"""A mean frequency that moved by more than this share is worth a word."""
_HOTTER_C: Final = 10.0
_HOT_C: Final = 85.0
_BUSY_PER_CPU: Final = 1.5
_SETTINGS_LEFT_OUT: Final = ("identity", "kernel.boot_time_s")
_OWN: Final = ("limits.nofile_soft",)
"""What `bench` itself raises while it runs."""


class Difference(NamedTuple):
    """One setting that is not the same on both sides; None = unknown there."""

    name: str
    before: Any
    after: Any


def differences(before: Host, after: Host) -> tuple[Difference, ...]:
    """Every setting that differs, by dotted name; readings that move all the time are left out."""
    first, second = settings(before), settings(after)
    names = sorted(set(first) | set(second))
    pairs = (Difference(name, first.get(name), second.get(name)) for name in names)
    return tuple(pair for pair in pairs if pair.before != pair.after)


def settings(host: Host) -> dict[str, Any]:
    """All settings of a machine by dotted name, without readings."""
    data = host.model_dump(mode="json")
    flat: dict[str, Any] = {"memory_bytes": host.memory_bytes}
    for part in ("os", "machine", "cpu", "power", "thermal", "limits"):
        flat |= {f"{part}.{name}": value for name, value in data[part].items()}
    for name, value in data["details"].items():
        if not name.startswith(STATE) and name not in _SETTINGS_LEFT_OUT:
            flat[f"details.{name}"] = value
    return {name: value for name, value in flat.items() if name not in _OWN}


def compare_hosts(before: Host, after: Host) -> tuple[Finding, ...]:
    """What changed during a run and can have touched its trials."""
    return (
        *_power_changes(before, after),
        *_thermal_changes(before, after),
        *_counter_changes(before, after),
        *_frequency_changes(before, after),
        *_load_before(before),
        *_setting_changes(before, after),
    )


def _power_changes(before: Host, after: Host) -> Iterator[Finding]:
    old, new = before.power, after.power
    if None not in (old.source, new.source) and old.source != new.source:
        text = f"the power source changed during the run: {old.source}, then {new.source}"
        yield finding(
            "power-changed",
            "host",
            text,
            advice="Repeat the run with the charger connected.",
            before=old.source,
            after=new.source,
        )
    if new.low_power and old.low_power is False:
        advice = "Switch low power mode off and repeat the run."
        yield finding("low-power", "host", "low power mode came on during the run", advice=advice)


def _thermal_changes(before: Host, after: Host) -> Iterator[Finding]:
    if after.thermal.throttled and not before.thermal.throttled:
        level = after.thermal.pressure
        text = "the machine was slowed down by heat at the end of the run and not at its start"
        yield finding(
            "thermal",
            "host",
            f"{text} (pressure {level})" if level else text,
            advice="Let it cool, keep it on a hard surface, and repeat with shorter windows.",
            before=before.thermal.pressure,
            after=level,
        )
    for sensor, old, new in _sensors(before, after):
        if new >= _HOT_C and new - old >= _HOTTER_C:
            yield finding(
                "thermal",
                "host",
                f"{sensor} rose from {old:.0f} to {new:.0f} degrees Celsius during the run",
                advice="Compare the first rounds with the last ones.",
                before=old,
                after=new,
            )


def _sensors(before: Host, after: Host) -> Iterator[tuple[str, float, float]]:
    old, new = (host.details.get(f"{STATE}thermal.celsius") for host in (before, after))
    if isinstance(old, dict) and isinstance(new, dict):
        for sensor in sorted(set(old) & set(new)):
            yield sensor, float(str(old[sensor])), float(str(new[sensor]))


def _counter_changes(before: Host, after: Host) -> Iterator[Finding]:
    for name, code, text, advice in (
        ("thermal.core_throttles", "throttled", "cores were throttled {} times", _COOL),
        ("thermal.package_throttles", "throttled", "the package was throttled {} times", _COOL),
        ("cgroup.nr_throttled", "throttled", "the control group was held back {} times", _QUOTA),
        ("memory.pswpin", "swap", "{} pages were read back from swap", _MEMORY),
        ("memory.pswpout", "swap", "{} pages were written to swap", _MEMORY),
        ("network.ListenOverflows", "listen-overflow", "{} connections found a full queue", ""),
    ):
        old, new = (total(host.details.get(f"{STATE}{name}")) for host in (before, after))
        if old is not None and new is not None and new > old:
            said = f"{text.format(f'{new - old:,}')} during the run"
            yield finding(code, "host", said, advice=advice, counter=name, before=old, after=new)


_COOL: Final = "Let the machine cool, or limit its top frequency, and repeat the run."
_QUOTA: Final = "Give the container more CPU time, or the matrix fewer CPUs."
_MEMORY: Final = "Close what needs the memory and repeat the run."


def total(value: Any) -> int | None:
    """The sum of a counter that is told once or per CPU; None where it is not told."""
    if isinstance(value, dict):
        numbers = [number for number in value.values() if isinstance(number, int)]
        return sum(numbers) if numbers else None
    return value if isinstance(value, int) else None


def _frequency_changes(before: Host, after: Host) -> Iterator[Finding]:
    old, new = (host.details.get(f"{STATE}frequency.mhz") for host in (before, after))
    if not isinstance(old, int | float) or not isinstance(new, int | float) or old <= 0:
        return
    if abs(new / old - 1) > _MOVED:
        yield finding(
            "frequency",
            "host",
            f"mean CPU frequency was {old:.0f} MHz before the run and {new:.0f} MHz after it",
            severity="info",
            before=old,
            after=new,
        )


def _load_before(before: Host) -> Iterator[Finding]:
    value = before.details.get(f"{STATE}load.average")
    logical = before.cpu.logical
    if isinstance(value, list) and value and logical:
        load = float(str(value[0]))
        if load > _BUSY_PER_CPU * logical:
            text = f"the load average was {load:g} on {logical} CPUs before the run started"
            advice = "End what else is running and repeat the run."
            yield finding("others-on-cpu", "host", text, advice=advice, load=load, cpus=logical)


def _setting_changes(before: Host, after: Host) -> Iterator[Finding]:
    known = ("power.source", "power.low_power", "thermal.pressure", "thermal.throttled")
    for name, old, new in differences(before, after):
        if name not in known and old is not None and new is not None:
            code = "governor" if name == "cpu.governor" else "host-changed"
            text = f"{name} changed during the run: {old}, then {new}"
            yield finding(code, "host", text, setting=name, before=str(old), after=str(new))


__all__ = ["Difference", "compare_hosts", "differences", "settings", "total"]
