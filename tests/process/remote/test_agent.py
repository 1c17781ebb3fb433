"""An agent in an interpreter beside this one: requests, errors, words, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from bench.errors import BenchError, MachineError, MachineLostError, StartError
from bench.process.remote import reaching, remote_machine
from bench.process.remote.reaching import open_machine
from bench.process.remote.remote_machine import RemoteBugError
from tests.process.remote import far_operations as far

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.process.remote.remote_machine import Machine

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with open_machine("local", tmp_path) as opened:
        yield opened


def gone(pid: int, within_s: float = 20.0) -> bool:
    """Whether a process ends within that time; a zombie has ended."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_plain_data_comes_back(machine: Machine) -> None:
    """Requests are answered in their order, with what plain data holds."""
    value = {"a": [1, 2.5, None, True], "b": b"\0\xff", "c": "ä", "big": 2**70, "t": (1, "x")}
    first = machine.begin(far.echo, value=value)
    second = machine.begin(far.echo, value=-5)

    assert second.result(30) == -5
    assert first.done
    assert first.result(0) == value


def test_errors_keep_their_class_and_words(machine: Machine) -> None:
    """What a user can cause arrives as it was raised, with the machine's name before it."""
    with pytest.raises(StartError, match="local: it died") as started:
        machine.call(far.refuse, how="start")
    with pytest.raises(BenchError, match="local: no such thing") as plain:
        machine.call(far.refuse, how="bench")

    assert (started.value.code, started.value.advice) == ("server-died", "look at its log")
    assert type(plain.value) is BenchError


def test_a_fault_of_ours_is_no_user_error(machine: Machine) -> None:
    """It arrives with its traceback, and the agent goes on."""
    with pytest.raises(RemoteBugError, match=r"(?s)refuse on local.*far_operations.*KeyError: 'x'"):
        machine.call(far.refuse, how="x")
    with pytest.raises(RemoteBugError, match="unmarked is not an operation"):
        machine.call(far.unmarked)

    assert machine.call(far.echo, value=1) == 1


def test_operation_can_be_stopped(machine: Machine) -> None:
    """One that looks at `stopping` answers early; the next one begins without it."""
    pending = machine.begin(far.dawdle, seconds=60.0)
    with pytest.raises(MachineLostError, match=r"did not answer dawdle within 0\.1 s"):
        pending.result(0.1)
    pending.stop()

    assert pending.result(30) < 60
    assert machine.call(far.dawdle, seconds=0.2) >= 0.2


def test_leaving_ends_what_was_started(tmp_path: Path) -> None:
    """The child, the supervisor, the agent and its folder are gone."""
    with open_machine("local", tmp_path) as machine:
        pids = (machine.call(far.sleeper), machine.supervisor_pid, machine.agent_pid)
        folder = Path(machine.call(far.folder))
        assert folder.is_dir()

    assert all(gone(pid) for pid in pids)
    assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_agent_takes_its_children_along(tmp_path: Path, number: signal.Signals) -> None:
    """The controller learns of it, and the next agent removes the folder that it left."""
    with open_machine("local", tmp_path) as machine:
        child, folder = machine.call(far.sleeper), Path(machine.call(far.folder))
        pending = machine.begin(far.dawdle, seconds=60.0)
        os.kill(machine.agent_pid, number)
        with pytest.raises(MachineLostError, match="the connection to local is gone"):
            pending.result(30)
        with pytest.raises(MachineLostError):
            machine.call(far.echo, value=1)

    assert gone(child)
    with open_machine("local", tmp_path) as machine:
        machine.call(far.echo, value=1)
        assert not folder.exists()


def test_agent_leaves_after_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word it ends everything, even when an operation listens to nobody."""
    monkeypatch.setattr(remote_machine, "SILENCE_S", 1.0)
    monkeypatch.setattr(remote_machine, "WORD_S", 0.1)
    with open_machine("local", tmp_path) as machine:
        child = machine.call(far.sleeper)
        with machine.quiet(2.0):
            machine.call(far.dawdle, seconds=1.5)  # longer than a silence, within the window
        monkeypatch.setattr(remote_machine.Machine, "_say", lambda *_: None)
        machine.begin(far.stuck, seconds=600.0)

        assert gone(child)
        assert gone(machine.agent_pid)


def test_controller_notices_an_agent_that_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that was stopped, or whose cable was cut, is given up; no call hangs."""
    monkeypatch.setattr(remote_machine, "SILENCE_S", 1.0)
    monkeypatch.setattr(remote_machine, "WORD_S", 0.1)
    with open_machine("local", tmp_path) as machine:
        os.kill(machine.agent_pid, signal.SIGSTOP)
        with pytest.raises(MachineLostError, match="the connection to local is gone"):
            machine.call(far.echo, value=1)


def test_nothing_is_sent_in_a_window(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words are for the time between windows."""
    monkeypatch.setattr(remote_machine, "WORD_S", 0.05)
    sent: list[object] = []
    real = machine.send

    def send(*message: object) -> None:
        sent.append(message)
        real(*message)

    monkeypatch.setattr(machine, "send", send)
    with machine.quiet(5.0):
        before = len(sent)
        time.sleep(0.3)
        assert len(sent) == before


def test_clock_of_this_machine(machine: Machine) -> None:
    """Beside this interpreter no clock differs by more than half the round trip."""
    look = machine.clock()

    assert 0 < look.round_trip_s < 1
    assert abs(look.offset_s) <= look.round_trip_s / 2
    assert abs(look.wall_offset_s) <= look.round_trip_s


CONTROLLER = """
import sys, time
from pathlib import Path
from bench.process.remote.reaching import open_machine
from tests.process.remote import far_operations as far
with open_machine("local", Path(sys.argv[1])) as machine:
    print(machine.call(far.sleeper), machine.supervisor_pid, machine.agent_pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_controller_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """However it ends, agent, supervisor and child are gone soon after."""
    controller = subprocess.Popen(
        [sys.executable, "-c", CONTROLLER, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert controller.stdout is not None
    pids = [int(word) for word in controller.stdout.readline().split()]
    controller.send_signal(number)
    controller.wait()
    controller.stdout.close()

    assert len(pids) == 3
    assert all(gone(pid, 15.0) for pid in pids)


def test_a_machine_that_cannot_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ssh says becomes one message with what to do."""
    own = tmp_path / "ssh"
    own.write_text("#!/bin/sh\necho 'me@box: Permission denied (publickey).' >&2\nexit 255\n")
    own.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with (
        pytest.raises(MachineError, match="box cannot be used: ssh may not log in") as caught,
        open_machine("box", tmp_path),
    ):
        pass

    assert "ssh-copy-id box" in caught.value.advice


def test_a_second_controller_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as an agent of the first lives; several of one controller do not disturb another."""
    monkeypatch.setattr(reaching, "_CLAIM_S", 0.0)
    with subprocess.Popen(
        [sys.executable, "-c", CONTROLLER, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
    ) as other:
        assert other.stdout is not None
        agent = int(other.stdout.readline().split()[2])
        with (
            pytest.raises(MachineError, match="local is in use: another `bench`") as caught,
            open_machine("local", tmp_path),
        ):
            pass
        os.kill(agent, signal.SIGKILL)
        assert gone(agent)
        with open_machine("local", tmp_path) as one, open_machine("local", tmp_path) as same:
            assert one.agent_pid != same.agent_pid
        other.kill()

    assert "within 15 s" in caught.value.advice
