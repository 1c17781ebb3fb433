"""Findings of a host: each with evidence, reason, what mends and what undoes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.host import read_host
from bench.host.checks import check_host, swap_used, unfit
from bench.model.finding import CODES
from bench.reports.wording.findings import in_words as told
from tests.factories import as_read
from tests.host.trees import LINUX, MACS, linux_tree, mac_tree, memory_source

if TYPE_CHECKING:
    from bench.model.finding import Finding
    from bench.model.host_facts import Host

WITHOUT_COMMAND = {"battery", "thermal", "virtual-machine", "container", "unpinned", "unlike-cores"}
"""Codes of which no command takes the cause away."""


def linux(name: str = "epyc-7451-2s") -> Host:
    return read_host(memory_source(linux_tree(name)), "linux")


def mac(name: str = "m1-pro-6p2e") -> Host:
    return read_host(memory_source(mac_tree(name)), "darwin")


def of(host: Host, code: str) -> list[Finding]:
    return [found for found in check_host(host) if found.code == code]


def with_details(host: Host, **details: Any) -> Host:
    """The host with other details; `__` stands for a dot."""
    new = {name.replace("__", "."): value for name, value in details.items()}
    return host.model_copy(update={"details": {**host.details, **new}})


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("linux-kvm-2cpu", {"virtual-machine", "container"}),
        ("epyc-7451-2s", {"governor", "turbo", "smt", "kernel-setting"}),
        ("xeon-x7550-4s", {"clocksource", "smt"}),
        ("graviton3-c7g-2xlarge", {"virtual-machine"}),
        ("container-quota", {"virtual-machine", "cpu-quota", "clocksource", "smt", "container"}),
        ("ec2-c5-large", {"virtual-machine", "cpu-quota", "clocksource", "smt"}),
        (
            "laptop-i7-1165g7",
            {"battery", "others-on-cpu", "swap", "governor", "turbo", "smt", "kernel-setting"},
        ),
        ("meteor-lake-185h", {"low-power", "unlike-cores", "governor", "turbo", "smt"}),
        ("rk3588-rock5b", {"unlike-cores", "governor"}),
        ("strix-point-hx370", {"unlike-cores", "smt"}),
    ],
)
def test_recorded_linux_machines(name: str, codes: set[str]) -> None:
    """Each recorded machine has exactly the findings that its state calls for."""
    found = {each.code for each in linux(name).findings}

    assert found - {"others-on-cpu"} == codes - {"others-on-cpu"}
    assert ("others-on-cpu" in found) == ("others-on-cpu" in codes) or name == "linux-kvm-2cpu"


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("m1-pro-6p2e", {"unpinned", "unlike-cores"}),
        ("m2-pro-8p4e", {"unpinned", "unlike-cores", "swap"}),
        ("m4-pro-battery", {"unpinned", "unlike-cores", "battery"}),
        ("m4-mini-heavy", {"unpinned", "unlike-cores", "thermal"}),
        ("vm-apple-m1-virtual", {"unpinned", "virtual-machine"}),
        ("intel-i7-4980hq", {"unpinned"}),
    ],
)
def test_recorded_macs(name: str, codes: set[str]) -> None:
    """Each recorded Mac has exactly the findings that its state calls for."""
    assert {each.code for each in mac(name).findings} == codes


def test_every_finding_is_complete() -> None:
    """Known code, scope, text, reason and advice; a command that changes something has its undo."""
    hosts = [*(linux(name) for name in LINUX), *(mac(name) for name in MACS)]
    for found in (each for host in hosts for each in host.findings):
        assert found.code in CODES
        assert found.scope == "host"
        assert told(found).text
        assert told(found).why
        assert told(found).advice or found.code in WITHOUT_COMMAND
        if "sudo" in told(found).advice:
            assert "sudo" in told(found).undo


def test_heat_and_a_small_quota_are_errors() -> None:
    """A machine that is slowed down now, or has no two CPUs' worth of time, is unfit."""
    assert [f.code for f in unfit(mac("m4-mini-heavy").findings)] == ["thermal"]
    assert [f.code for f in unfit(linux("container-quota").findings)] == ["cpu-quota"]
    assert unfit(linux().findings) == ()


