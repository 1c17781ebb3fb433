"""Opens a machine: the user's own ssh, or an interpreter beside this one, with an agent in it.

Import it late: only here execnet is loaded. `ssh` is started in a session of its own, so that
Ctrl-C is for `bench`, with its stderr kept for messages.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import time
import types
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import IO, TYPE_CHECKING, Any, Final

import execnet
from execnet.gateway_base import ThreadExecModel
from execnet.gateway_bootstrap import HostNotFound

from bench.errors import MachineError
from bench.process.remote import arrival
from bench.process.remote.claim import claim
from bench.process.remote.parcel import make_parcel
from bench.process.remote.remote_machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL: Final = "local"
"""How a machines file names this machine."""
_REACH_S: Final = 30.0
_START_S: Final = 20.0
_SEND_S: Final = 300.0
_CLAIM_S: Final = 3.0
"""How long it is waited for a machine that another controller has: one that was killed lets go."""
_CLAIM_AGAIN_S: Final = 0.2
_OWNER: Final = f"{os.getpid()}-{time.time_ns()}"
"""Tells this controller from all others, on every machine."""
_OPTIONS: Final = "-a -x -o BatchMode=yes -o ConnectTimeout=10"
_NO_PYTHON: Final = 69
_PACKING: Final = threading.Lock()
"""Machines that are opened beside each other need the same parcel: it is made once."""
_SAID_MOST: Final = 65_536
_PYTHONS: Final = ("", "3", "3.15", "3.14", "3.13", "3.12", "3.11")
_FIND: Final = (
    "sh -c 'PATH=$PATH:/opt/homebrew/bin:/usr/local/bin:$HOME/.local/bin; seen=; "
    'for p in {names}; do at=$(command -v "$p") || continue; '
    '[ "$(uname)$at" != Darwin/usr/bin/python3 ] || continue; '  # a dialogue, or Python 3.9
    'v=$("$p" -c "import sys; print(sys.version_info >= (3, 11), sys.version.split()[0])" '
    '2>/dev/null) || continue; case $v in True*) exec "$p" -u "$@";; '
    "*) seen=${{v#* }};; esac; done; "
    'echo "no Python 3.11: $seen" >&2; exit {code}\' bench'
)
_OURS: Final = f"3.{sys.version_info[1]}"
"""The version of this interpreter: where the machine has it, our own libraries fit."""


_REASONS: Final = (
    (
        "Host key verification failed",
        "ssh does not know its key",
        "call `ssh {ssh}` once and compare the key",
    ),
    (
        "Permission denied",
        "ssh may not log in ({said})",
        "log in by key: ssh-copy-id {ssh}, and ssh-add",
    ),
    (
        "Could not resolve",
        "ssh finds no such host ({said})",
        "see ~/.ssh/config and the name in the file; try `ssh {ssh} true`",
    ),
)
"""What ssh says -> what went wrong, what to do."""


class _Started(ThreadExecModel):
    """execnet's threads, with processes that start as we want them."""

    def __init__(self, stderr: IO[bytes]) -> None:
        self._stderr = stderr
        self.process: Popen[bytes] | None = None

    @property
    def subprocess(self) -> Any:
        """What execnet takes for the module of that name."""
        return types.SimpleNamespace(PIPE=PIPE, Popen=self._start)

    def _start(self, argv: list[str], stdin: int, stdout: int) -> Popen[bytes]:
        self.process = Popen(
            argv, stdin=stdin, stdout=stdout, stderr=self._stderr, start_new_session=True
        )
        return self.process

    def cut(self) -> None:
        """End the process at once."""
        if self.process is not None:
            self.process.kill()

    def said(self) -> str:
        """The last line that it wrote to stderr."""
        if self._stderr.closed:
            return ""
        said = os.pread(self._stderr.fileno(), _SAID_MOST, 0)  # its own place in it must not move
        lines = said.decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""


@contextlib.contextmanager
def open_machine(ssh: str, cache: Path, *, name: str = "") -> Iterator[Machine]:
    """Reach a machine and start its agent; leaving ends all that the agent started.

    Args:
        ssh: anything that `ssh X` understands, or `local` = this machine.
        cache: folder of this user's cache.
        name: as messages name it; `ssh` unless given.

    Raises:
        MachineError: it cannot be reached or used; the message says what to do.
    """
    called = name or ssh
    with tempfile.TemporaryFile() as stderr:
        started = _Started(stderr)
        group = execnet.Group(execmodel=started)  # type: ignore[arg-type] # a model is as good as its name
        try:
            machine = _reach(group, started, ssh, called, cache)
            try:
                yield machine
            finally:
                machine.close()
        finally:
            group.terminate(timeout=5.0)


