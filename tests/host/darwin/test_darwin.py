"""Macs: every value of the summary on recorded trees, and the odd spellings of each command."""

from __future__ import annotations

from typing import Any

import pytest

from bench.host import quick_state, read_any_topology, read_host
from bench.host.darwin import texts
from bench.host.darwin.machine import is_throttled, read_clusters
from tests.host.trees import MACS, Tree, mac_tree, memory_source

THERMAL = "notifyutil_-g_com.apple.system.thermalpressurelevel.txt"


def host_of(tree: Tree) -> Any:
    return read_host(memory_source(tree), "darwin")


@pytest.mark.parametrize(
    ("name", "model", "clusters", "memory_gib", "system"),
    [
        ("m1-pro-6p2e", "Apple M1 Pro", [("Performance", 6), ("Efficiency", 2)], 16, "15.3.2"),
        ("m2-pro-8p4e", "Apple M2 Pro", [("Performance", 8), ("Efficiency", 4)], 16, "27.0"),
        ("m5-max-6s12p", "Apple M5 Max", [("Super", 6), ("Performance", 12)], 128, "26.4.1"),
        ("m4-pro-battery", "Apple M4 Pro", [("Performance", 10), ("Efficiency", 4)], 64, "26.5"),
        ("m4-mini-heavy", "Apple M4", [("Performance", 4), ("Efficiency", 6)], 16, "15.4"),
        ("vm-apple-m1-virtual", "Apple M1 (Virtual)", [("Standard", 3)], 7, "26.6.2"),
        (
            "intel-i7-4980hq",
            "Intel(R) Core(TM) i7-4980HQ CPU @ 2.80GHz",
            [("", 4)],
            16,
            "12.6",
        ),
    ],
)
def test_identity(
    name: str, model: str, clusters: list[tuple[str, int]], memory_gib: int, system: str
) -> None:
    """Chip, kinds of core under the system's own names, memory and version of each Mac."""
    host = host_of(mac_tree(name))

    assert host.cpu.model == model
    assert [(cluster.name, cluster.cores) for cluster in host.cpu.clusters] == clusters
    assert host.memory_bytes == memory_gib * 2**30
    assert (host.os.name, host.os.version) == ("macOS", system)
    assert host.machine.vendor == "Apple"
    assert host.pinning.state == "none"
    assert host.machine.translated is False


@pytest.mark.parametrize(
    ("name", "power", "thermal"),
    [
        ("m1-pro-6p2e", ("ac", False), (False, "nominal")),
        ("m4-pro-battery", ("battery", False), (False, "nominal")),
        ("m4-mini-heavy", ("ac", None), (True, "heavy")),
        ("intel-i7-4980hq", ("ac", None), (False, None)),
        ("vm-apple-m1-virtual", (None, None), (None, None)),
    ],
)
def test_power_and_heat(
    name: str, power: tuple[str | None, bool | None], thermal: tuple[bool | None, str | None]
) -> None:
    """Source, low power mode and heat; what a Mac does not tell is null."""
    host = host_of(mac_tree(name))

    assert (host.power.source, host.power.low_power) == power
    assert (host.thermal.throttled, host.thermal.pressure) == thermal


def test_an_intel_mac_has_threads_and_frequencies() -> None:
    """Intel: 8 threads on 4 cores, a base frequency, no levels, L2 of the machine."""
    cpu = host_of(mac_tree("intel-i7-4980hq")).cpu

    assert (cpu.physical, cpu.logical, cpu.smt) == (4, 8, True)
    assert (cpu.base_mhz, cpu.max_mhz) == (2800.0, None)
    assert cpu.clusters[0].l2_bytes == 262144