def test_a_speed_limit_is_told_on_intel() -> None:
    """Without a pressure level the text names the speed limit."""
    tree = mac_tree("intel-i7-4980hq")
    tree["pmset_-g_therm.txt"] = "\tCPU_Speed_Limit \t= 70"

    found = of(read_host(memory_source(tree), "darwin"), "thermal")

    assert "speed limit 70 %" in told(found[0]).text


def test_a_larger_quota_is_only_told() -> None:
    """A quota of three of eight CPUs is worth knowing and no error by itself."""
    host = with_details(linux("container-quota"), cgroup__cpu_quota=3.0)

    note = as_read("cpu-quota", "host", "from a CPU split")

    assert [f.severity for f in of(host, "cpu-quota")] == ["info"]
    assert unfit(of(host, "cpu-quota")) == ()
    assert unfit([note]) == (note,)


def test_undo_restores_what_was() -> None:
    """The undoing command names the value that was found."""
    by_code = {found.code: found for found in linux("meteor-lake-185h").findings}

    assert told(by_code["governor"]).undo.startswith("echo powersave | sudo tee ")
    assert told(by_code["low-power"]).undo.startswith("echo low-power | sudo tee ")
    assert "no_turbo" in told(by_code["turbo"]).advice


def test_saving_energy_is_told_with_the_governor() -> None:
    """A processor that was asked to save energy is named in the governor's text."""
    assert (
        "asked to save energy (balance_power)"
        in told(of(linux("laptop-i7-1165g7"), "governor")[0]).text
    )


def test_low_power_on_a_mac_uses_its_own_spelling() -> None:
    """The command has the key that this Mac prints."""
    for name, key in (("m1-pro-6p2e", "lowpowermode"), ("m5-max-6s12p", "powermode")):
        host = mac(name)
        low = host.model_copy(update={"power": host.power.model_copy(update={"low_power": True})})

        assert told(of(low, "low-power")[0]).advice == f"sudo pmset -a {key} 0"


def test_a_clock_without_a_better_one() -> None:
    """Where no good clock is offered there is nothing to undo."""
    xeon = of(linux("xeon-x7550-4s"), "clocksource")[0]
    cloud = of(linux("ec2-c5-large"), "clocksource")[0]

    assert (told(xeon).advice, told(xeon).undo) == ("No better clock is offered here.", "")
    assert told(cloud).advice.startswith("echo tsc | sudo tee")
    assert told(cloud).undo.startswith("echo xen | sudo tee")


def test_kernel_settings_of_a_big_machine() -> None:
    """Watchdog, huge pages, irqbalance and page migration are each found."""
    found = {f.evidence["setting"] for f in of(linux(), "kernel-setting")}

    assert found == {
        "scheduler.nmi_watchdog",
        "memory.thp_enabled",
        "scheduler.irqbalance",
        "scheduler.numa_balancing",
    }


def test_memory_left_and_memory_swapped() -> None:
    """Little memory left and much in swap are both told, each with its figure."""
    laptop, macbook = linux("laptop-i7-1165g7"), mac("m2-pro-8p4e")

    assert "are left" in told(of(laptop, "swap")[0]).text
    assert "are in swap" in told(of(macbook, "swap")[0]).text
    assert swap_used(laptop) == (16777212 - 2000000) * 1024


def test_work_of_the_system_on_a_mac() -> None:
    """A backup, indexing, other busy daemons and memory pressure are findings; users' are not."""
    host = with_details(
        mac(),
        state__noise__backup_running=True,
        state__load__busy_percent={"mds_stores": 60.0, "XProtect": 25.0, "others": 90.0, "bird": 3},
        state__memory__pressure_level=2,
    )
    found = of(host, "background-work")

    assert [told(f).text.partition(" ")[0] for f in found] == ["Time", "mds_stores", "XProtect"]
    assert told(found[1]).undo == "sudo mdutil -i on /"
    assert "level 2" in told(of(host, "swap")[0]).text


def test_load_without_a_number_is_no_finding() -> None:
    """A load average that could not be read is not judged."""
    assert (
        of(with_details(linux("laptop-i7-1165g7"), state__load__average=None), "others-on-cpu")
        == []
    )
