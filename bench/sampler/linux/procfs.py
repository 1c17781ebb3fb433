"""Reads texts of Linux' /proc and /sys into numbers; pure, opens nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

NS_PER_S: Final = 1_000_000_000

_ESTABLISHED: Final = b"01"
_LOOPBACK_NAMES: Final = (b"lo:",)


class Stat(NamedTuple):
    """What is used of one /proc/PID/stat.

    Attributes:
        state: one letter; Z = ended and not yet waited for.
        own_ticks: user and system time of the process, ended threads included.
        reaped_ticks: the same of children that were waited for, and of theirs.
        start_ticks: when it began, in ticks since boot; with the pid it names one process.
    """

    pid: int
    state: str
    ppid: int
    pgrp: int
    session: int
    own_ticks: int
    reaped_ticks: int
    threads: int
    start_ticks: int


def parse_stat(text: bytes) -> Stat:
    """Read /proc/PID/stat; the name in brackets may hold blanks and brackets itself.

    Raises:
        ValueError, IndexError: the text is not of that form.
    """
    head, _, tail = text.rpartition(b")")
    fields = tail.split(None, 21)
    return Stat(
        pid=int(head.split(b"(", 1)[0]),
        state=fields[0].decode(),
        ppid=int(fields[1]),
        pgrp=int(fields[2]),
        session=int(fields[3]),
        own_ticks=int(fields[11]) + int(fields[12]),
        reaped_ticks=int(fields[13]) + int(fields[14]),
        threads=int(fields[17]),
        start_ticks=int(fields[19]),
    )


def parse_schedstat(text: bytes) -> int:
    """Nanoseconds on a CPU of one thread: the first figure of task/TID/schedstat.

    Raises:
        ValueError, IndexError: the text is not of that form.
    """
    return int(text.split(None, 1)[0])


def parse_switches(text: bytes) -> tuple[int, int]:
    """Voluntary and involuntary context switches of one thread, from task/TID/status.

    Raises:
        ValueError: the two lines are missing.
    """
    voluntary = text.index(b"voluntary_ctxt_switches:")
    involuntary = text.index(b"nonvoluntary_ctxt_switches:")
    return (
        int(text[voluntary:].split(None, 2)[1]),
        int(text[involuntary:].split(None, 2)[1]),
    )


def parse_pss(text: bytes) -> int:
    """Bytes of smaps_rollup's Pss: each shared page divided by the number of its users.

    Raises:
        ValueError: there is no such line.
    """
    start = text.index(b"\nPss:")
    return int(text[start:].split(None, 2)[1]) * 1024


def parse_statm_rss(text: bytes, page_bytes: int) -> int:
    """Resident bytes of /proc/PID/statm, shared pages in full.

    Raises:
        ValueError, IndexError: the text is not of that form.
    """
    return int(text.split(None, 2)[1]) * page_bytes


class CpuTimes(NamedTuple):
    """Ticks of one CPU or of several together since boot.

    Attributes:
        idle: idle and waiting for a disk.
        irq: in interrupts, hard and soft.
        steal: ready to run, but the hypervisor ran another guest.
        total: everything; guest time is part of user time and not counted again.
    """

    idle: int
    irq: int
    steal: int
    total: int


NONE: Final = CpuTimes(0, 0, 0, 0)


def parse_cpu_times(text: bytes, cpus: Collection[int]) -> dict[int, CpuTimes]:
    """Read the lines of the given CPUs in /proc/stat.

    Raises:
        ValueError, IndexError: the text is not of that form.
    """
    found: dict[int, CpuTimes] = {}
    for line in text.split(b"\n"):
        if not line.startswith(b"cpu"):
            break
        name, _, rest = line.partition(b" ")
        if name == b"cpu" or int(name[3:]) not in cpus:
            continue
        ticks = [int(field) for field in rest.split()[:8]]
        ticks += [0] * (8 - len(ticks))
        found[int(name[3:])] = CpuTimes(
            ticks[3] + ticks[4], ticks[5] + ticks[6], ticks[7], sum(ticks)
        )
    return found


def sum_cpu_times(times: Mapping[int, CpuTimes], cpus: Iterable[int]) -> CpuTimes:
    """Add up the CPUs that are there."""
    present = [times[cpu] for cpu in cpus if cpu in times]
    return CpuTimes(*(sum(column) for column in zip(*present, strict=True))) if present else NONE


def parse_loopback_bytes(text: bytes) -> int | None:
    """Bytes received on the loopback interface, from /proc/net/dev; None without one."""
    for line in text.split(b"\n"):
        name, colon, rest = line.strip().partition(b":")
        if name + colon in _LOOPBACK_NAMES:
            return int(rest.split(None, 1)[0])
    return None


def parse_paired(text: bytes, section: bytes, names: Collection[bytes]) -> dict[str, int]:
    """Read named figures of /proc/net/snmp or netstat: a line of names, a line of values.

    Args:
        text: the whole file.
        section: such as `Tcp:`.
        names: the wanted ones; those that are absent are left out.
    """
    lines = [line.split() for line in text.split(b"\n") if line.startswith(section)]
    if len(lines) < 2:  # noqa: PLR2004 - names and values
        return {}
    return {
        name.decode(): int(value)
        for name, value in zip(lines[0], lines[1], strict=False)
        if name in names
    }


def parse_swap_pages(text: bytes) -> int | None:
    """Pages swapped in and out since boot, from /proc/vmstat; None where not counted."""
    found = [
        int(line.split()[1])
        for line in text.split(b"\n")
        if line.startswith((b"pswpin ", b"pswpout "))
    ]
    return sum(found) if found else None


def count_established(text: bytes, port: int) -> int:
    """Established connections whose local end is `port`, in /proc/net/tcp or tcp6."""
    wanted = b":%04X" % port
    count = 0
    for line in text.split(b"\n"):
        fields = line.split(None, 4)
        if len(fields) > 4 and fields[1].endswith(wanted) and fields[3] == _ESTABLISHED:  # noqa: PLR2004 - columns local and state
            count += 1
    return count


def parse_throttled_us(text: bytes) -> int | None:
    """Microseconds held back by a CPU quota, from a cgroup's cpu.stat (v2, or v1's ns)."""
    for line in text.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"throttled_usec":
            return int(value)
        if key == b"throttled_time":
            return int(value) // 1000
    return None


def parse_stall_us(text: bytes) -> int | None:
    """Microseconds in which some task waited, from /proc/pressure/cpu."""
    for line in text.split(b"\n"):
        if line.startswith(b"some ") and b"total=" in line:
            return int(line.rsplit(b"total=", 1)[1])
    return None


class CgroupPaths(NamedTuple):
    """Where one process stands: the v2 path and v1's path of the cpu controller."""

    v2: str | None
    v1_cpu: str | None


def parse_cgroup(text: bytes) -> CgroupPaths:
    """Read /proc/PID/cgroup."""
    v2 = v1 = None
    for line in text.decode("utf-8", "replace").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            v2 = path
        elif "cpu" in controllers.split(","):
            v1 = path
    return CgroupPaths(v2, v1)
