"""Machines over ssh: what is brought, what is left, and what happens when the cable is cut."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.errors import MachineError, MachineLostError
from bench.process.remote import reaching, remote_machine
from bench.process.remote.reaching import explain, open_machine
from bench.run.machine_looks import look, start_ceiling, stop_ceiling
from tests.run.helpers import wait_until

if TYPE_CHECKING:
    from tests.lab import Lab

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[3]
LEFT_S = 60.0
"""On a quiet machine it is a fifth of that."""


def left(lab: Lab, name: str, within_s: float = LEFT_S) -> set[int]:
    """What still runs on a machine once that time is over, or nothing as soon as that is so."""
    deadline = time.monotonic() + within_s
    while (pids := lab.pids(name)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return pids


def test_brings_itself_once(lab: Lab, tmp_path: Path) -> None:
    """A bare machine gets bench and its libraries; the second start finds them, checked by hash."""
    parcels = lab.cache / "agents"
    with open_machine("load-1", tmp_path) as machine:
        seen = machine.clock()
        said = machine.call(look, address=lab.address("load-1"), role="server", tools=[])
    kept = [path for path in parcels.iterdir() if path.name != "work"]
    assert said["link"]["interface"] == "eth0"
    assert abs(seen.offset_s) <= seen.round_trip_s / 2  # one clock in two namespaces
    assert [len(path.name) for path in kept] == [64]
    # An agent takes its folder away as the last thing it does.
    assert wait_until(lambda: [path.name for path in (parcels / "work").iterdir()] == ["held"])

    changed = kept[0] / "bench" / "units.py"
    changed.write_text("raise SystemExit\n")  # somebody's hand, or half a disk
    with open_machine("load-1", tmp_path) as machine:
        assert machine.call(look, address=lab.address("load-1"), role="server", tools=[])
    assert "SystemExit" not in changed.read_text()
    assert left(lab, "load-1") == set()


def test_cut_cable(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The controller gives the machine up, the machine ends its own; neither waits for TCP."""
    monkeypatch.setattr(remote_machine, "SILENCE_S", 5.0)  # a busy machine is silent for a while
    monkeypatch.setattr(remote_machine, "WORD_S", 0.2)
    address = lab.address("server-box")
    try:
        with open_machine("server-box", tmp_path) as machine:
            machine.call(start_ceiling, address=address, seed=1)
            assert len(lab.pids("server-box")) > 3
            lab.cable("server-box", "down")
            with pytest.raises(MachineLostError):
                machine.call(stop_ceiling)
        # What is left is sshd's own process of the session, which waits for TCP.
        deadline = time.monotonic() + LEFT_S
        while agents(lab, "server-box") and time.monotonic() < deadline:
            time.sleep(0.05)
        assert agents(lab, "server-box") == []
    finally:
        for pid in lab.pids("server-box"):
            os.kill(pid, signal.SIGKILL)
        lab.cable("server-box", "up")


def agents(lab: Lab, name: str) -> list[str]:
    """Command lines of what runs there, but for sshd's own."""
    lines = []
    for pid in lab.pids(name):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if words and not words.startswith(("sshd", "/usr/sbin/sshd")):
            lines.append(words)
    return lines


CONTROLLER = """
import sys, time
from pathlib import Path
from bench.process.remote.reaching import open_machine
from bench.run.machine_looks import start_ceiling
with open_machine("server-box", Path(sys.argv[1])) as machine:
    print(machine.call(start_ceiling, address=sys.argv[2], seed=1), flush=True)
    with machine.quiet(600.0):  # as in a long window: only the end of the channel can tell
        time.sleep(600)
"""


@pytest.mark.parametrize("again", range(3))
def test_killed_controller_leaves_nothing_there(lab: Lab, tmp_path: Path, again: int) -> None:
    """SIGKILL of the controller while a server runs there: soon nothing runs there."""
    controller = subprocess.Popen(
        [sys.executable, "-c", CONTROLLER, str(tmp_path), lab.address("server-box")],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert controller.stdout is not None
    port = controller.stdout.readline().strip()
    time.sleep(0.1 * again)
    controller.send_signal(signal.SIGKILL)
    controller.wait()
    controller.stdout.close()

    assert port.isdigit()
    assert left(lab, "server-box") == set()


@pytest.mark.usefixtures("lab")
def test_no_such_host(tmp_path: Path) -> None:
    """The message names the machine and what ssh said."""
    with (
        pytest.raises(MachineError, match=r"no-such-box\.invalid cannot be used: ssh finds no"),
        open_machine("no-such-box.invalid", tmp_path),
    ):
        pass


def find_python(folder: Path, **pythons: str) -> subprocess.CompletedProcess[str]:
    """Run the line that looks for Python on a machine which has only those."""
    for name in ("sh", "uname"):
        (folder / name).symlink_to(f"/bin/{name}")
    for name, text in pythons.items():
        (folder / name.replace("_", ".")).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name.replace("_", ".")).chmod(0o700)
    line = reaching._spec("x").python
    assert isinstance(line, str)
    line = line.replace(":/opt/homebrew/bin:/usr/local/bin:$HOME/.local/bin", "")
    env = {"PATH": str(folder), "HOME": str(folder)}
    return subprocess.run(
        ["/bin/sh", "-c", f'{line} -c "print(1)"'],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_old_python(tmp_path: Path) -> None:
    """A machine whose Python is too old says which one it has."""
    done = find_python(tmp_path, python3="echo False 3.9.2")

    assert done.returncode == 69
    message, advice = explain("box", done.returncode, done.stderr.strip())
    assert message == "Python 3.11 or newer is needed, the newest there is 3.9.2"
    assert "python3.11" in advice


def test_no_python(tmp_path: Path) -> None:
    """A machine without any says so."""
    done = find_python(tmp_path)

    assert explain("box", done.returncode, done.stderr.strip())[0] == (
        "Python 3.11 or newer is needed"
    )


def test_the_python_that_ours_is_like(tmp_path: Path) -> None:
    """Of several it is the one of our own version: our own libraries fit."""
    ours = f"python3_{sys.version_info[1]}"
    real = f'exec {os.path.realpath(sys.executable)} "$@"'

    assert find_python(tmp_path, python3="exit 1", **{ours: real}).stdout == "1\n"


@pytest.mark.parametrize(
    ("code", "said", "words"),
    [
        (255, "Host key verification failed.", "ssh does not know its key"),
        (255, "ssh: connect to host x port 22: Connection refused", "Connection refused"),
        (-9, "", "did not answer within 30 s"),
        (127, "sh: 1: exec: x: not found", "not found"),
        (None, "", "prints text when one logs in"),
    ],
)
def test_reasons(code: int | None, said: str, words: str) -> None:
    """Each way to fail has words and something to do."""
    message, advice = explain("box", code, said)

    assert words in f"{message} {advice}"
    assert "ssh box" in advice
