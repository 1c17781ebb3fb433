"""Linux machines: every value of the summary on recorded and reconstructed trees."""

from __future__ import annotations

from typing import Any

import pytest

from bench.host import quick_state, read_any_topology, read_host
from bench.host.linux.cgroup import ancestors, cpu_quota, memory_limit, throttling
from bench.host.linux.machine import mean_mhz, power_source
from bench.host.linux.names import arm_name, virtual_vendor
from bench.host.linux.readings import interrupts_by_cpu
from bench.host.linux.table import boot_words, parse_quietly, shorten
from bench.host.linux.topology import Kind, group_kinds
from tests.host.trees import LINUX, Tree, linux_tree, memory_source


def host_of(tree: Tree) -> Any:
    return read_host(memory_source(tree), "linux")


def changed(name: str, **files: str | None) -> Tree:
    """A machine with some files changed or (None) removed; `__` stands for `/`."""
    tree = linux_tree(name)
    for key, text in files.items():
        path = key.replace("__", "/")
        if text is None:
            tree.pop(path, None)
        else:
            tree[path] = text
    return tree


@pytest.mark.parametrize(
    ("name", "physical", "logical", "clusters"),
    [
        ("linux-kvm-2cpu", 2, 2, [("", 2)]),
        ("epyc-7451-2s", 48, 96, [("", 48)]),
        ("xeon-x7550-4s", 32, 64, [("", 32)]),
        ("graviton3-c7g-2xlarge", 8, 8, [("Neoverse-V1", 8)]),
        ("container-quota", 4, 8, [("", 4)]),
        ("ec2-c5-large", 1, 2, [("", 1)]),
        ("laptop-i7-1165g7", 4, 8, [("", 4)]),
        ("ryzen-5950x", 16, 32, [("", 16)]),
        ("meteor-lake-185h", 16, 22, [("Performance", 6), ("Efficiency", 8), ("Low power", 2)]),
        ("strix-point-hx370", 12, 24, [("5.2-GHz", 4), ("3.3-GHz", 8)]),
        ("rk3588-rock5b", 8, 8, [("Cortex-A76", 4), ("Cortex-A55", 4)]),
        (
            "snapdragon-x3-a715-a710-a510",
            8,
            8,
            [("Cortex-X3", 1), ("Cortex-A715", 2), ("Cortex-A710", 2), ("Cortex-A510", 3)],
        ),
    ],
)
def test_cores_and_kinds(
    name: str, physical: int, logical: int, clusters: list[tuple[str, int]]
) -> None:
    """Cores, threads and kinds of core are those of the published tables, the fastest first."""
    cpu = host_of(linux_tree(name)).cpu

    assert (cpu.physical, cpu.logical) == (physical, logical)
    assert [(cluster.name, cluster.cores) for cluster in cpu.clusters] == clusters


def test_this_recorded_guest() -> None:
    """The captured tree gives what lscpu, /proc and /sys said when it was written."""
    host = host_of(linux_tree("linux-kvm-2cpu"))

    assert host.os.name == "Debian GNU/Linux"
    assert host.os.kernel.startswith("6.18.")
    assert host.cpu.model == "Intel(R) Xeon(R) Processor"
    assert host.cpu.clusters[0].l2_bytes == 2 * 2**20
    assert host.cpu.smt is False
    assert host.machine.virtual is True
    assert host.machine.translated is False
    assert host.memory_bytes == 25276502016
    assert host.details["virtual.vm"] == "kvm"
    assert host.details["kernel.clocksource"] == "tsc"
    assert host.details["kernel.vulnerabilities"]["retbleed"] == "Vulnerable"
    assert host.details["idle.state_name"] == {"0": "POLL", "1": "haltpoll idle"}
    assert [c["size"] for c in host.details["topology.caches"]] == [
        "48K", "64K", "2048K", "491520K",
    ]  # fmt: skip
    assert host.limits["port_first"] == 32768
    assert host.limits["somaxconn"] == 4096
    assert host.limits["nofile_soft"] == 20000


