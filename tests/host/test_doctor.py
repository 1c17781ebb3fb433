"""The doctor's answer and the machine in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.host import (
    local_host,
    local_system,
    local_topology,
    quick_state,
    read_any_topology,
    read_host,
)
from bench.host.cpu_split import split
from bench.host.doctor import TOOLCHAINS, Need, as_data, describe_split, diagnose, tool_findings
from bench.host.measure import Clock, Measured, RoundTrip, Steadiness
from bench.host.text import full_table, summary
from bench.reports.wording.findings import in_words as told
from tests.host.trees import LINUX, MACS, linux_tree, mac_tree, memory_source

if TYPE_CHECKING:
    from bench.host.doctor import Diagnosis
    from bench.model.host_facts import System

MEASURED = Measured(
    Clock(45.0, 60.0),
    tuple(n / 100 for n in range(10)),
    (Steadiness(None, 100, 0.25, 4000.0),),
    RoundTrip(9, 5.0, 7.0),
    2.0,
)


def diagnosis_of(name: str, measured: Measured | None = None, **tools: str | None) -> Diagnosis:
    system: System = "darwin" if name in MACS else "linux"
    source = memory_source(mac_tree(name) if system == "darwin" else linux_tree(name))
    host = read_host(source, system, tools=tools)
    return diagnose(host, split(read_any_topology(source, system), None, None), measured)


@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("epyc-7451-2s", True),
        ("laptop-i7-1165g7", True),
        ("m4-pro-battery", True),
        ("m4-mini-heavy", False),
        ("container-quota", False),
        ("ec2-c5-large", False),
    ],
)
def test_fit_or_not(name: str, fit: bool) -> None:  # noqa: FBT001 - a column of the table
    """Heat and a quota below two CPUs make a machine unfit; a battery does not."""
    assert diagnosis_of(name).fit is fit


def test_every_code_is_told_once_and_warnings_come_first() -> None:
    """What the host and the split both say is said once; information comes last."""
    found = diagnosis_of("ec2-c5-large")
    codes = [f.code for f in (*found.errors, *found.advice)]
    severities = [f.severity for f in found.advice]

    assert codes.count("cpu-quota") == 1
    assert "shared-core" in codes
    assert severities == sorted(severities, key=lambda severity: severity == "info")


def test_the_measurement_is_in_the_state() -> None:
    """Clock, others, steadiness and loopback each have a line; of many CPUs the worst."""
    state = dict(diagnosis_of("linux-kvm-2cpu", MEASURED, wrk="4.1.0", oha=None).state)

    assert state["Clock"] == "steps of 45 ns, 60 ns per reading"
    assert state["Others"].startswith("worst of 10: CPU 9 9.0%, CPU 8 8.0%")
    assert state["Steadiness"] == "all 25.0% lost, longest stall 4.0 ms"
    assert state["Loopback"] == "round trip 5.0 us, 99 % within 7.0 us"
    assert state["Tools"] == "wrk 4.1.0"


def test_a_failed_loopback_has_no_line() -> None:
    """What could not be measured is left out."""
    state = dict(diagnosis_of("linux-kvm-2cpu", MEASURED._replace(loopback=None)).state)

    assert "Loopback" not in state


def test_the_split_in_words() -> None:
    """Pinned sides are CPU lists, unpinned ones counts."""
    macbook = read_any_topology(memory_source(mac_tree("m1-pro-6p2e")), "darwin")
    ryzen = read_any_topology(memory_source(linux_tree("ryzen-5950x")), "linux")

    assert describe_split(split(ryzen, None, None)) == "server 1-7, load 8-15, rest 0,16"
    assert describe_split(split(ryzen, [0], [1])).endswith("rest 2-15,18-31")
    assert describe_split(split(macbook, None, None)) == "3 threads serve, 3 load, none pinned"


def test_missing_and_old_tools() -> None:
    """wrk is needed, the others cost a part; what was not asked for is not missed."""
    found = list(
        tool_findings(
            {"wrk": None, "oha": "1.9.0", "cargo": None, "node": "20"},
            {"wrk": Need("error", "Loads.", "bench setup"), **TOOLCHAINS},
            {"oha": "1.14"},
        )
    )

    assert [(f.code, f.severity) for f in found] == [
        ("tool-missing", "error"),
        ("tool-missing", "warning"),
        ("tool-version", "warning"),
    ]
    assert told(found[0]).advice == "bench setup"
    assert "oha 1.9.0 is too old: 1.14" in told(found[2]).text
    assert list(tool_findings({}, TOOLCHAINS, {})) == []


def test_json_form() -> None:
    """The JSON has the same three parts and every figure of the measurement."""
    found = diagnosis_of("m4-mini-heavy")

    data = as_data(found, MEASURED)

    assert data["fit"] is False
    assert data["errors"][0]["code"] == "thermal"
    assert data["measured"]["clock"] == {"resolution_ns": 45.0, "cost_ns": 60.0}
    assert data["measured"]["loopback"]["p99_us"] == 7.0
    assert as_data(found, None)["measured"] is None
    assert as_data(found, MEASURED._replace(loopback=None))["measured"]["loopback"] is None


@pytest.mark.parametrize("name", [*LINUX, *MACS])
def test_the_summary_fits_ten_lines(name: str) -> None:
    """At most ten lines, none empty, none with a None in it."""
    system: System = "darwin" if name in MACS else "linux"
    tree = mac_tree(name) if system == "darwin" else linux_tree(name)
    rows = summary(read_host(memory_source(tree), system))

    assert len(rows) <= 10
    assert all(value and "None" not in value for _, value in rows)


def test_summaries_of_two_machines() -> None:
    """What a reader wants to know first, in words."""
    laptop = dict(summary(read_host(memory_source(linux_tree("meteor-lake-185h")), "linux")))
    macbook = dict(summary(read_host(memory_source(mac_tree("m4-mini-heavy")), "darwin")))

    assert laptop["Cores"] == (
        "16 cores (6 Performance + 8 Efficiency + 2 Low power), 22 hardware threads, "
        "L2 2 MiB / 2 MiB / 2 MiB"
    )
    assert laptop["Power"] == "mains, low power mode on"
    assert laptop["Heat"] == "hottest sensor 61.0 C"
    assert macbook["Heat"] == "slowed down by heat, pressure heavy"
    assert macbook["Power"] == "mains"


def test_an_unknown_machine_has_a_summary() -> None:
    """Without any file every line says that it is unknown, or what is known by itself."""
    rows = dict(summary(read_host(memory_source({}), "linux")))

    assert rows["CPU"] == rows["Memory"] == rows["System"] == "unknown"
    assert rows["Pinning"].startswith("pinned: ")


def test_translation_is_in_the_machine_line() -> None:
    """Under Rosetta the summary says so."""
    tree = mac_tree("m2-pro-8p4e")
    tree["sysctl_sysctl.proc_translated.txt"] = "sysctl.proc_translated: 1"

    rows = dict(summary(read_host(memory_source(tree), "darwin")))

    assert rows["Machine"] == "Apple Mac14,10, not virtual, translated by Rosetta"


def test_the_full_table_shows_reasons() -> None:
    """Nulls show why, long values are cut."""
    rows = dict(full_table(read_host(memory_source(linux_tree("linux-kvm-2cpu")), "linux")))

    assert rows["frequency.governor"].startswith("- (no such file: /sys/")
    assert rows["cpu.flags"].endswith("...")
    assert rows["memory.swappiness"] == "60"


def test_this_machine() -> None:
    """The local readers work here and agree with each other."""
    host, topology = local_host(tools={"wrk": "1"}), local_topology()

    assert host.system == local_system()
    assert len(topology.cpus) <= (host.cpu.logical or 0)
    assert host.tools == {"wrk": "1"}
    assert isinstance(host.limits["nofile_soft"], int) or "limits.nofile_soft" in host.unavailable
    assert quick_state(cpus=(topology.cpus[0].cpu,)) is not None


def test_unlimited_descriptors_are_null_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """An infinite limit is no number."""
    monkeypatch.setattr("resource.getrlimit", lambda _what: (1024, -1))
    monkeypatch.setattr("resource.RLIM_INFINITY", -1)

    host = local_host()

    assert host.limits["nofile_soft"] == 1024
    assert host.limits["nofile_hard"] is None
    assert host.unavailable["limits.nofile_hard"] == "unlimited"
