"""`bench machines check`: what it says of real machines, and what speaks against a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import BenchError, UsageError
from bench.loadtools import TOOLS
from bench.model.machines import MachineGroup
from bench.model.machines_answer import ClockState, LinkState, MachineState, ToolState
from bench.process import SupervisorClient
from bench.process.remote.agent import Agent
from bench.process.remote.reaching import open_machine
from bench.reports.wording.findings import in_words
from bench.run.machine_looks import look, press
from bench.run.machines_check import machine_findings, server_address
from tests.lab import NAMES
from tests.run.helpers import wait_until

if TYPE_CHECKING:
    from tests.lab import Lab

ROOT = Path(__file__).parents[2]


def state(name: str = "load-1", **more: Any) -> MachineState:
    return MachineState(role="load", name=name, system="linux", **more)


def codes(*states: MachineState) -> list[str]:
    return [f"{item.code}/{item.case}".rstrip("/") for item in machine_findings(states)]


def clock(
    offset_ms: float = 0.0, drift_ms: float = 0.0, round_trip_us: float = 200.0
) -> ClockState:
    return ClockState(
        offset_ms=offset_ms, drift_ms=drift_ms, span_s=8.0, round_trip_us=round_trip_us
    )


def test_clocks() -> None:
    """Over 5 ms apart, or moved by over 1 ms, beyond what the round trip leaves open."""
    assert codes(state(clock=clock(4.9, 0.9))) == []
    assert codes(state(clock=clock(-5.2))) == ["clock-drift/offset"]
    assert codes(state(clock=clock(0.0, -1.3))) == ["clock-drift/drift"]
    assert codes(state(clock=clock(7.0, 4.0, round_trip_us=6000.0))) == []
    assert codes(state(clock=clock(9.0, 8.0, round_trip_us=6000.0))) == [
        "clock-drift/offset",
        "clock-drift/drift",
    ]
    said = in_words(next(machine_findings([state(clock=clock(-5.2))])))
    assert said.text == "the clock of load-1 is 5.2 ms behind this one"


def test_a_tool_that_few_matrices_name_is_not_missing(tmp_path: Path) -> None:
    """A load machine without h2load is ready: `bench setup` would not bring it either."""
    there = [name for name, tool in TOOLS.items() if not tool.optional]
    with SupervisorClient() as supervisor:
        agent = Agent(supervisor, tmp_path)
        found = look(agent, address="127.0.0.1", role="load", tools=there)

    assert "h2load" not in there
    assert found["missing"] == []


def test_wifi() -> None:
    """On whichever machine."""
    assert codes(state(link=LinkState(interface="en0", kind="wifi"))) == ["wifi"]
    assert codes(state(link=LinkState(interface="eth0", kind="ethernet"))) == []


def test_versions() -> None:
    """Another version, or another build on the same system; a Mac's build is its own."""
    first = ToolState(version="4.1.0", sha256="aa")
    other = first.model_copy(update={"sha256": "bb"})
    newer = other.model_copy(update={"version": "4.2.0"})
    one, two = state(tools={"wrk": first}), state("load-2", tools={"wrk": other})

    assert codes(one, one) == []
    assert codes(one, two) == ["versions-differ/builds"]
    assert codes(one, two.model_copy(update={"system": "darwin"})) == []
    assert codes(one, state("load-2", tools={"wrk": newer})) == ["versions-differ/versions"]
    said = in_words(next(machine_findings([one, state("load-2", tools={"wrk": newer})])))
    assert said.text == "wrk is not the same on all machines (load-1: 4.1.0, load-2: 4.2.0)"


def test_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As written, else what ssh would connect to, else the loopback."""
    own = tmp_path / "ssh"
    own.write_text('#!/bin/sh\necho "user me"\necho "hostname 192.0.2.7"\n')
    own.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def group(**server: str) -> MachineGroup:
        return MachineGroup.model_validate({"server": server, "load": [{"ssh": "local"}]})

    assert server_address(group(ssh="me@box", address="10.0.0.2")) == "10.0.0.2"
    assert server_address(group(ssh="me@box")) == "192.0.2.7"
    assert server_address(group(ssh="local")) == "127.0.0.1"
    assert server_address(group(ssh="me@box", address="localhost")) == "127.0.0.1"
    with pytest.raises(UsageError, match=r"no-such\.invalid, is not known here"):
        server_address(group(ssh="me@box", address="no-such.invalid"))


def check(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", "machines", "check", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", **env},
    )


@pytest.mark.real
@pytest.mark.needs("wrk", "cc")
def test_three_machines(lab: Lab) -> None:
    """Each is reached by ssh alone, looked at, and the load machines press over their cables."""
    done = check(f"{lab.machines_file()}:lab", "--json", XDG_CACHE_HOME=str(lab.folder))
    answer = json.loads(done.stdout)
    server, *loads = answer["machines"]

    assert (done.returncode, answer["usable"]) == (0, True), done.stdout
    assert server["link"]["interface"] == "eth0"
    assert server["address"] == lab.address("server-box")
    assert [one["name"] for one in loads] == ["load-1", "load-2"]
    for one in loads:
        assert one["ceiling_rps"] > 100
        assert set(one["tools"]) >= {"wrk", "paced"}
        assert one["client_ports"] > 1000
        assert one["link"] == {
            "interface": "eth0", "kind": "virtual", "bits_per_s": None, "mtu": 1500,
            "gateway": None,
        }  # fmt: skip
    # sshd's own process of a session ends a moment after it.
    assert all(wait_until(lambda: not lab.pids(name)) for name in NAMES)  # noqa: B023 - asked at once


@pytest.mark.real
def test_unreachable_machine_among_others(lab: Lab, tmp_path: Path) -> None:
    """The others are looked at all the same; what to do is said; the exit code is 1."""
    path = tmp_path / "machines.yaml"
    address = lab.address("server-box")
    path.write_text(
        f"lab:\n  server: {{ssh: server-box, address: {address}}}\n"
        "  load: [{ssh: no-such-box.invalid}]\n"
    )
    done = check(f"{path}:lab", XDG_CACHE_HOME=str(lab.folder))

    assert done.returncode == 1
    assert "no-such-box.invalid cannot be used: ssh finds no such host" in done.stdout
    assert "Not ready" in done.stdout
    assert address in done.stdout


def test_wrong_file(tmp_path: Path) -> None:
    """A file with a fault is exit code 2 with its line."""
    path = tmp_path / "machines.yaml"
    path.write_text("lab:\n  server: {ssh: a}\n")
    done = check(f"{path}:lab")

    assert done.returncode == 2
    assert "machines.yaml:1: lab.load: this key is required and missing" in done.stderr


@pytest.mark.real
@pytest.mark.needs("cc", "wrk")
def test_load_that_cannot_reach_the_server(lab: Lab, tmp_path: Path) -> None:
    """A server machine whose address leads elsewhere is said at once, with what it could be."""
    with (
        open_machine("load-1", tmp_path) as machine,
        pytest.raises(BenchError, match=r"load-1: .*:10240 cannot be reached from here") as caught,
    ):
        machine.call(press, address=lab.address("server-box"), port=10240)

    assert "firewall" in caught.value.advice
