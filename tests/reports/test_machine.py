"""The machine in words: in reports, in `bench host` and in `bench doctor` the same ones."""

from __future__ import annotations

import pytest

from bench.host import read_any_topology, read_host
from bench.host.cpu_split import split
from bench.host.measure import Clock, Measured, RoundTrip, Steadiness
from bench.reports.host_answer import doctor_data as as_data
from bench.reports.host_answer import machine, state
from bench.reports.sections.hardware import full_tables, machine_table
from bench.reports.terminal import terminal_blocks
from bench.reports.wording.machine_words import describe_split, every_setting, summary, unreadable
from tests.host.test_doctor import diagnosis_of
from tests.host.trees import LINUX, MACS, linux_tree, mac_tree, memory_source

MEASURED = Measured(
    Clock(45.0, 60.0),
    tuple(n / 100 for n in range(10)),
    (Steadiness(None, 100, 0.25, 4000.0),),
    RoundTrip(9, 5.0, 7.0),
    2.0,
)


def test_the_measurement_is_in_the_state() -> None:
    """Clock, others, steadiness and loopback each have a line; of many CPUs the worst."""
    found = dict(state(diagnosis_of("linux-kvm-2cpu", MEASURED, wrk="4.1.0", oha=None)))

    assert found["Clock"] == "steps of 45 ns, 60 ns per reading"
    assert found["Others"].startswith("worst of 10: CPU 9 9.0%, CPU 8 8.0%")
    assert found["Steadiness"] == "all 25.0% lost, longest stall 4.0 ms"
    assert found["Loopback"] == "round trip 5.0 us, 99 % within 7.0 us"
    assert found["Tools"] == "wrk 4.1.0"


def test_a_failed_loopback_has_no_line() -> None:
    """What could not be measured is left out."""
    found = dict(state(diagnosis_of("linux-kvm-2cpu", MEASURED._replace(loopback=None))))

    assert "Loopback" not in found


def test_the_split_in_words() -> None:
    """Pinned sides are CPU lists, unpinned ones counts."""
    macbook = read_any_topology(memory_source(mac_tree("m1-pro-6p2e")), "darwin")
    ryzen = read_any_topology(memory_source(linux_tree("ryzen-5950x")), "linux")

    assert describe_split(split(ryzen, None, None)) == "server 1-7, load 8-15, rest 0,16"
    assert describe_split(split(ryzen, [0], [1])).endswith("rest 2-15,18-31")
    assert describe_split(split(macbook, None, None)) == "3 threads serve, 3 load, none pinned"


def test_json_form() -> None:
    """The JSON has the same three parts and every figure of the measurement."""
    found = diagnosis_of("m4-mini-heavy", MEASURED)

    data = as_data(found)

    assert data["fit"] is False
    assert data["errors"][0]["code"] == "thermal"
    assert data["measured"]["clock"] == {"resolution_ns": 45.0, "cost_ns": 60.0}
    assert data["measured"]["loopback"]["p99_us"] == 7.0
    assert as_data(found._replace(measured=None))["measured"] is None
    alone = found._replace(measured=MEASURED._replace(loopback=None))
    assert as_data(alone)["measured"]["loopback"] is None


@pytest.mark.parametrize("name", [*LINUX, *MACS])
def test_the_summary_fits_ten_lines(name: str) -> None:
    """At most ten lines, none empty, none with a None in it."""
    rows = summary(diagnosis_of(name).host)

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
    """What was read, and why the rest was not."""
    host = read_host(memory_source(linux_tree("linux-kvm-2cpu")), "linux")

    assert every_setting(host)["memory.swappiness"] == "60"
    assert dict(unreadable(host))["frequency.governor"].startswith("no such file: /sys/")
    assert len(full_tables(host)) == 2


@pytest.mark.parametrize("name", [*LINUX[:3], *MACS[:3]])
def test_the_machine_is_put_into_words_once(name: str) -> None:
    """Every line of a report's table stands in `bench host` and in `bench doctor`, word by word."""
    found = diagnosis_of(name)
    printed = " ".join(terminal_blocks(machine(found.host, full=False)).split())
    rows = machine_table(found.host).rows

    assert len(rows) > 5
    for label, value in rows:
        assert " ".join(f"{label} {value}".split()) in printed
        assert (label, value) in state(found)
