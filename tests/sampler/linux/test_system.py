"""Counters of the machine, read from recorded files of /proc and /sys."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.sampler.linux.system import LinuxSystem, cgroup_folders, clock_offsets, read_irq_option

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parents[2] / "data" / "proc"
SESSION = "/sys/fs/cgroup/user.slice/user-1000.slice"
PROC = {
    "/proc/stat": "stat",
    "/proc/net/snmp": "net-snmp",
    "/proc/net/netstat": "net-netstat",
    "/proc/net/dev": "net-dev",
    "/proc/net/tcp": "net-tcp",
    "/proc/net/tcp6": "net-tcp6",
    "/proc/vmstat": "vmstat",
    "/proc/pressure/cpu": "pressure-cpu",
    "/proc/7/cgroup": "cgroup-v2",
}
SYS = {
    f"{SESSION}/session-2.scope/cpu.stat": b"throttled_usec 5\n",
    f"{SESSION}/cpu.stat": b"throttled_usec 70\n",
    "/sys/fs/cgroup/cpu.stat": b"usage_usec 9\n",
    "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": b"3\n",
    "/sys/devices/system/cpu/cpu1/thermal_throttle/package_throttle_count": b"4\n",
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": b"2000000\n",
    "/sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": b"3000000\n",
}


def reader(extra: dict[str, bytes]) -> Callable[[str], bytes | None]:
    def read(path: str) -> bytes | None:
        if path in PROC:
            return (DATA / PROC[path]).read_bytes()
        return extra.get(path)

    return read


def system(
    extra: dict[str, bytes], *, count: Callable[[int], int | None] = lambda _: None
) -> LinuxSystem:
    return LinuxSystem(frozenset({0, 1}), 7, read=reader(extra), count=count)


class TestReading:
    def test_every_counter_of_a_full_machine_is_read(self) -> None:
        """Quotas are summed over the cgroup and those above, heat over CPUs and packages."""
        machine = system(SYS)

        now = machine.now()

        assert now.throttled_us == 75
        assert now.cpu_throttle_events == 7
        assert now.retransmits is not None
        assert now.duplicates is not None
        assert now.listen_drops is not None
        assert now.swap_pages == 0
        assert now.stall_us == 602396191
        assert now.cpus is not None
        assert set(now.cpus) == {0, 1}
        assert machine.frequency_mhz() == 2500
        assert machine.loopback_bytes() == 12672754945
        assert machine.reasons == {}

    def test_what_a_guest_lacks_is_none_with_a_reason(self) -> None:
        """Absent is not 0."""
        machine = system({})

        now = machine.now()

        assert (now.throttled_us, now.cpu_throttle_events) == (None, None)
        assert machine.frequency_mhz() is None
        assert set(machine.reasons) == {
            "counters.throttled_us",
            "counters.cpu_throttle_events",
            "counters.frequency_mhz",
        }

    def test_an_unreadable_proc_gives_none(self) -> None:
        """A container may hide any of them."""
        machine = LinuxSystem(frozenset({0}), 7, read=lambda _: None, count=lambda _: None)

        now = machine.now()

        assert now.cpus is None
        assert (now.retransmits, now.listen_drops, now.swap_pages) == (None, None, None)
        assert machine.loopback_bytes() is None
        assert machine.connections(80) is None


class TestConnections:
    def test_the_kernel_is_asked_first(self) -> None:
        """Its answer costs a tenth of reading the tables."""
        assert system({}, count=lambda port: port).connections(42) == 42

    def test_the_tables_are_the_way_out(self) -> None:
        """Both families count: a dual-stack listener shows IPv4 clients in the second table."""
        assert system({}).connections(50587) == 3
        assert system({}).connections(33273) == 2


class TestCgroups:
    def test_every_level_above_counts(self) -> None:
        """A quota anywhere above holds the server back."""
        assert cgroup_folders(b"0::/a/b\n") == [
            "/sys/fs/cgroup/a/b",
            "/sys/fs/cgroup/a",
            "/sys/fs/cgroup",
        ]

    def test_version_1_has_its_own_mount(self) -> None:
        """Its cpu controller hangs below /sys/fs/cgroup/cpu."""
        assert cgroup_folders(b"4:cpu,cpuacct:/x\n") == [
            "/sys/fs/cgroup/cpu/x",
            "/sys/fs/cgroup/cpu",
        ]

    def test_no_cgroup_no_folder(self) -> None:
        """A kernel without cgroups has none."""
        assert cgroup_folders(b"") == []


class TestKernelOptions:
    @pytest.mark.parametrize(
        ("option", "expected"),
        [
            (b"CONFIG_A=y\nCONFIG_IRQ_TIME_ACCOUNTING=y\n", True),
            (b"CONFIG_A=y\n# CONFIG_IRQ_TIME_ACCOUNTING is not set\n", False),
        ],
    )
    def test_the_option_is_read_packed_or_plain(self, option: bytes, expected: bool) -> None:  # noqa: FBT001 - a table
        """From the running kernel, else from /boot."""
        packed = {"/proc/config.gz": gzip.compress(option)}
        plain = {"/proc/sys/kernel/osrelease": b"6.1-x\n", "/boot/config-6.1-x": option}

        assert read_irq_option(packed.get) is expected
        assert read_irq_option(plain.get) is expected

    def test_unknown_stays_unknown(self) -> None:
        """Where neither can be read nothing is assumed."""
        assert read_irq_option(lambda _: None) is None


def test_a_system_without_a_clock_that_counts_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS has none: only the wall clock tells."""
    monkeypatch.delattr("time.CLOCK_BOOTTIME", raising=False)

    assert clock_offsets()[1] is None


def test_clocks_stand_still_against_each_other() -> None:
    """Two looks one after the other differ by less than a millisecond."""
    first, second = clock_offsets(), clock_offsets()

    assert abs(second[0] - first[0]) < 1_000_000_000
    assert (first[1] is None) == (second[1] is None)
