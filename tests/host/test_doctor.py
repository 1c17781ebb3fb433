"""What doctor judges of a machine; its words are tested with the reports."""

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
from bench.host.doctor import TOOLCHAINS, Need, diagnose, tool_findings
from bench.reports.wording.findings import in_words as told
from tests.host.trees import MACS, linux_tree, mac_tree, memory_source

if TYPE_CHECKING:
    from bench.host.doctor import Diagnosis
    from bench.host.measure import Measured
    from bench.model.host_facts import System


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
