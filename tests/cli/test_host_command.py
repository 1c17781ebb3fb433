"""`bench host` on this machine and on captured trees."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bench.cli.host_command import command
from bench.errors import UsageError
from tests.host.trees import DATA, linux_tree, mac_tree, write

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

MAC = str(DATA / "darwin" / "m4-pro-battery")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments), catch_exceptions=False)


def test_a_captured_mac_as_json() -> None:
    """The object has the keys that others rely on, and no serial number."""
    result = call("--root", MAC, "--system", "darwin", "--json")

    host = json.loads(result.stdout)
    assert host["schema_version"] == 1
    assert host["system"] == "darwin"
    assert host["cpu"]["clusters"][0] == {
        "name": "Performance",
        "cores": 10,
        "l2_bytes": 16777216,
    }
    assert host["power"] == {"source": "battery", "low_power": False}
    assert [f["code"] for f in host["findings"]] == ["battery", "unlike-cores", "unpinned"]
    assert "FAKE" not in result.stdout


def test_the_summary_goes_to_stdout_and_findings_to_stderr() -> None:
    """Results on stdout, findings on stderr, no control characters without a terminal."""
    result = call("--root", MAC, "--system", "darwin")

    assert "CPU          Apple M4 Pro" in result.stdout
    assert "Power        battery, low power mode off" in result.stdout
    assert "warning: battery: the machine runs on its battery" in result.stderr
    assert "\x1b" not in result.output


def test_the_full_table_on_request(tmp_path: Path) -> None:
    """--all shows every row with its reason."""
    write(linux_tree("rk3588-rock5b"), tmp_path)

    result = call("--root", str(tmp_path), "--system", "linux", "--all")

    assert "topology.capacity" in result.stdout
    assert "no such file: /sys/" in result.stdout


def test_this_machine() -> None:
    """Without options this machine is read."""
    host = json.loads(call("--json").stdout)

    assert host["cpu"]["logical"] == os.cpu_count()
    assert "CPU" in call().stdout


def test_a_capture_is_written_and_reads_back(tmp_path: Path) -> None:
    """--capture writes a tree that --root reads as the same machine."""
    source, target = write(mac_tree("m1-pro-6p2e"), tmp_path / "mac"), tmp_path / "new"

    said = call("--root", str(source), "--system", "darwin", "--capture", str(target))
    first = json.loads(call("--root", str(source), "--system", "darwin", "--json").stdout)
    second = json.loads(call("--root", str(target), "--system", "darwin", "--json").stdout)

    assert said.stdout.startswith("wrote ")
    assert "look before sending" in said.stderr
    assert first == second
    everything = "".join(path.read_text() for path in target.rglob("*.*"))
    assert "FAKE" not in everything
    assert "fake-host" not in everything


def test_this_machine_is_captured_without_its_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This host's and this user's names are not in the files; a user without a name is no error."""

    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nobody)
    target = tmp_path / "here"

    call("--capture", str(target))

    assert (target / "uname_-a.txt").read_text().split()[1] == "host"
    assert (target / "proc" / "cpuinfo").exists()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_capture_never_overwrites(tmp_path: Path, kind: str) -> None:
    """A target that holds something is refused."""
    target = tmp_path / "there"
    if kind == "folder":
        target.mkdir()
        (target / "x").write_text("")
    else:
        target.write_text("")

    with pytest.raises(UsageError, match="exists"):
        call("--capture", str(target))


def test_a_system_needs_a_tree() -> None:
    """--system alone would read this machine with the wrong tables."""
    with pytest.raises(UsageError, match="--root"):
        call("--system", "darwin")