@pytest.mark.parametrize("name", LINUX)
def test_every_null_has_its_reason(name: str) -> None:
    """Nothing is null without an entry in `unavailable`, and nothing known has one."""
    host = host_of(linux_tree(name))
    data = host.model_dump(mode="json")
    flat = {"memory_bytes": host.memory_bytes}
    for part in ("os", "machine", "cpu", "power", "thermal", "limits", "details"):
        flat |= {f"{part}.{key}": value for key, value in data[part].items()}

    nulls = {key for key, value in flat.items() if value is None}

    assert nulls == set(host.unavailable)
    assert all(host.unavailable.values())


def test_frequency_settings() -> None:
    """Governor, turbo and frequencies come from cpufreq, intel_pstate or boost."""
    laptop, epyc = (host_of(linux_tree(n)).cpu for n in ("laptop-i7-1165g7", "epyc-7451-2s"))
    strix = host_of(linux_tree("strix-point-hx370")).cpu

    assert (laptop.governor, laptop.turbo) == ("powersave", True)
    assert (laptop.base_mhz, laptop.max_mhz) == (2800.0, 4700.0)
    assert (epyc.governor, epyc.turbo, epyc.max_mhz) == ("ondemand", True, 2300.0)
    assert strix.turbo is False


def test_unequal_governors_are_all_named() -> None:
    """CPUs with different governors give them all."""
    tree = linux_tree("laptop-i7-1165g7")
    tree["sys/devices/system/cpu/cpu3/cpufreq/scaling_governor"] = "performance"

    assert host_of(tree).cpu.governor == "performance+powersave"


def test_base_frequency_has_its_own_file() -> None:
    """base_frequency wins over the model's name."""
    tree = changed(
        "laptop-i7-1165g7", sys__devices__system__cpu__cpu0__cpufreq__base_frequency="2600000"
    )

    assert host_of(tree).cpu.base_mhz == 2600.0


@pytest.mark.parametrize(
    ("name", "source", "low"),
    [
        ("meteor-lake-185h", "ac", True),
        ("laptop-i7-1165g7", "battery", None),
        ("linux-kvm-2cpu", None, None),
    ],
)
def test_power(name: str, source: str | None, low: bool | None) -> None:  # noqa: FBT001 - a column of the table
    """Mains and battery come from the machine's own supplies, never from a mouse."""
    power = host_of(linux_tree(name)).power

    assert (power.source, power.low_power) == (source, low)


def test_a_full_battery_means_mains() -> None:
    """A laptop that lists no charger but a full battery is plugged in."""
    tree = {
        "sys/class/power_supply/BAT0/type": "Battery",
        "sys/class/power_supply/BAT0/status": "Full",
    }

    assert power_source(memory_source(tree)) == "ac"


def test_temperatures_leave_out_dead_sensors() -> None:
    """A sensor at absolute zero is not wired and is left out."""
    celsius = host_of(linux_tree("meteor-lake-185h")).details["state.thermal.celsius"]

    assert celsius == {"x86_pkg_temp.0": 61.0}


def test_hwmon_sensors_have_their_chip_name() -> None:
    """Temperatures of hwmon are named by chip and number."""
    celsius = host_of(linux_tree("epyc-7451-2s")).details["state.thermal.celsius"]

    assert celsius == {"k10temp.1": 45.25}


def test_throttle_counters_stay_per_cpu() -> None:
    """Counters are not shortened: two readings are to be subtracted."""
    details = host_of(linux_tree("xeon-x7550-4s")).details

    assert details["state.thermal.core_throttles"] == {"0": 3, "1": 0}
    assert (
        quick_state(source=memory_source(linux_tree("xeon-x7550-4s")), system="linux").throttles
        == 10
    )