def test_the_guest_is_virtual() -> None:
    """kern.hv_vmm_present, or without it the model's name, tells a guest."""
    tree = mac_tree("vm-apple-m1-virtual")
    text = tree["sysctl_-a.txt"]
    tree["sysctl_-a.txt"] = text.replace("kern.hv_vmm_present: 1\n", "")

    assert host_of(mac_tree("vm-apple-m1-virtual")).machine.virtual is True
    assert host_of(tree).machine.virtual is True
    assert host_of({}).machine.virtual is None


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("sysctl_-a.txt", "sysctl.proc_translated: 1\n"),
        ("sysctl_sysctl.proc_translated.txt", "sysctl.proc_translated: 1\n"),
        ("sysctl_-n_sysctl.proc_translated.txt", "1\n"),
    ],
)
def test_rosetta_is_seen_in_every_spelling(file: str, text: str) -> None:
    """Under Rosetta the machine is translated and its made-up frequency is dropped."""
    tree = mac_tree("m2-pro-8p4e")
    tree["sysctl_-a.txt"] = tree["sysctl_-a.txt"].replace("Apple M2 Pro", "VirtualApple @ 2.50GHz")
    tree[file] = text + (tree.get(file) or "")

    host = host_of(tree)

    assert host.machine.translated is True
    assert host.cpu.base_mhz is None
    assert host.findings[0].code == "translated"


def test_three_levels_in_any_order() -> None:
    """Levels count by number whatever their order and names; without a name they have none."""
    keys = texts.sysctl(
        "hw.perflevel1.name: Performance\nhw.perflevel1.physicalcpu: 4\n"
        "hw.perflevel0.name: Super\nhw.perflevel0.physicalcpu: 2\n"
        "hw.perflevel2.physicalcpu: 6\nhw.perflevel3.name: Empty"
    )

    found = [(cluster.name, cluster.cores) for cluster in read_clusters(keys)]

    assert found == [("Super", 2), ("Performance", 4), ("", 6)]


@pytest.mark.parametrize("key", ["hw.physicalcpu", "hw.perflevel0.physicalcpu"])
def test_an_absurd_number_of_cores_is_none(key: str) -> None:
    """A damaged capture must not fill the memory with CPUs."""
    assert read_clusters({key: "99999999999999999999"}) == ()


def test_topology_numbers_cpus_by_cluster_and_cache() -> None:
    """M1 Pro: two caches of three fast cores, then the two slow ones; Intel: pairs of threads."""
    m1 = read_any_topology(memory_source(mac_tree("m1-pro-6p2e")), "darwin")
    intel = read_any_topology(memory_source(mac_tree("intel-i7-4980hq")), "darwin")
    nothing = read_any_topology(memory_source({}), "darwin")

    assert [cpu.cluster for cpu in m1.cpus] == [0] * 6 + [1] * 2
    assert [cpu.llc for cpu in m1.cpus] == [0, 0, 0, 3, 3, 3, 6, 6]
    assert [cpu.core for cpu in intel.cpus] == [0, 0, 2, 2, 4, 4, 6, 6]
    assert len(nothing.cpus) == 1


@pytest.mark.parametrize("name", MACS)
def test_every_null_has_its_reason(name: str) -> None:
    """Nothing is null without an entry in `unavailable`, and nothing known has one."""
    host = host_of(mac_tree(name))
    data = host.model_dump(mode="json")
    flat = {"memory_bytes": host.memory_bytes}
    for part in ("os", "machine", "cpu", "power", "thermal", "limits", "details"):
        flat |= {f"{part}.{key}": value for key, value in data[part].items()}

    assert {key for key, value in flat.items() if value is None} == set(host.unavailable)


def test_limits() -> None:
    """Ports, backlog, descriptors and the segment lifetime; launchctl's where no shell told."""
    tree = mac_tree("m1-pro-6p2e") | {"launchctl_limit_maxfiles.txt": "\tmaxfiles 256 unlimited\n"}

    limits = host_of(tree).limits

    assert (limits["nofile_soft"], limits["nofile_hard"]) == (256, None)
    assert (limits["port_first"], limits["port_last"]) == (49152, 65535)
    assert (limits["somaxconn"], limits["msl_ms"]) == (128, 15000)
    assert limits["maxfilesperproc"] == 122880
    assert host_of(tree | {"ulimit_-n.txt": "1024"}).limits["nofile_soft"] == 1024


