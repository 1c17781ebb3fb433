"""The side of the supervisor that `bench` holds: start, wait for, signal and sweep processes.

Everything that a trial or a build starts goes through here, so where it runs is known in one
place only. Single-threaded: only the thread that entered the context may call it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bench.errors import INTERRUPTIONS, BenchError
from bench.process.strays import MARK, is_supervisor_process
from bench.process.why_not import why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from bench.process.command import Command

_PROGRAM = Path(__file__).with_name("supervisor.py")
_ANSWER_S = 10.0
_END_S = 8.0
_AHEAD_S = 0.01
"""A start that is nearer than that is now."""
_SCRATCH = "bench-scratch"
NOFILE_WANTED = 65_536
"""Soft limit of open files that children are given where the hard limit allows it."""


class Child:
    """A process that the supervisor started.

    Attributes:
        pid: process id, and the id of its process group and session.
        rc: exit code, negative for a signal, None while it runs.
        started: monotonic time of the start; of one that is held until then, once it has ended.
        ended: monotonic time at which its end was seen.
        cpu_s: user + system time of it and the children it waited for, once it has ended.
    """

    def __init__(
        self, supervisor: SupervisorClient, command: Command, answer: dict[str, Any]
    ) -> None:
        self.command = command
        self.pid: int = answer["pid"]
        self.started: float = answer["at"]
        self._request: int = answer["id"]
        self.rc: int | None = None
        self.ended: float | None = None
        self.cpu_s: float | None = None
        self._supervisor = supervisor

    @property
    def running(self) -> bool:
        """Whether its end has not been seen yet; reads pending events first."""
        if self.rc is None:
            self._supervisor.pump(0)
        return self.rc is None

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; True when it has ended."""
        deadline = time.monotonic() + timeout_s
        while self.rc is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._supervisor.pump(left)
        return True

    def signal(self, number: int) -> None:
        """Send a signal to its process group; with SIGKILL also to all its descendants.

        Once it has ended this reaches what it left behind, never another that got its id.
        """
        self._supervisor.request(
            "signalled", op="signal", pid=self.pid, started_by=self._request, signal=number
        )

    def stop(self, number: int, grace_s: float) -> bool:
        """Ask its group to stop, then kill group and descendants; True when asking was enough."""
        willing = self.rc is not None
        if not willing:
            self.signal(number)
            willing = self.wait(grace_s)
        self.signal(signal.SIGKILL)
        self.wait(_ANSWER_S)
        return willing