@pytest.mark.parametrize(
    ("name", "virtual"),
    [
        ("linux-kvm-2cpu", True),
        ("graviton3-c7g-2xlarge", True),
        ("ec2-c5-large", True),
        ("epyc-7451-2s", False),
        ("ryzen-5950x", False),
        ("strix-point-hx370", False),
        ("rk3588-rock5b", False),
    ],
)
def test_virtual_or_not(name: str, virtual: bool) -> None:  # noqa: FBT001 - a column of the table
    """The CPU's flag, systemd-detect-virt, the firmware's names or the device tree tell."""
    assert host_of(linux_tree(name)).machine.virtual is virtual


@pytest.mark.parametrize(
    ("vendor", "product", "virtual"),
    [
        ("", "", None),
        ("QEMU", "Standard PC", True),
        ("Amazon EC2", "c7g.metal", False),
        ("Amazon EC2", "c7g.large", True),
        ("Microsoft Corporation", "Virtual Machine", True),
        ("Microsoft Corporation", "Surface Laptop", False),
        ("Dell Inc.", "PowerEdge R740", False),
    ],
)
def test_firmware_names(vendor: str, product: str, virtual: bool | None) -> None:  # noqa: FBT001 - a column
    """Known hypervisors and clouds are told from real machines by name."""
    assert virtual_vendor(vendor, product) is virtual


def test_nothing_tells_whether_virtual() -> None:
    """Without flags, firmware and device tree the answer is null."""
    assert host_of({}).machine.virtual is None


def test_an_empty_tree_is_a_host() -> None:
    """A tree without any file gives a host with one CPU and a reason for everything else."""
    host = host_of({})

    assert (host.cpu.physical, host.cpu.logical) == (1, 1)
    assert host.memory_bytes is None
    assert len(read_any_topology(memory_source({}), "linux").cpus) == 1


def test_limits_of_groups_come_from_every_ancestor() -> None:
    """The tightest quota and memory limit hold, wherever they stand above the process."""
    source = memory_source(linux_tree("container-quota"))

    assert cpu_quota(source) == 1.5
    assert memory_limit(source) == 2**31
    assert throttling(source) == {"nr_periods": 500, "nr_throttled": 20, "throttled_us": 123456}
    assert list(ancestors("/a/b")) == ["/a/b", "/a", ""]


def test_damaged_group_lines_are_left_out() -> None:
    """A line that is no group, or whose path is cut, does not count."""
    tree = {"proc/self/cgroup": "junk\n1:cpu:\n0::/a", "sys/fs/cgroup/a/cpu.max": "50000 100000"}

    assert cpu_quota(memory_source(tree)) == 0.5


def test_microcode_of_the_driver_comes_first() -> None:
    """The driver's version stands where there is one, else that of /proc/cpuinfo."""
    tree = changed("laptop-i7-1165g7", sys__devices__system__cpu__cpu0__microcode__version="0xff")

    assert host_of(tree).details["cpu.microcode"] == "0xff"
    assert host_of(linux_tree("laptop-i7-1165g7")).details["cpu.microcode"] == "0xa6"


def test_limits_of_version_1_groups() -> None:
    """Version 1: -1 and numbers near 2**63 are no limit, throttled time is in nanoseconds."""
    source = memory_source(linux_tree("ec2-c5-large"))

    assert cpu_quota(source) == 1.5
    assert memory_limit(source) is None
    assert throttling(source)["throttled_us"] == 5000


def test_a_cpuset_takes_cpus_away() -> None:
    """The topology has only CPUs on which this process may run; the host has them all."""
    source = memory_source(linux_tree("container-quota"))

    assert [cpu.cpu for cpu in read_any_topology(source, "linux").cpus] == [0, 1, 2, 3]
    assert read_host(source, "linux").cpu.logical == 8


def test_offline_cpus_do_not_count() -> None:
    """CPUs that are off are in neither; a core whose sibling is off stays a core."""
    tree = changed("laptop-i7-1165g7", sys__devices__system__cpu__online="0-4")

    assert host_of(tree).cpu.logical == 5
    assert host_of(tree).cpu.physical == 4