def test_quick_state() -> None:
    """Before and after each trial only three short commands are asked."""
    state = quick_state(source=memory_source(mac_tree("m4-mini-heavy")), system="darwin")

    assert (state.power_source, state.low_power, state.thermal_pressure) == ("ac", None, "heavy")
    assert state.mhz is None


def test_low_power_in_the_section_in_use() -> None:
    """A Mac that prints it only under `pmset -g custom` is read by the source it runs on."""
    tree = mac_tree("m4-mini-heavy")
    tree["pmset_-g_custom.txt"] = (
        "Battery Power:\n lowpowermode 1\nAC Power:\n sleep 1\n powermode 2\n"
    )
    battery = tree | {"pmset_-g_batt.txt": "Now drawing from 'Battery Power'"}

    assert host_of(tree).power.low_power is False
    assert host_of(battery).power.low_power is True


@pytest.mark.parametrize(
    ("line", "low"),
    [
        (" lowpowermode 1", True),
        (" lowpowermode 0", False),
        (" powermode 1", True),
        (" powermode 0", False),
        (" powermode 2", False),
        (" sleep 1 (sleep prevented by powerd)", None),
        (" lowpowermode 1\n powermode 0", True),
    ],
)
def test_low_power_spellings(line: str, low: bool | None) -> None:  # noqa: FBT001 - a column
    """Both spellings are known; 2 is high power."""
    assert texts.low_power(texts.pmset_settings(line)) is low


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("com.apple.system.thermalpressurelevel 0", "nominal"),
        ("com.apple.system.thermalpressurelevel 1", "moderate"),
        ("com.apple.system.thermalpressurelevel 2", "heavy"),
        ("com.apple.system.thermalpressurelevel 3", "trapping"),
        ("com.apple.system.thermalpressurelevel 4", "sleeping"),
        ("com.apple.system.thermalpressurelevel 5", None),
        ("com.apple.other 0", None),
        ("com.apple.system.thermalpressurelevel: notify_register_check failed", None),
        ("", None),
        (None, None),
    ],
)
def test_pressure_levels(text: str | None, level: str | None) -> None:
    """Only the key with a known level counts: failures are printed with exit code 0."""
    assert texts.thermal_pressure(text) == level


THERM = "2020-06-26 12:30:37 +0200 CPU Power notify\n\tCPU_Scheduler_Limit \t= 100\n"


@pytest.mark.parametrize(
    ("pressure", "therm", "throttled"),
    [
        ("nominal", None, False),
        ("moderate", None, False),
        ("heavy", None, True),
        ("sleeping", "Note: No thermal warning level has been recorded", True),
        (None, "Note: No thermal warning level has been recorded", False),
        (None, f"{THERM}\tCPU_Speed_Limit \t= 100", False),
        (None, f"{THERM}\tCPU_Speed_Limit \t= 62", True),
        (
            None,
            f"Note: No thermal warning level has been recorded\n{THERM}\tCPU_Speed_Limit \t= 80",
            True,
        ),
        (None, f"{THERM}\tCPU_Speed_Limit \t= 50\n{THERM}\tCPU_Speed_Limit \t= 100", False),
        (None, None, None),
    ],
)
def test_throttling(pressure: str | None, therm: str | None, throttled: bool | None) -> None:  # noqa: FBT001 - a row of a table
    """Heavy pressure or a speed limit below 100 is throttling; the last block counts."""
    assert is_throttled(pressure, therm) is throttled


@pytest.mark.parametrize(
    ("text", "source", "percent"),
    [
        ("Now drawing from 'AC Power'", "ac", None),
        (
            "Now drawing from 'Battery Power'\n -InternalBattery-0\t91%; discharging; (none)",
            "battery",
            91,
        ),
        ("Now drawing from 'UPS Power'", "battery", None),
        ("nonsense", None, None),
        (None, None, None),
    ],
)
def test_battery_texts(text: str | None, source: str | None, percent: int | None) -> None:
    """Desktops have no battery line, a UPS is a battery, an estimate may be missing."""
    assert texts.power_source(text) == source
    assert texts.battery_percent(text) == percent