def _reach(group: execnet.Group, line: _Started, ssh: str, name: str, cache: Path) -> Machine:
    limit = threading.Timer(_REACH_S, line.cut)
    limit.start()
    try:
        gateway = group.makegateway(_spec(ssh))
        limit.cancel()
        channel = _agent_here(gateway) if ssh == LOCAL else _agent_there(gateway, name, cache)
    except (HostNotFound, EOFError, OSError, AssertionError, execnet.RemoteError) as error:
        raise _explained(line, ssh, name, error) from None
    finally:
        limit.cancel()
    machine = Machine(name, channel, line)
    machine.start(_START_S)
    _claim(machine)
    return machine


def _claim(machine: Machine) -> None:
    """Have the machine for this controller alone.

    Raises:
        MachineError: another one measures with it.
    """
    until = time.monotonic() + _CLAIM_S
    while (age_s := machine.call(claim, owner=_OWNER)) is not None:
        if time.monotonic() > until:
            raise MachineError(
                f"{machine.name} is in use: another `bench` has been measuring with it for "
                f"{age_s / 60:.0f} min",
                machine=machine.name,
                advice="wait until that one ends; where it was killed, what it left there is "
                "gone within 15 s",
            )
        time.sleep(_CLAIM_AGAIN_S)


def _spec(ssh: str) -> execnet.XSpec:
    if ssh == LOCAL:
        return execnet.XSpec("popen")
    spec = execnet.XSpec("ssh=x")
    spec.ssh = f"{_OPTIONS} {ssh}"
    names = " ".join(f"python{version}" for version in (_OURS, *reversed(_PYTHONS)))
    spec.python = _FIND.format(names=names, code=_NO_PYTHON)
    return spec


def _agent_here(gateway: execnet.Gateway) -> Any:
    source = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).resolve().parents[3])!r})\n"
        "from bench.process.remote.agent import serve\n"
        f"serve(channel, {str(arrival.agents_folder() / 'work')!r})"
    )
    return gateway.remote_exec(source)


def _agent_there(gateway: execnet.Gateway, name: str, cache: Path) -> Any:
    """Bring the parcel if it is not there yet; the same channel then is the agent's."""
    channel = gateway.remote_exec(arrival)
    facts = channel.receive(_REACH_S)
    with _PACKING:
        parcel = make_parcel(name, facts, cache)
    channel.send(parcel.digest())
    said = channel.receive(_REACH_S)
    if said == "missing":
        channel.send(parcel.archive())
        said = channel.receive(_SEND_S)
    if said != "here":
        raise MachineError(f"{name} cannot keep what an agent needs: {said}", machine=name)
    return channel


def _explained(line: _Started, ssh: str, name: str, error: BaseException) -> MachineError:
    """Why a machine was not reached, and what to do: by what ssh said and how it ended."""
    if line.process is not None:
        with contextlib.suppress(TimeoutExpired):
            line.process.wait(2.0)
    code = line.process.returncode if line.process is not None else None
    message, advice = explain(ssh, code, line.said() or str(error))
    return MachineError(f"{name} cannot be used: {message}", machine=name, advice=advice)


def explain(ssh: str, code: int | None, said: str) -> tuple[str, str]:
    """What went wrong, and what to do about it.

    Args:
        ssh: how the machine is named.
        code: how ssh ended; None = it did not.
        said: its last line on stderr.
    """
    if code == _NO_PYTHON:
        seen = said.partition(": ")[2]
        there = f", the newest there is {seen}" if seen else ""
        how = "sudo apt-get install python3.11, or brew install python@3.13"
        return f"Python 3.11 or newer is needed{there}", f"install one there: {how}"
    for mark, words, advice in _REASONS:
        if mark in said:
            return words.format(said=said), advice.format(ssh=ssh)
    if code == -9:  # noqa: PLR2004 - cut by our own time limit
        return f"it did not answer within {_REACH_S:g} s", f"try `ssh {ssh} true`"
    if code is None or "AssertionError" in said or not said:
        text = "something there prints text when one logs in without a terminal"
        return f"no agent could be started ({said or 'it said nothing'})", (
            f"try `ssh {ssh} true`: it must print nothing; {text}?"
        )
    return said, f"try `ssh {ssh} true`"