def test_a_container_is_named_by_its_files() -> None:
    """Without systemd-detect-virt, groups and /.dockerenv name the container."""
    docker = changed("graviton3-c7g-2xlarge", **{".dockerenv": ""})

    assert host_of(linux_tree("container-quota")).details["virtual.container"] == "kubepods"
    assert host_of(docker).details["virtual.container"] == "docker"


def test_only_harmless_boot_words_are_kept() -> None:
    """Of the kernel's command line only words that touch measuring are recorded."""
    host = host_of(linux_tree("strix-point-hx370"))

    assert host.details["scheduler.boot_words"] == ["mitigations=off", "isolcpus=10,11"]
    assert boot_words("root=UUID=1 quiet nosmt") == ["nosmt"]


def test_cores_without_topology_files() -> None:
    """Without sibling lists, /proc/cpuinfo's ids tell the cores; without those, CPUs are cores."""
    blocks = [(0, 0, 0), (1, 0, 1), (2, 0, 0), (3, 1, 0)]
    text = "\n\n".join(f"processor: {n}\nphysical id: {p}\ncore id: {c}" for n, p, c in blocks)
    bare = "processor: 0\n\nprocessor: 1"

    assert host_of({"proc/cpuinfo": text}).cpu.physical == 3
    assert host_of({"proc/cpuinfo": bare}).cpu.physical == 2


def test_caches_group_cpus_and_clusters_do_without_them() -> None:
    """The last-level cache groups CPUs; where none is told, the kernel's cluster does."""
    cpu = "sys/devices/system/cpu"
    tree = {f"{cpu}/online": "0-3"}
    for number, cluster in ((0, "0-1"), (1, "0-1"), (2, "2-3"), (3, "2-3")):
        tree[f"{cpu}/cpu{number}/topology/cluster_cpus_list"] = cluster

    assert [c.llc for c in read_any_topology(memory_source(tree), "linux").cpus] == [0, 0, 2, 2]


def test_preferred_cores_are_one_kind() -> None:
    """Top frequencies within 20 % are one kind of core, further apart two."""
    near = group_kinds({0: Kind("", 5_100_000), 1: Kind("", 4_800_000)})
    far = group_kinds({0: Kind("", 3_300_000), 1: Kind("", 5_100_000)})

    assert [members for _, members in near] == [{0, 1}]
    assert [members for _, members in far] == [{1}, {0}]


def test_kinds_are_named_even_without_speeds() -> None:
    """Two groups of one name get numbers, groups told apart by capacity get it as a name."""
    tree = {"sys/devices/system/cpu/online": "0-1"}
    tree["sys/devices/system/cpu/cpu0/cpu_capacity"] = "1024"
    tree["sys/devices/system/cpu/cpu1/cpu_capacity"] = "512"
    names = read_any_topology(memory_source(tree), "linux").cluster_names
    tree["sys/devices/cpu_core/cpus"] = "0-1"
    same = read_any_topology(memory_source(tree), "linux").cluster_names

    assert names == ("capacity 1024", "capacity 512")
    assert same == ("Performance", "Performance 2")


def test_arm_names() -> None:
    """Known parts have their name, unknown ones their maker, other processors none."""
    assert arm_name({"CPU implementer": "0x41", "CPU part": "0xd0c"}) == "Neoverse-N1"
    assert arm_name({"CPU implementer": "0x41", "CPU part": "0xfff"}) == "ARM part 0xfff"
    assert arm_name({"CPU implementer": "0x99", "CPU part": "0x001"}) == "0x99 part 0x001"
    assert arm_name({"CPU implementer": "?", "CPU part": "0x1"}) is None
    assert arm_name({"model name": "Intel"}) is None