def test_numbers_in_both_locales() -> None:
    """Load and swap are read with a point and with a comma."""
    assert texts.load_average("{ 2.54 2.07 1.51 }") == [2.54, 2.07, 1.51]
    assert texts.load_average("{ 2,54 2,07 1,51 }") == [2.54, 2.07, 1.51]
    assert texts.load_average("{ }") is None
    assert texts.swap_usage("total = 2048,00M  used = 0,50G  free = 1,00K") == {
        "total": 2048 * 2**20,
        "used": 2**29,
        "free": 1024,
    }


def test_sysctl_lines() -> None:
    """A line splits at the first colon with a blank; values may be empty or hold colons."""
    found = texts.sysctl("hw.osenvironment: \nkern.version: Darwin: x: y\nhw.empty:\nnoise")

    assert found == {"hw.osenvironment": "", "kern.version": "Darwin: x: y", "hw.empty": ""}


@pytest.mark.parametrize(
    "text",
    [None, "", "[]", "{}", '{"SPHardwareDataType": []}', '{"SPHardwareDataType": [3]}', "{cut"],
)
def test_damaged_profiles_are_empty(text: str | None) -> None:
    """What is no profile gives no keys."""
    assert texts.profiler(text) == {}


def test_the_profile_keeps_nothing_that_identifies() -> None:
    """Serial number, UUIDs and activation lock are dropped, processors stay as they are."""
    details = host_of(mac_tree("m2-pro-8p4e")).details
    kept = {key for key in details if key.startswith("profiler.")}

    assert details["profiler.number_processors"] == "proc 12:0:8:4"
    assert kept == {f"profiler.{key}" for key in texts.PROFILER_KEYS}


def test_noise_sources() -> None:
    """Backups, indexing, assertions and busy processes; the user's processes have no name."""
    tree = {
        "tmutil_status.txt": "Backup session status:\n{\n    Running = 1;\n}",
        "mdutil_-s__.txt": "/:\n\tIndexing enabled.",
        "csrutil_status.txt": "System Integrity Protection status: enabled.",
        "pmset_-g_assertions.txt": (
            "Assertion status system-wide:\n   BackgroundTask 1\n   PreventUserIdleSystemSleep 0\n"
            "Listed by owning process:\n   pid 9(fake-app): [0x1] 00:01 PreventSleep named: x\n"
        ),
        "ps_-Aceo_pcpu,comm.txt": " %CPU COMM\n 45.0 mds_stores\n 12,5 fake-app\n  0.1 launchd\n",
        "powermetrics_--samplers_thermal,cpu_power_-n_1_-i_1000.txt": (
            "E-Cluster HW active frequency: 1020 MHz\nP0-Cluster HW active frequency: 3204 MHz"
        ),
        "sysctl_-a.txt": "kern.boottime: { sec = 1700000000, usec = 0 } Tue",
    }
    details = host_of(tree).details

    assert details["state.noise.backup_running"] is True
    assert details["noise.spotlight"] is True
    assert details["kernel.integrity_protection"] is True
    assert details["state.power.assertions"] == ["BackgroundTask"]
    assert details["state.load.busy_percent"] == {"mds_stores": 45.0, "others": 12.5}
    assert details["state.frequency.cluster_mhz"] == {"E": 1020, "P0": 3204}
    assert details["kernel.boot_time_s"] == 1700000000


def test_other_answers_of_the_noise_commands() -> None:
    """Switched off, not running, and not understood are three different things."""
    assert texts.spotlight("Indexing disabled.") is False
    assert texts.spotlight("error") is None
    assert texts.backup_running("Running = 0;") is False
    assert texts.backup_running("?") is None
    assert texts.integrity("status: disabled") is False
    assert texts.integrity("") is None
    assert texts.busy_processes("nothing") is None
    assert texts.max_files("x") == (None, None)
    assert texts.boot_time("x") is None
    assert texts.cluster_frequencies("x") is None
