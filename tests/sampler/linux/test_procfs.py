"""Texts of /proc are read as what they are, on recorded ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.sampler.linux import procfs
from bench.sampler.linux.procfs import CgroupPaths, CpuTimes

DATA = Path(__file__).parents[2] / "data" / "proc"


def recorded(name: str) -> bytes:
    return (DATA / name).read_bytes()


class TestStat:
    def test_a_name_with_brackets_and_blanks_shifts_nothing(self) -> None:
        """The fields are counted from the last closing bracket."""
        stat = procfs.parse_stat(recorded("pid-odd-name.stat"))

        assert (stat.pid, stat.state, stat.ppid) == (22673, "S", 22669)
        assert (stat.pgrp, stat.session, stat.threads) == (22669, 15438, 1)
        assert stat.start_ticks == 279936

    def test_user_and_system_time_are_added(self) -> None:
        """Own and reaped time are each the sum of their two fields."""
        text = b"7 (x) R 1 7 7 0 -1 0 0 0 0 0 12 5 300 44 20 0 9 0 77 0 0"

        stat = procfs.parse_stat(text)

        assert (stat.own_ticks, stat.reaped_ticks) == (17, 344)
        assert (stat.threads, stat.start_ticks) == (9, 77)

    def test_other_text_is_refused(self) -> None:
        """Text of another form raises instead of giving zeros."""
        with pytest.raises((ValueError, IndexError)):
            procfs.parse_stat(b"no such process")


class TestTasksAndMemory:
    def test_schedstat_begins_with_nanoseconds_on_a_cpu(self) -> None:
        """The first figure of schedstat is the time on a CPU."""
        text = recorded("pid.schedstat")

        assert procfs.parse_schedstat(text) == int(text.split()[0])

    def test_switches_are_told_apart(self) -> None:
        """The involuntary line, whose name ends like the voluntary one, is not mistaken for it."""
        assert procfs.parse_switches(recorded("pid.status")) == (1, 2)

    def test_pss_is_the_line_of_that_name_in_bytes(self) -> None:
        """Pss_Dirty, Pss_Anon and SwapPss are other lines."""
        text = recorded("pid.smaps_rollup")
        line = next(line for line in text.split(b"\n") if line.startswith(b"Pss:"))

        assert procfs.parse_pss(text) == int(line.split()[1]) * 1024

    def test_resident_pages_become_bytes(self) -> None:
        """The second figure of statm counts pages."""
        pages = int(recorded("pid.statm").split()[1])

        assert procfs.parse_statm_rss(recorded("pid.statm"), 4096) == pages * 4096


class TestCpuTimes:
    def test_only_the_wanted_cpus_are_read(self) -> None:
        """The sum line and other CPUs are left out."""
        times = procfs.parse_cpu_times(recorded("stat"), {1})

        assert times == {
            1: CpuTimes(
                idle=185779 + 1203,
                irq=2827,
                steal=48,
                total=35012 + 37244 + 16014 + 185779 + 1203 + 2827 + 48,
            )
        }

    def test_guest_time_is_not_counted_twice(self) -> None:
        """The ninth and tenth column are part of the first two already."""
        times = procfs.parse_cpu_times(b"cpu0 10 0 0 90 0 0 0 0 7 7\n", {0})

        assert times[0].total == 100

    def test_old_kernels_without_steal_count_none(self) -> None:
        """Missing columns are zero."""
        assert procfs.parse_cpu_times(b"cpu0 1 2 3 4 5 6 7\n", {0})[0].steal == 0

    def test_a_cpu_that_is_not_there_is_left_out_of_the_sum(self) -> None:
        """Summing over absent CPUs gives zeros, not an error."""
        times = {0: CpuTimes(1, 2, 3, 4), 1: CpuTimes(10, 20, 30, 40)}

        assert procfs.sum_cpu_times(times, [0, 1, 9]) == CpuTimes(11, 22, 33, 44)
        assert procfs.sum_cpu_times(times, [9]) == CpuTimes(0, 0, 0, 0)


class TestNetwork:
    def test_loopback_bytes_are_those_received_on_lo(self) -> None:
        """Each byte over lo is received once."""
        assert procfs.parse_loopback_bytes(recorded("net-dev")) == 12672754945

    def test_a_glued_figure_is_read(self) -> None:
        """Old kernels print no blank after the colon."""
        assert procfs.parse_loopback_bytes(b"  lo:99 1 0 0\n") == 99

    def test_without_loopback_there_is_none(self) -> None:
        """An interface of a similar name is not taken for it."""
        assert procfs.parse_loopback_bytes(b"  lo1: 99 1 0\n") is None

    def test_names_and_values_are_paired(self) -> None:
        """snmp and netstat hold a line of names and a line of values."""
        tcp = procfs.parse_paired(recorded("net-snmp"), b"Tcp:", (b"RetransSegs", b"MaxConn"))
        ext = procfs.parse_paired(recorded("net-netstat"), b"TcpExt:", (b"ListenDrops",))

        assert tcp["MaxConn"] == -1
        assert tcp["RetransSegs"] >= 0
        assert set(ext) == {"ListenDrops"}

    def test_an_empty_table_of_cpus_is_empty(self) -> None:
        """A text that holds nothing else ends the search."""
        assert procfs.parse_cpu_times(b"cpu0 1 2 3 4 5 6 7 8", {0, 1}).keys() == {0}

    def test_a_missing_section_gives_nothing(self) -> None:
        """A kernel without the section has no figures."""
        assert procfs.parse_paired(b"Ip: a\nIp: 1\n", b"Tcp:", (b"a",)) == {}

    def test_only_established_connections_at_the_server_are_counted(self) -> None:
        """The listener and the clients' ends of the same connections are not."""
        assert procfs.count_established(recorded("net-tcp"), 50587) == 3
        assert procfs.count_established(recorded("net-tcp6"), 33273) == 2
        assert procfs.count_established(recorded("net-tcp"), 80) == 0


