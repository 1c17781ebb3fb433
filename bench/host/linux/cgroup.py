"""Reads what control groups (version 2 and 1) leave to this process, through every ancestor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.host.source import parse_int

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.host.source import HostSource

ROOT: Final = "/sys/fs/cgroup"
_V1_FOLDERS: Final = {"cpu": ("cpu", "cpu,cpuacct"), "memory": ("memory",)}


def own_paths(source: HostSource) -> dict[str, str]:
    """Controller -> path of this process' group; "" is the key of version 2."""
    paths: dict[str, str] = {}
    for line in (source.read("/proc/self/cgroup").text or "").splitlines():
        fields = line.split(":", 2)
        if len(fields) == 3 and fields[2].startswith("/"):  # noqa: PLR2004 - id:controllers:path
            for controller in fields[1].split(","):
                paths[controller] = fields[2]
    return paths


def ancestors(path: str) -> Iterator[str]:
    """The group itself, its parent, and so on to the root: `/a/b`, `/a`, ``."""
    parts = [part for part in path.split("/") if part]
    for end in range(len(parts), -1, -1):
        yield "".join(f"/{part}" for part in parts[:end])


def folders(source: HostSource, controller: str) -> Iterator[str]:
    """Every folder whose limits of that version 1 controller, or of version 2 for "", hold."""
    path = own_paths(source).get(controller, "/")
    bases = [f"/{name}" for name in _V1_FOLDERS[controller]] if controller else ["", "/unified"]
    for base in bases:
        for group in ancestors(path):
            yield f"{ROOT}{base}{group}"


def cpu_quota(source: HostSource) -> float | None:
    """The CPUs' worth of time that the tightest of all groups allows; None = no limit.

    `cpu.max` (version 2) holds "quota period" or "max period" in microseconds; version 1 has
    `cpu.cfs_quota_us` (-1 = no limit) and `cpu.cfs_period_us`.
    """
    found = [_quota_v2(source.read(f"{folder}/cpu.max").text) for folder in folders(source, "")]
    for folder in folders(source, "cpu"):
        quota = source.read(f"{folder}/cpu.cfs_quota_us").text
        period = source.read(f"{folder}/cpu.cfs_period_us").text
        found.append(_ratio(quota, period))
    limits = [quota for quota in found if quota is not None]
    return min(limits, default=None)


def memory_limit(source: HostSource) -> int | None:
    """The tightest memory limit in bytes; None = no limit.

    Version 1 says "no limit" with a number near 2**63, which is above any real memory.
    """
    found = [
        parse_int(source.read(f"{folder}/{name}").text)
        for folder in folders(source, "")
        for name in ("memory.max", "memory.high")
    ]
    found += [
        parse_int(source.read(f"{folder}/memory.limit_in_bytes").text)
        for folder in folders(source, "memory")
    ]
    return min((limit for limit in found if limit is not None and limit < _NO_LIMIT), default=None)


_NO_LIMIT: Final = 2**60


def _quota_v2(text: str | None) -> float | None:
    quota, _, period = (text or "").partition(" ")
    return _ratio(quota, period)


def _ratio(quota: str | None, period: str | None) -> float | None:
    over, under = parse_int(quota), parse_int(period)
    if over is None or under is None or over <= 0 or under <= 0:
        return None
    return over / under


def throttling(source: HostSource) -> dict[str, int]:
    """Periods and microseconds in which this process' own group was held back, so far.

    Keys: `nr_periods`, `nr_throttled`, `throttled_us`; version 1 counts nanoseconds.
    """
    for controller in ("", "cpu"):
        for folder in folders(source, controller):
            counts = _numbers(source.read(f"{folder}/cpu.stat").text)
            if "nr_periods" in counts:
                nanoseconds = counts.get("throttled_time", 0)
                return {
                    "nr_periods": counts["nr_periods"],
                    "nr_throttled": counts.get("nr_throttled", 0),
                    "throttled_us": counts.get("throttled_usec", nanoseconds // 1000),
                }
    return {}


def _numbers(text: str | None) -> dict[str, int]:
    pairs = (line.split() for line in (text or "").splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) > 1 and pair[1].isdecimal()}
