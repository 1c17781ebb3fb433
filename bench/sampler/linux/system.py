"""System-wide counters on Linux: read at a mark, subtracted for a window."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from bench.sampler.linux import procfs
from bench.sampler.linux.processes import read_whole
from bench.sampler.linux.sockdiag import count_connections

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.sampler.linux.procfs import CpuTimes

_TCP = (b"RetransSegs",)
_TCP_EXT = (b"ListenOverflows", b"ListenDrops", b"TCPDSACKRecv")
_V1_CPU_MOUNTS = ("/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct")


class SystemReading(NamedTuple):
    """Counters since boot at one instant; None where unreadable.

    Attributes:
        cpus: ticks of each CPU that is ours.
        throttled_us: held back by quotas, over the server's cgroup and those above it.
        cpu_throttle_events: times a CPU of ours was slowed for heat.
        listen_drops: connections dropped because a listener's queue was full or otherwise.
        stall_us: time in which some task waited for a CPU, on the whole machine.
        wall_ns: wall clock less monotonic clock.
        sleep_ns: clock that counts sleep less the one that does not; None without it.
        duplicates: retransmits of which the receiver said that it had the data already.
    """

    cpus: Mapping[int, CpuTimes] | None = None
    throttled_us: int | None = None
    cpu_throttle_events: int | None = None
    retransmits: int | None = None
    listen_drops: int | None = None
    swap_pages: int | None = None
    stall_us: int | None = None
    wall_ns: int = 0
    sleep_ns: int | None = None
    duplicates: int | None = None


def clock_offsets() -> tuple[int, int | None]:
    """Wall less monotonic, and boot time less monotonic, in nanoseconds.

    The second only moves when the machine sleeps; the first also when the clock is set, or
    when a hypervisor stopped the guest.
    """
    wall_ns = time.time_ns() - time.monotonic_ns()
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return wall_ns, None
    return wall_ns, time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()


class LinuxSystem:
    """Reads the counters of one trial: its CPUs, its server's cgroup.

    Args:
        cpus: the server's and the load's.
        pid: the server, whose cgroup counts.
        read: gives a file's bytes or None; stands in for the real /proc in tests.
        count: asks the kernel for connections to a port; None where it does not answer.
    """

    def __init__(
        self,
        cpus: frozenset[int],
        pid: int,
        *,
        read: Callable[[str], bytes | None] = read_whole,
        count: Callable[[int], int | None] = count_connections,
    ) -> None:
        self._cpus = cpus
        self._read = read
        self._count = count
        folders = cgroup_folders(read(f"/proc/{pid}/cgroup") or b"")
        stats = [f"{folder}/cpu.stat" for folder in folders]
        self._quota_files = [path for path in stats if self._throttled(path) is not None]
        self._heat_files = [
            path
            for cpu in sorted(cpus)
            for kind in ("core", "package")
            if read(path := f"{_cpu_folder(cpu)}/thermal_throttle/{kind}_throttle_count")
        ]
        self._speed_files = [
            path
            for cpu in sorted(cpus)
            if read(path := f"{_cpu_folder(cpu)}/cpufreq/scaling_cur_freq")
        ]

    @property
    def reasons(self) -> dict[str, str]:
        """Why counters that some machines have are not there on this one."""
        found = {}
        if not self._quota_files:
            found["counters.throttled_us"] = "no cpu.stat in the server's cgroup"
        if not self._heat_files:
            found["counters.cpu_throttle_events"] = "no thermal_throttle counters for these CPUs"
        if not self._speed_files:
            found["counters.frequency_mhz"] = "no cpufreq for these CPUs"
        return found

    def now(self) -> SystemReading:
        """Every counter now; about 0.3 ms."""
        wall_ns, sleep_ns = clock_offsets()
        tcp = procfs.parse_paired(self._read("/proc/net/snmp") or b"", b"Tcp:", _TCP)
        ext = procfs.parse_paired(self._read("/proc/net/netstat") or b"", b"TcpExt:", _TCP_EXT)
        duplicates = ext.pop("TCPDSACKRecv", None)
        return SystemReading(
            cpus=self.cpu_times(),
            throttled_us=self._sum(self._quota_files, self._throttled),
            cpu_throttle_events=self._sum(self._heat_files, self._number),
            retransmits=tcp.get("RetransSegs"),
            listen_drops=max(ext.values(), default=None),
            swap_pages=procfs.parse_swap_pages(self._read("/proc/vmstat") or b""),
            stall_us=procfs.parse_stall_us(self._read("/proc/pressure/cpu") or b""),
            wall_ns=wall_ns,
            sleep_ns=sleep_ns,
            duplicates=duplicates,
        )

    def cpu_times(self) -> dict[int, CpuTimes] | None:
        """Ticks of each of our CPUs since boot."""
        text = self._read("/proc/stat")
        return procfs.parse_cpu_times(text, self._cpus) if text else None

    def loopback_bytes(self) -> int | None:
        """Bytes that went over the loopback interface since boot, each counted once."""
        return procfs.parse_loopback_bytes(self._read("/proc/net/dev") or b"")

    def connections(self, port: int) -> int | None:
        """Established connections to `port`: asked of the kernel, else counted in its tables.

        With 3,000 sockets of others the tables take 5 ms to print, the question 0.5 ms.
        """
        count = self._count(port)
        if count is not None:
            return count
        tables = [self._read(f"/proc/net/{name}") for name in ("tcp", "tcp6")]
        found = [procfs.count_established(table, port) for table in tables if table]
        return sum(found) if found else None

    def frequency_mhz(self) -> float | None:
        """Mean frequency of our CPUs now; None without cpufreq, as in most guests."""
        khz = [value for path in self._speed_files if (value := self._number(path)) is not None]
        return sum(khz) / len(khz) / 1000 if khz else None

    def irq_time_apart(self) -> bool | None:
        """Whether this kernel keeps interrupts out of the time of the process they hit.

        None where the kernel's build options cannot be read.
        """
        return read_irq_option(self._read)

    def _number(self, path: str) -> int | None:
        text = self._read(path)
        return int(text) if text else None

    def _throttled(self, path: str) -> int | None:
        text = self._read(path)
        return procfs.parse_throttled_us(text) if text else None

    @staticmethod
    def _sum(paths: list[str], number: Callable[[str], int | None]) -> int | None:
        values = [value for path in paths if (value := number(path)) is not None]
        return sum(values) if values else None


def cgroup_folders(text: bytes) -> list[str]:
    """Folders of the cgroup in /proc/PID/cgroup and of those above it, v2 and v1."""
    paths = procfs.parse_cgroup(text)
    folders = [f"/sys/fs/cgroup{level}" for level in _levels(paths.v2)]
    folders += [
        f"{mount}{level}" for mount in _V1_CPU_MOUNTS[:1] for level in _levels(paths.v1_cpu)
    ]
    return folders


def read_irq_option(read: Callable[[str], bytes | None]) -> bool | None:
    """Look for CONFIG_IRQ_TIME_ACCOUNTING in the running kernel's options."""
    import gzip  # noqa: PLC0415 - once per trial at most, and not needed elsewhere

    release = (read("/proc/sys/kernel/osrelease") or b"").strip().decode("utf-8", "replace")
    packed = read("/proc/config.gz")
    options = gzip.decompress(packed) if packed else read(f"/boot/config-{release}")
    return None if options is None else b"\nCONFIG_IRQ_TIME_ACCOUNTING=y" in options


def _levels(path: str | None) -> list[str]:
    """`/a/b` -> `/a/b`, `/a` and the top, which is empty."""
    if path is None:
        return []
    parts = [part for part in path.split("/") if part and part != ".."]
    return ["".join(f"/{part}" for part in parts[:count]) for count in range(len(parts), -1, -1)]


def _cpu_folder(cpu: int) -> str:
    return f"/sys/devices/system/cpu/cpu{cpu}"
