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


class SettingChange(NamedTuple):
    """One setting that is not the same on both sides; None = unknown there."""

    name: str
    before: Any
    after: Any


def differences(before: Host, after: Host) -> tuple[SettingChange, ...]:
    """Every setting that differs, by dotted name; readings that move all the time are left out."""
    first, second = settings(before), settings(after)
    names = sorted(set(first) | set(second))
    pairs = (SettingChange(name, first.get(name), second.get(name)) for name in names)
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
        yield finding("power-changed", "host", "run", before=old.source, after=new.source)
    if new.low_power and old.low_power is False:
        yield finding("low-power", "host", "came-on")


def _thermal_changes(before: Host, after: Host) -> Iterator[Finding]:
    if after.thermal.throttled and not before.thermal.throttled:
        yield finding(
            "thermal",
            "host",
            "hotter",
            before=before.thermal.pressure,
            after=after.thermal.pressure,
        )
    for sensor, old, new in _sensors(before, after):
        if new >= _HOT_C and new - old >= _HOTTER_C:
            yield finding("thermal", "host", "sensor", sensor=sensor, before=old, after=new)


def _sensors(before: Host, after: Host) -> Iterator[tuple[str, float, float]]:
    old, new = (host.details.get(f"{STATE}thermal.celsius") for host in (before, after))
    if isinstance(old, dict) and isinstance(new, dict):
        for sensor in sorted(set(old) & set(new)):
            yield sensor, float(str(old[sensor])), float(str(new[sensor]))


def _counter_changes(before: Host, after: Host) -> Iterator[Finding]:
    for name, code, case in (
        ("thermal.core_throttles", "throttled", "cores"),
        ("thermal.package_throttles", "throttled", "package"),
        ("cgroup.nr_throttled", "throttled", "group"),
        ("memory.pswpin", "swap", "read"),
        ("memory.pswpout", "swap", "written"),
        ("network.ListenOverflows", "listen-overflow", "run"),
    ):
        old, new = (total(host.details.get(f"{STATE}{name}")) for host in (before, after))
        if old is not None and new is not None and new > old:
            yield finding(code, "host", case, counter=name, before=old, after=new, count=new - old)


def total(value: Any) -> int | None:
    """The sum of a counter that is given once or per CPU; None where it is missing."""
    if isinstance(value, dict):
        numbers = [number for number in value.values() if isinstance(number, int)]
        return sum(numbers) if numbers else None
    return value if isinstance(value, int) else None


def _frequency_changes(before: Host, after: Host) -> Iterator[Finding]:
    old, new = (host.details.get(f"{STATE}frequency.mhz") for host in (before, after))
    if not isinstance(old, int | float) or not isinstance(new, int | float) or old <= 0:
        return
    if abs(new / old - 1) > _MOVED:
        yield finding("frequency", "host", "run", severity="info", before=old, after=new)


def _load_before(before: Host) -> Iterator[Finding]:
    value = before.details.get(f"{STATE}load.average")
    logical = before.cpu.logical
    if isinstance(value, list) and value and logical:
        load = float(str(value[0]))
        if load > _BUSY_PER_CPU * logical:
            yield finding("others-on-cpu", "host", "before-run", load=load, cpus=logical)


def _setting_changes(before: Host, after: Host) -> Iterator[Finding]:
    known = ("power.source", "power.low_power", "thermal.pressure", "thermal.throttled")
    for name, old, new in differences(before, after):
        if name not in known and old is not None and new is not None:
            code, case = ("governor", "changed") if name == "cpu.governor" else ("host-changed", "")
            yield finding(code, "host", case, setting=name, before=str(old), after=str(new))


__all__ = ["SettingChange", "compare_hosts", "differences", "settings", "total"]
