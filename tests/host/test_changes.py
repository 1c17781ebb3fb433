"""What differs between two readings: during a run, and between two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.host import compare_hosts, differences, read_host
from bench.host.changes import total
from bench.host.facts import major, round_memory
from bench.reports.wording.findings import in_words as told
from tests.host.trees import linux_tree, mac_tree, memory_source

if TYPE_CHECKING:
    from bench.model.host_facts import Host


def xeon() -> Host:
    return read_host(memory_source(linux_tree("xeon-x7550-4s")), "linux")


def mac() -> Host:
    return read_host(memory_source(mac_tree("m1-pro-6p2e")), "darwin")


def other(host: Host, **values: Any) -> Host:
    """A host with other values: `power={...}` changes a part, `state__x__y=...` a detail."""
    update: dict[str, Any] = {}
    details = dict(host.details)
    for name, value in values.items():
        if isinstance(value, dict) and name in ("power", "thermal", "cpu", "os", "limits"):
            part = getattr(host, name)
            update[name] = {**part, **value} if name == "limits" else part.model_copy(update=value)
        else:
            details[name.replace("__", ".")] = value
    return host.model_copy(update={**update, "details": details})


def test_nothing_changed() -> None:
    """Two equal readings have neither findings nor differences."""
    assert compare_hosts(xeon(), xeon()) == ()
    assert differences(mac(), mac()) == ()


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"power": {"source": "battery"}}, "power-changed", "ac, then battery"),
        ({"power": {"low_power": True}}, "low-power", "came on during the run"),
        ({"thermal": {"throttled": True, "pressure": "heavy"}}, "thermal", "(pressure heavy)"),
    ],
)
def test_changes_of_a_mac(change: dict[str, Any], code: str, words: str) -> None:
    """Power source, low power mode and heat are findings with both states."""
    found = compare_hosts(mac(), other(mac(), **change))

    assert [item.code for item in found] == [code]
    assert words in told(found[0]).text
    assert told(found[0]).advice


@pytest.mark.parametrize(
    ("name", "before", "after", "code", "words"),
    [
        ("thermal__core_throttles", {"0": 3, "1": 0}, {"0": 5, "1": 4}, "throttled", "6 times"),
        ("thermal__package_throttles", {"0": 7}, {"0": 8}, "throttled", "package"),
        ("cgroup__nr_throttled", 0, 1200, "throttled", "1,200 times"),
        ("memory__pswpin", 5, 6, "swap", "read back"),
        ("memory__pswpout", 5, 10, "swap", "5 pages"),
        ("network__ListenOverflows", 0, 9, "listen-overflow", "9 connections"),
        ("frequency__mhz", 3000.0, 2700.0, "frequency", "3000 MHz before the run and 2700"),
        ("thermal__celsius", {"a": 60.0, "b": 50.0}, {"a": 92.0, "b": 80.0}, "thermal", "a rose"),
    ],
)
def test_counters_that_moved(name: str, before: Any, after: Any, code: str, words: str) -> None:
    """Counters that grew and temperatures that rose high are findings with their figures."""
    key = f"state__{name}"

    found = compare_hosts(other(xeon(), **{key: before}), other(xeon(), **{key: after}))

    assert [item.code for item in found] == [code]
    assert words in told(found[0]).text


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("memory__pswpin", None, 6),
        ("memory__pswpin", 6, None),
        ("memory__pswpin", 6, 6),
        ("memory__pswpin", 9, 6),
        ("frequency__mhz", 3000.0, 2950.0),
        ("frequency__mhz", None, 2950.0),
        ("frequency__mhz", 0, 2950.0),
        ("thermal__celsius", {"a": 84.0}, {"a": 92.0}),
        ("thermal__celsius", {"a": 40.0}, {"a": 70.0}),
        ("thermal__celsius", {"a": 40.0}, {"c": 99.0}),
        ("thermal__celsius", None, {"c": 99.0}),
    ],
)
def test_what_is_no_change(name: str, before: Any, after: Any) -> None:
    """Unknown, equal, reset and slightly moved readings are no findings."""
    key = f"state__{name}"

    assert compare_hosts(other(xeon(), **{key: before}), other(xeon(), **{key: after})) == ()


def test_a_busy_start_is_told() -> None:
    """A load average above the CPUs before the run means that others were working."""
    before = other(mac(), state__load__average=[20.0, 10.0, 5.0])

    found = compare_hosts(before, mac())

    assert [item.code for item in found] == ["others-on-cpu"]
    assert compare_hosts(other(mac(), state__load__average=None), mac()) == ()


def test_settings_that_were_changed_meanwhile() -> None:
    """Another governor or another setting during the run is named with both values."""
    before = other(xeon(), cpu={"governor": "powersave"})
    after = other(xeon(), memory__swappiness=10)
    before = other(before, memory__swappiness=60)

    found = {item.code: told(item).text for item in compare_hosts(before, after)}

    assert found["governor"] == "cpu.governor changed during the run: powersave, then performance"
    assert "memory.swappiness changed during the run: 60, then 10" in found["host-changed"]


def test_differences_leave_out_readings() -> None:
    """Only settings are compared: not loads, not the descriptors that bench raises itself."""
    after = other(
        xeon(),
        state__load__average=[9.0, 9.0, 9.0],
        limits={"nofile_soft": 7},
        os={"kernel": "7.0"},
    )

    assert [(item.name, item.after) for item in differences(xeon(), after)] == [
        ("os.kernel", "7.0"),
    ]


def test_totals() -> None:
    """Counters are told once or per CPU; what is no number has no total."""
    assert total({"0": 1, "1": 2}) == 3
    assert total({"0": None}) is None
    assert total(5) == 5
    assert total(None) is None
    assert total("5") is None


def test_fingerprint_ignores_what_moves() -> None:
    """A kernel update, its own memory and another minor version keep the fingerprint."""
    tree = linux_tree("epyc-7451-2s")
    updated = tree | {
        "uname_-a.txt": "Linux other 6.11.0-9-generic #2 SMP",
        "proc/meminfo": "MemTotal: 262800000 kB",
        "etc/os-release": 'NAME="Ubuntu"\nVERSION_ID="24.10"',
    }
    moved = tree | {"etc/os-release": 'NAME="Ubuntu"\nVERSION_ID="26.04"'}
    first, second, third = (
        read_host(memory_source(t), "linux").fingerprint for t in (tree, updated, moved)
    )

    assert first == second
    assert first != third


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (15_893_512 * 1024, "16 GiB"),
        (25_276_502_016, "24 GiB"),
        (16 * 2**30, "16 GiB"),
        (18 * 2**30, "20 GiB"),
        (3_877_292 * 1024, "4 GiB"),
        (2**30, "1 GiB"),
        (400 * 2**20, "0.4375 GiB"),
        (None, "?"),
        (0, "?"),
    ],
)
def test_memory_is_rounded_up_to_what_is_built_in(count: int | None, shown: str) -> None:
    """What the kernel reports lies just below a real size."""
    assert round_memory(count) == shown


def test_major_versions() -> None:
    """The leading number counts; without one there is a question mark."""
    assert major("26.4.1") == "26"
    assert major(None) == "?"
    assert major("rolling") == "?"
