"""On a Mac no path of `bench` reaches what exists on Linux alone; on recorded Macs, in children."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.loadtools import TOOLS
from tests.host.trees import DATA, MACS
from tests.run.helpers import Project

WORLD = Path(__file__).parent / "mac_world.py"
ROOT = Path(__file__).parents[1]


def on_a_mac(
    folder: Path, *words: str, path: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run in a child that believes to be a Mac; see mac_world.py."""
    env = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "STUBS": str(folder / "stubs")}
    env |= {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"} | ({"PATH": path} if path else {})
    return subprocess.run(
        [sys.executable, str(WORLD), *words],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=900,  # of one that would hang
        check=False,
    )


def played(folder: Path, mac: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `bench` on a recorded Mac."""
    done = on_a_mac(folder, str(DATA / "darwin" / mac), *words)
    assert "linux-only" not in done.stderr, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_every_module_can_be_imported(tmp_path: Path) -> None:
    """An import alone reads nothing that only Linux has."""
    done = on_a_mac(tmp_path, "imports")

    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 200


def test_linux_only_calls_are_caught(tmp_path: Path) -> None:
    """Each kind of call that a Mac does not have ends a process with its name."""
    done = on_a_mac(tmp_path, "linux-only")

    codes = dict(line.split() for line in done.stdout.splitlines())
    assert codes == dict.fromkeys(["affinity", "proc", "stat", "list", "prctl", "netlink"], "86")
    said = done.stderr.splitlines()
    assert len(said) == len(codes)
    assert all(line.startswith("linux-only: ") for line in said)


def test_host_and_plan(tmp_path: Path) -> None:
    """`bench host` reads each Mac by its commands; `plan` splits its cores and pins nothing."""
    recordings = ":".join(str(DATA / "darwin" / mac) for mac in MACS)
    done = on_a_mac(tmp_path, recordings, "host", "--json", "+", "plan", "quick", "--json")
    told = {mac: (tmp_path / f"{mac}.err").read_text() for mac in MACS}
    assert not [mac for mac, text in told.items() if "linux-only" in text or "Traceback" in text]
    assert done.stdout.splitlines() == [f"{mac} 0" for mac in MACS], (told, done.stderr)

    decoder = json.JSONDecoder()
    for mac in MACS:
        said = (tmp_path / f"{mac}.out").read_text()
        host, end = decoder.raw_decode(said)
        plan, _ = decoder.raw_decode(said[end:].lstrip())
        recorded = (DATA / "darwin" / mac / "sysctl_-a.txt").read_text()
        assert host["system"] == "darwin", mac
        assert f"hw.model: {host['machine']['model']}" in recorded
        assert host["pinning"]["state"] == "none", mac
        assert plan["cpus"]["pinning"]["state"] == "none", mac
        assert plan["cpus"]["server_count"] >= 1, mac


@pytest.mark.parametrize("mac", ["m4-mini-heavy", "m4-pro-battery"])
def test_doctor_judges_it(tmp_path: Path, mac: str) -> None:
    """`bench doctor` measures and judges; a hot Mac and nothing else is unfit for its heat."""
    done = played(tmp_path, mac, "doctor", "--json")

    data = json.loads(done.stdout)
    codes = {item["code"] for part in data.values() if isinstance(part, list) for item in part}
    assert done.returncode in (0, 3)
    assert ("thermal" in codes) == (mac == "m4-mini-heavy")
    assert ("battery" in codes) == (mac == "m4-pro-battery")


@pytest.mark.parametrize("mac", MACS[:1])
def test_setup_proposes(tmp_path: Path, mac: str) -> None:
    """`bench setup --dry-run` names Homebrew, never apt."""
    path = os.pathsep.join(["/usr/bin", "/bin"])
    done = on_a_mac(tmp_path, str(DATA / "darwin" / mac), "setup", "--dry-run", path=path)

    assert done.returncode == 0, done.stderr
    assert "apt-get" not in done.stdout + done.stderr
    assert all(name in done.stdout for name, tool in TOOLS.items() if not tool.optional)


@pytest.mark.real
@pytest.mark.needs("wrk")
def test_a_whole_run(tmp_path: Path) -> None:
    """A run with a real server and a real load tool reaches nothing that only Linux has."""
    project = Project(tmp_path)
    project.server("one")
    project.matrix("one")
    words = ("run", "faults", "--project", str(project.root), "--json")
    done = played(tmp_path, "m1-pro-6p2e", *words)

    assert done.returncode == 0, done.stderr
    (run,) = (project.root / "reports").glob("2*")
    (trial,) = map(json.loads, (run / "trials.jsonl").read_text().splitlines()[:1])
    assert trial["server_process"]["cpus"] is None
    assert json.loads((run / "host.json").read_text())["machine"]["model"] == "MacBookPro18,3"