@pytest.mark.parametrize(
    ("values", "short"),
    [
        ({"0": "a", "1": "a"}, "a"),
        ({"0": "a", "1": "a", "2": "b", "3": "b"}, {"a": "0-1", "b": "2-3"}),
        ({"0": "a", "1": "b"}, {"0": "a", "1": "b"}),
        ({"0/1": 5, "1/1": 5, "0/0": 2, "1/0": 2}, {"0": 2, "1": 5}),
        ({"0/1": 5, "1/1": 6}, {"0/1": 5, "1/1": 6}),
        ({"retbleed": "no", "mds": "no"}, {"mds": "no", "retbleed": "no"}),
    ],
)
def test_series_are_shortened(values: dict[str, Any], short: Any) -> None:
    """What all CPUs say is said once."""
    assert shorten(values) == short


def test_damaged_texts_are_none() -> None:
    """A parser that stumbles gives None; other errors are bugs and stay."""
    assert parse_quietly(int, "x") is None
    assert parse_quietly(int, None) is None
    with pytest.raises(ZeroDivisionError):
        parse_quietly(lambda _text: 1 // 0, "x")


def test_interrupts_are_summed_by_cpu() -> None:
    """Every row counts; a row that is cut short does not."""
    text = "      CPU0  CPU1\n 24:   1   2  device\nNMI:  3  4\nERR:  7"

    assert interrupts_by_cpu(text) == {"0": 4, "1": 6}
    assert interrupts_by_cpu("nothing") is None
    assert interrupts_by_cpu(None) is None


def test_mean_frequency_of_chosen_cpus() -> None:
    """The mean is over the CPUs asked for, from cpufreq or else from /proc/cpuinfo."""
    source = memory_source(linux_tree("meteor-lake-185h"))
    guest = memory_source(linux_tree("linux-kvm-2cpu"))

    assert mean_mhz(source, (0, 1)) == 2550.0
    assert mean_mhz(source, (12,)) == 1900.0
    assert mean_mhz(guest, (1,)) == pytest.approx(2600, abs=1)
    assert mean_mhz(guest) == pytest.approx(2600, abs=1)
    assert mean_mhz(memory_source({})) is None


def test_counters_of_the_kernel() -> None:
    """Steal, swap and TCP counters are read from their tables by name."""
    tree = {
        "proc/stat": "cpu  1 2 3 4 5 6 7 88 0 0\nctxt 5\nbtime 1700000000\nintr 9 1 2",
        "proc/vmstat": "pswpin 3\npswpout 4",
        "proc/net/netstat": "TcpExt: ListenOverflows ListenDrops\nTcpExt: 6 7",
        "proc/net/snmp": "Tcp: RetransSegs\nTcp: 5\nUdp: X\nUdp: 1",
        "proc/swaps": "Filename Type\n/dev/sda2 partition",
        "proc/pressure/cpu": "some avg10=12.50 avg60=1.00 avg300=0 total=1",
        "proc/loadavg": "0.50 0.40 0.30 3/200 999",
        "who.txt": "fake-user tty1\nother tty2",
    }
    details = host_of(tree).details

    assert details["state.load.steal_ticks"] == 88
    assert details["state.memory.pswpout"] == 4
    assert details["state.network.ListenDrops"] == 7
    assert details["state.network.TCPTimeouts"] is None
    assert details["state.network.RetransSegs"] == 5
    assert details["state.load.pressure_cpu_pct"] == 12.5
    assert details["state.load.average"] == [0.5, 0.4, 0.3]
    assert details["state.load.runnable"] == 3
    assert details["state.load.logins"] == 2
    assert details["memory.swap_devices"] == 1
    assert details["kernel.boot_time_s"] == 1700000000


def test_the_full_table_names_every_group() -> None:
    """The table has rows of every group that matters, readable or not."""
    names = host_of({}).details
    groups = {name.removeprefix("state.").partition(".")[0] for name in names}

    assert groups >= {
        "cpu", "topology", "smt", "frequency", "idle", "thermal", "scheduler", "memory", "kernel",
        "virtual", "cgroup", "load", "network", "power",
    }  # fmt: skip
    assert len(names) > 100
