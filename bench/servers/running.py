"""A server under test while it runs: started, recognised as ready, and stopped without a trace."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from bench.errors import BenchError, StartError
from bench.model.target import LOOPBACK, InnerTarget, Target
from bench.model.trial_record import CommandRecord, ServerRecord
from bench.process import Command, network_space, spaces_allowed
from bench.process.family import family_pids
from bench.servers.building import toolchain
from bench.servers.environment import base_environment, fill, fill_all, redacted, startable
from bench.servers.log_end import last_words
from bench.servers.ports import choose_port, is_free, listeners
from bench.servers.readiness import SWITCHING, Elsewhere, ask_status

if TYPE_CHECKING:
    import random
    from types import TracebackType

    from bench.model.plan import Arm, CpuSplit
    from bench.process import Child, SupervisorClient

__all__ = ["SWITCHING", "RunningServer", "ask_status"]

_POLL_S: Final = 0.010
_PORT_FREE_S: Final = 5.0
LOG_CAP_BYTES: Final = 16_000_000
LOG_KEEP_BYTES: Final = 1_000_000


class RunningServer:
    """Context manager: a fresh process on a free port, ready and listening itself.

    Args:
        arm: the server and its environment.
        cpus: the CPU split of the run.
        log: file that receives its output; cut back to 1 MB when it grows beyond 16 MB.

    Attributes:
        port: where it listens on 127.0.0.1; drawn when it is started, 0 before.
        target: the same as a whole address.
        more_env: added to its environment, where set before it is started.
        more_words: put after the program of its command, the same.
        ready_s: seconds from the start to ready and known to listen itself.
        startup_s: seconds from the start to the first right answer on its ready path.
        stop_s: seconds from asking it to stop until its port was free.

    Raises:
        StartError: it did not get ready; `code` says why.
    """

    def __init__(
        self, arm: Arm, cpus: CpuSplit, supervisor: SupervisorClient, rng: random.Random, log: Path
    ) -> None:
        self.arm = arm
        self.port = 0
        self.target = Target(LOOPBACK, self.port)
        self.ready_s = 0.0
        self.startup_s: float | None = None
        self.stop_s = 0.0
        self.log_cut = False
        self._owners: frozenset[int] = frozenset()
        self._cpus = cpus
        self._supervisor = supervisor
        self._log = log
        self._rng = rng
        self.more_env: dict[str, str] = {}
        self.more_words: tuple[str, ...] = ()
        self.own_env: dict[str, str] = {}
        self.argv: tuple[str, ...] = ()
        self._child: Child | None = None
        self._held = contextlib.ExitStack()
        self._elsewhere = Elsewhere(arm)

    def __enter__(self) -> Self:
        try:
            self._draw_port()
            return self._start()
        except BaseException:
            self._held.close()
            raise

    def _start(self) -> Self:
        began = time.monotonic()
        pinned = self._cpus.server if self._cpus.pinning.state == "pinned" else None
        env = base_environment() | self.own_env
        command = Command(
            argv=startable(self.argv, env["PATH"]),
            env=env,
            cwd=Path(self.arm.folder),
            cpus=pinned,
            stdout=self._log,
            space=self.target.space,
        )
        try:
            self._child = self._supervisor.spawn(command)
        except BenchError as error:
            raise StartError(str(error), code="server-died", advice=_ADVICE_BUILD) from None
        try:
            self._wait_ready(began + self.arm.config.ready_timeout)
            self.startup_s = time.monotonic() - began
            self._check_own()
        except BaseException:
            self._stop()
            raise
        self.ready_s = time.monotonic() - began
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def pid(self) -> int:
        """Process id of the server's first process."""
        return self._started.pid

    @property
    def rc(self) -> int | None:
        """Exit code once it has ended, None while it runs."""
        return None if self._started.running else self._started.rc

    def pids(self) -> tuple[int, ...]:
        """All live processes of the server: its group and descendants."""
        return family_pids(self.pid, ended=self._started.rc is not None)

    def check_listener(self) -> None:
        """Check that the processes that listened when it got ready still do, and nobody else.

        Raises:
            StartError: `not-listener` or `server-restarted`.
        """
        owners, others = listeners(self.port, self.pids(), self.target.space)
        if not owners or others:
            what = "another process shares its port" if owners else "it no longer listens"
            raise StartError(f"{self.arm.name}: after the load {what}", code="not-listener")
        gone = self._owners - owners
        if gone:
            raise StartError(
                f"{self.arm.name}: process {', '.join(str(pid) for pid in sorted(gone))} was "
                "replaced by another during the load",
                code="server-restarted",
                advice="its log may say why it ended",
            )

    def memory_bytes(self) -> int:
        """Resident memory of all its processes, shared pages counted in each."""
        import psutil  # noqa: PLC0415 - late, see `bench --help`

        total = 0
        for pid in self.pids():
            with contextlib.suppress(psutil.Error):
                total += psutil.Process(pid).memory_info().rss
        return total

    def answered(self, timeout_s: float) -> bool:
        """Wait until it answers its ready path again, at most that long."""
        config = self.arm.config
        return bool(ask_status(self.target, config.ready, timeout_s, headers=config.ready_headers))

    def record(self, threads: int | None = None, processes: int | None = None) -> ServerRecord:
        """What the trial's record says about this process."""
        return ServerRecord(
            argv=self.argv,
            env=redacted(self.own_env),
            cpus=self._cpus.server if self._cpus.pinning.state == "pinned" else None,
            port=self.port,
            pid=self.pid,
            threads=threads,
            processes=processes,
        )

    def command_record(self) -> CommandRecord:
        """The command that repeats its start by hand."""
        record = self.record()
        return CommandRecord(
            argv=self.argv, env=record.env, cpus=record.cpus, pid=self.pid, rc=self._started.rc
        )

    def cap_log(self) -> None:
        """Cut a flooded log back; cheap, called while waiting."""
        with contextlib.suppress(OSError):
            if self._log.stat().st_size > LOG_CAP_BYTES:
                os.truncate(self._log, LOG_KEEP_BYTES)
                self.log_cut = True

    def tail(self) -> str:
        """The last lines of its output, for messages."""
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, self._log.stat().st_size - 8192))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"    {line}" for line in last_words(lines))

    def end(self) -> str:
        """How it ended, in words."""
        rc = self._started.rc or 0
        return f"signal {_signal_name(-rc)}" if rc < 0 else f"exit code {rc}"

    @property
    def _started(self) -> Child:
        if self._child is None:
            raise BenchError(f"{self.arm.name} was never started")
        return self._child

    def _draw_port(self) -> None:
        """Draw the port now: a server started just before, as in a duet, has taken its own."""
        fixed = self.arm.config.port
        if fixed is None:
            self.port = choose_port(self._rng)
            self.target = Target(LOOPBACK, self.port)
        else:
            self.port = fixed
            self.target = self._fixed(fixed)
        values = {
            "port": str(self.port),
            "cpus": str(self._cpus.server_count),
            "python": _python(self.arm),
        }
        env = self.arm.config.env | self.arm.env
        self.own_env = {name: fill(value, values) for name, value in env.items()} | self.more_env
        program, *words = fill_all(self.arm.config.run, values)
        self.argv = (program, *self.more_words, *words)

    def _fixed(self, port: int) -> Target:
        """Its own port: in a network namespace where there are any, else where nobody has it."""
        if spaces_allowed():
            away = self._cpus.housekeeping if self._cpus.pinning.state == "pinned" else None
            space = self._held.enter_context(network_space(self._supervisor, away))
            return InnerTarget.at(port, space)
        if not is_free(port):
            raise StartError(
                f"{self.arm.name} needs port {port}, on which another program listens",
                code="port-busy",
                advice="end that program: network namespaces, in which each server has its ports "
                "to itself, are not allowed here",
            )
        return Target(LOOPBACK, port)

    def _wait_ready(self, deadline: float) -> None:
        """Ask the ready path every 10 ms until it answers 2xx."""
        seen, advice, config = "refused every connection", _ADVICE_READY, self.arm.config
        while True:
            if not self._started.running:
                raise StartError(
                    f"{self.arm.name} ended while starting ({self.end()})\n{self.tail()}",
                    code="server-died",
                    advice=_ADVICE_BUILD if self._started.rc else _ADVICE_FOREGROUND,
                )
            status = ask_status(self.target, config.ready, headers=config.ready_headers)
            if status and (self.arm.ready_any or 200 <= status < 300):  # noqa: PLR2004 - 2xx
                return
            if status is not None:
                seen = f"last answered {status}" if status else "accepted and did not answer"
                advice = _ADVICE_READY + (_ADVICE_NAME if status >= 400 else "")  # noqa: PLR2004 - 4xx, 5xx
            late = time.monotonic() > deadline
            where = self._elsewhere.look(self.target, self.pids, last=late)
            if where and (late or self._elsewhere.certain):
                raise StartError(
                    f"{self.arm.name} listens on {where}, not on {self.port}: GET "
                    f"{config.ready} at {self.port} {seen}\n{self.tail()}",
                    code="server-not-ready",
                    advice=self._elsewhere.advice,
                )
            if late:
                inside = self.target.space and _ADVICE_SPACE
                raise StartError(
                    f"{self.arm.name} was not ready after {config.ready_timeout:g} s: "
                    f"GET {config.ready} {seen}\n{self.tail()}",
                    code="server-not-ready",
                    advice=f"{advice}{inside or ''}",
                )
            self.cap_log()
            self._started.wait(_POLL_S)

    def _check_own(self) -> None:
        owners, others = listeners(self.port, self.pids(), self.target.space)
        if not owners or others:
            what = "shares its port with another process" if owners else "is not who listens there"
            raise StartError(
                f"{self.arm.name} answered on port {self.port}, but {what}",
                code="not-listener",
                advice="end the other process; or is `run` a wrapper around the server?",
            )
        self._owners = frozenset(owners)

    def _stop(self) -> None:
        began = time.monotonic()
        if self._child is not None:
            stop = self.arm.config.stop
            self._child.stop(signal.Signals[stop.signal], stop.grace)
            self._supervisor.sweep()
            busy = not self.target.space  # a namespace ends with those in it
            while busy and not is_free(self.port) and time.monotonic() < began + _PORT_FREE_S:
                time.sleep(_POLL_S)
        self.stop_s = time.monotonic() - began
        self._held.close()
        self.cap_log()


_ADVICE_BUILD: Final = "is it built (`bench build`), and does its `run` command work by hand?"
_ADVICE_FOREGROUND: Final = (
    "exit code 0 before it was ready: either it went into the background (keep it in the "
    "foreground; nginx: `daemon off;`), or its command defines a server and starts none"
)
_ADVICE_READY: Final = "check `ready`, `run` and how the port is passed in its server.yaml"
_ADVICE_SPACE: Final = (
    "; it has a network namespace of its own (`port`): no other program of this machine, such as "
    "a database, can be reached from it"
)
_ADVICE_NAME: Final = "; one that answers only to a name of its own: `ready_headers: {host: NAME}`"


def _python(arm: Arm) -> str:
    """The interpreter for `{python}`; looked for only where `run` or `env` names it."""
    named = [*arm.config.run, *arm.config.env.values(), *arm.env.values()]
    wanted = any("{python}" in word for word in named)
    return (toolchain(arm).python or "") if wanted else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