class SupervisorClient:
    """Context manager around the supervisor process; leaving it ends everything it started.

    Args:
        cpus: logical CPUs to hold the supervisor itself on, so that it never disturbs a server;
            what it starts without CPUs of its own may use all.
        run: what is written into the environment of every child, see `bench.process.strays`.

    Raises:
        BenchError: the supervisor could not be started or has died.
    """

    def __init__(self, cpus: Sequence[int] = (), *, run: str = "bench") -> None:
        self._cpus = cpus
        self._run = run
        self._children: dict[int, Child] = {}
        self._events: list[dict[str, Any]] = []
        self._buffer = b""
        self._count = 0
        self._scratch: Path | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_PROGRAM), *map(str, self._cpus)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for `bench`, which then closes the pipe
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None  # noqa: S101 - opened with PIPE
        assert self._process.stdout is not None  # noqa: S101 - opened with PIPE
        self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
        finally:
            self._process.stdout.close()
            if self._scratch:
                shutil.rmtree(self._scratch, ignore_errors=True)

    def scratch(self) -> Path:
        """A temporary folder that other users can pass through; it goes when the supervisor does.

        What a killed `bench` left of its own goes now.
        """
        if self._scratch is None:
            remove_left(_SCRATCH, is_supervisor_process)
            self._scratch = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}-{self.pid}-"))
            self._scratch.chmod(0o711)
        return self._scratch

    @property
    def pid(self) -> int:
        """Process id of the supervisor."""
        return self._process.pid

    def spawn(self, command: Command) -> Child:
        """Start a process in a session of its own.

        Raises:
            BenchError: it could not be executed; the message names the program and the reason.
        """
        ahead = command.start_at - time.monotonic()
        answer = self.request(
            "spawned",
            op="spawn",
            argv=command.argv,
            env={**command.env, MARK: f"{self._run}/{self.pid}"},
            cwd=str(command.cwd),
            cpus=list(command.cpus) if command.cpus else None,
            stdout=str(command.stdout),
            stderr=str(command.stderr) if command.stderr else None,
            nofile=NOFILE_WANTED,
            space=command.space,
            start_at=command.start_at if ahead > _AHEAD_S else 0.0,
            user=[[], *reversed(command.user)] if command.user else None,
        )
        if answer["event"] == "failed":
            cause, advice = why_not(command.argv[0], command.cwd, answer["error"])
            said = cause or answer["error"]
            raise BenchError(f"cannot start {command.argv[0]!r}: {said}", advice=advice)
        child = Child(self, command, answer)
        self._children[child.pid] = child
        self.pump(0)
        self._settle()
        return child

    def run(self, command: Command, timeout_s: float) -> Child:
        """Start a process and wait for it; it is killed when it takes longer."""
        child = self.spawn(command)
        if not child.wait(timeout_s):
            child.signal(signal.SIGKILL)
            child.wait(_ANSWER_S)
        return child

    def sweep(self) -> int:
        """Kill descendants that lost their parent; how many there were."""
        count: int = self.request("swept", op="sweep")["count"]
        return count

    def request(self, wanted: str, **fields: object) -> dict[str, Any]:
        """Send one request and wait for its answer (`wanted`, or `failed`)."""
        self._count += 1
        data = json.dumps({**fields, "id": self._count}).encode() + b"\n"
        assert self._process.stdin is not None  # noqa: S101 - opened with PIPE
        try:
            with INTERRUPTIONS:  # half a line would garble all that follows
                while data:
                    data = data[self._process.stdin.write(data) or 0 :]
        except BrokenPipeError:
            raise BenchError("the supervisor process has died") from None
        deadline, late = time.monotonic() + _ANSWER_S, False
        while True:
            for event in self._events:
                if event.get("id") == self._count and event["event"] in (wanted, "failed"):
                    self._events.remove(event)
                    return event
            if late:
                raise BenchError("the supervisor process does not answer")
            late = time.monotonic() > deadline  # we may have stood still: read what came meanwhile
            self.pump(0.0 if late else 0.1)

    def pump(self, timeout_s: float) -> None:
        """Read events that have come, waiting at most that long for the first.

        Raises:
            BenchError: the supervisor has died.
        """
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - opened with PIPE
        if not select.select([stdout], [], [], max(0.0, timeout_s))[0]:
            return
        with INTERRUPTIONS:  # half a line would garble all that follows
            data = stdout.read(65536)
            if not data:
                raise BenchError("the supervisor process has died")
            *lines, self._buffer = (self._buffer + data).split(b"\n")
            self._events += [json.loads(line) for line in lines]
            self._settle()

    def _settle(self) -> None:
        for event in [event for event in self._events if event["event"] == "exited"]:
            child = self._children.pop(event["pid"], None)
            if child is not None:
                child.rc, child.ended, child.cpu_s = event["rc"], event["at"], event["cpu_s"]
                child.started = event["began"] or child.started
                self._events.remove(event)


def remove_left(name: str, lives: Callable[[int], bool]) -> None:
    """Remove this user's temporary folders `NAME-PID-...` whose owner is gone.

    Args:
        name: what the folders begin with.
        lives: whether a process of that id is still their owner.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{name}-*-*"):
        owner = folder.name.removeprefix(f"{name}-").partition("-")[0]
        with contextlib.suppress(OSError):
            ours = owner.isdigit() and folder.stat().st_uid == os.geteuid()
            if ours and not lives(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)