class TestLimits:
    def test_swapped_pages_are_in_and_out_together(self) -> None:
        """pswpin and pswpout are added."""
        assert procfs.parse_swap_pages(b"nr 1\npswpin 3\npswpout 4\n") == 7
        assert procfs.parse_swap_pages(recorded("vmstat")) == 0

    def test_a_kernel_without_swap_has_no_figure(self) -> None:
        """Nothing counted is None, not 0."""
        assert procfs.parse_swap_pages(b"nr_free_pages 1\n") is None

    def test_throttled_time_is_microseconds_in_both_versions(self) -> None:
        """cgroup v1 counts nanoseconds."""
        assert procfs.parse_throttled_us(recorded("cpu.stat-v2")) == 81234
        assert procfs.parse_throttled_us(b"nr_periods 1\nthrottled_time 5000\n") == 5
        assert procfs.parse_throttled_us(recorded("cpu.stat-v1")) == 0
        assert procfs.parse_throttled_us(b"usage_usec 1\n") is None

    def test_waiting_for_a_cpu_is_the_total_of_some(self) -> None:
        """Averages and the line of all tasks waiting are other figures."""
        text = b"some avg10=1.00 avg60=2.00 avg300=3.00 total=42\nfull avg10=0.00 total=7\n"

        assert procfs.parse_stall_us(text) == 42
        assert procfs.parse_stall_us(b"") is None

    def test_both_versions_of_cgroups_are_found(self) -> None:
        """A machine may have v1, v2 or both."""
        assert procfs.parse_cgroup(recorded("cgroup-v1")) == CgroupPaths("/", "/")
        assert procfs.parse_cgroup(recorded("cgroup-v2")) == CgroupPaths(
            "/user.slice/user-1000.slice/session-2.scope", None
        )
        assert procfs.parse_cgroup(b"3:cpu,cpuacct:/a\n") == CgroupPaths(None, "/a")
