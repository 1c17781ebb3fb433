"""A server under test while it runs: started, recognised as ready, and stopped without a trace."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from bench.errors import BenchError, StartError
from bench.model.target import LOOPBACK, InnerTarget, Target
from bench.model.trial_record import CommandRecord, ServerRecord
from bench.process import Command, network_space, spaces_allowed
from bench.process.family import family_pids
from bench.servers.environment import base_environment, redacted, startable
from bench.servers.ports import choose_port, is_free, listeners
from bench.servers.postgres import Postgres, postgres_for
from bench.servers.readiness import SWITCHING, Elsewhere, ask_ready, ask_status
from bench.servers.secure import OtherProtocolError
from bench.servers.server_log import ServerLog, WithLog
from bench.servers.start_advice import (
    ADVICE_BUILD,
    ADVICE_FOREGROUND,
    ADVICE_PROTOCOL,
    advice_for,
    not_ready,
    signal_name,
)
from bench.servers.start_values import Spoken, filled

if TYPE_CHECKING:
    import random
    from collections.abc import Collection
    from types import TracebackType

    from bench.model.http_protocol import HttpProtocol
    from bench.model.plan import Arm, CpuSplit
    from bench.process import Child, SupervisorClient
    from bench.servers.certificate import Certificate

__all__ = ["SWITCHING", "RunningServer", "ask_status"]

_POLL_S: Final = 0.010
_PORT_FREE_S: Final = 5.0


class RunningServer(WithLog):
    """Context manager: a fresh process on a free port, ready and listening itself.

    Args:
        arm: the server and its environment.
        cpus: the CPU split of the run.
        log: file that receives its output; cut back to 1 MB when it grows beyond 16 MB.
        asked: workloads that it will be asked, which decide about its services; None = others.
        host: the address of this machine on which it is to listen.
        protocol: what it is to speak, and is asked by. Default: the first of its own.
        resume: whether it may take TLS sessions up again.
        tls: its certificate, where the run is led from another machine.

    Attributes:
        port: where it listens; drawn when it is started, 0 before.
        target: the same as a whole address; on ::1 where it listens there only.
        more_env: added to its environment, where set before it is started.
        more_words: put after the program of its command, the same.
        ready_s: seconds from the start to ready and known to listen itself.
        startup_s: seconds from the start to the first right answer on its ready path.
        stop_s: seconds from asking it to stop until its port was free.

    Raises:
        StartError: it did not get ready; `code` says why.
    """

    def __init__(
        self,
        arm: Arm,
        cpus: CpuSplit,
        supervisor: SupervisorClient,
        rng: random.Random,
        log: Path,
        *,
        asked: Collection[str] | None = None,
        host: str = LOOPBACK,
        protocol: HttpProtocol | None = None,
        resume: bool = True,
        tls: Certificate | None = None,
    ) -> None:
        self.arm = arm
        self.database: Postgres | None = None
        self.port = 0
        speaks = protocol or arm.protocol or arm.config.protocols[0]
        self._spoken = Spoken.of(speaks, resume=resume, files=tls)
        self.target = Target(host, self.port, speaks)
        self.ready_s = 0.0
        self.startup_s: float | None = None
        self.stop_s = 0.0
        self._owners: frozenset[int] = frozenset()
        self._cpus = cpus
        self._supervisor = supervisor
        self._log = ServerLog(log)
        self._rng = rng
        self._asked = asked
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
            self._start_database()
            self._fill()
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
            stdout=self._log.path,
            space=self.target.space,
        )
        try:
            self._child = self._supervisor.spawn(command)
        except BenchError as error:
            raise StartError(
                error.message, code="server-died", advice=error.advice or ADVICE_BUILD
            ) from None
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

    def check_listener(self) -> int:
        """Check that its processes listen, and nobody else.

        Returns:
            How many of those that listened when it got ready were replaced by others: its first
            process lives, and starts new workers.

        Raises:
            StartError: `not-listener`.
        """
        owners, others = listeners(self.port, self.pids(), self.target.space)
        if not owners or others:
            what = "another process shares its port" if owners else "it no longer listens"
            raise StartError(f"{self.arm.name}: after the load {what}", code="not-listener")
        return len(self._owners - owners)

    def check_database(self) -> None:
        """Check that the database beside it still runs; else a StartError, `database-down`."""
        if self.database is not None:
            self.database.check()

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
        with contextlib.suppress(OtherProtocolError):
            given = ask_status(self.target, config.ready, timeout_s, headers=config.ready_headers)
            return bool(given)
        return False

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
            database=self.database.record() if self.database else None,
        )

    def command_record(self) -> CommandRecord:
        """The command that repeats its start by hand."""
        record = self.record()
        return CommandRecord(
            argv=self.argv, env=record.env, cpus=record.cpus, pid=self.pid, rc=self._started.rc
        )

    def end(self) -> str:
        """How it ended, in words."""
        rc = self._started.rc or 0
        return f"signal {signal_name(-rc)}" if rc < 0 else f"exit code {rc}"

    @property
    def _started(self) -> Child:
        if self._child is None:
            raise BenchError(f"{self.arm.name} was never started")
        return self._child

    def _draw_port(self) -> None:
        """Draw the port now: a server started just before, as in a duet, has taken its own."""
        fixed, host = self.arm.config.port, self.target.host
        self.port = choose_port(self._rng, host) if fixed is None else fixed
        at = Target(host, self.port, self._spoken.protocol, self._spoken.trust)
        self.target = at if fixed is None else self._fixed(at)

    def _start_database(self) -> None:
        """Start the PostgreSQL that it needs for what it is asked, before its own clock."""
        if self.arm.config.wants_database(self._asked):
            log, space = self._log.path.with_name("postgres.log"), self.target.space
            made = postgres_for(self.arm.name, self._cpus, self._supervisor, self._rng, log)
            self.database = self._held.enter_context(made.inside(space))

    def _fill(self) -> None:
        """What it is started with, now that all of it is known."""
        postgres = {
            "postgres_url": self.database.url if self.database else "",
            "postgres_pool": str(self.database.pool if self.database else 0),
        }
        cpus = self._cpus.server_count
        (program, *words), env = filled(self.arm, self.target, cpus, self._spoken, postgres)
        self.own_env = env | self.more_env
        self.argv = (program, *self.more_words, *words)

    def _fixed(self, at: Target) -> Target:
        """Its own port: in a network namespace where there are any, else where nobody has it."""
        if at.host == LOOPBACK and spaces_allowed():  # another machine reaches into none
            away = self._cpus.housekeeping if self._cpus.pinning.state == "pinned" else None
            space = self._held.enter_context(network_space(self._supervisor, away))
            return InnerTarget.at(at.port, space, protocol=at.protocol, trust=at.trust)
        if not is_free(at.port, at.host):
            raise StartError(
                f"{self.arm.name} needs port {at.port}, on which another program listens",
                code="port-busy",
                advice="end that program: network namespaces, in which each server has its ports "
                "to itself, are not allowed here",
            )
        return at

    def _wait_ready(self, deadline: float) -> None:
        """Ask the ready path every 10 ms until it answers 2xx."""
        seen, advice, config = "refused every connection", advice_for(0), self.arm.config
        while True:
            if not self._started.running:
                raise StartError(
                    f"{self.arm.name} ended while starting ({self.end()})\n{self.tail()}",
                    code="server-died",
                    advice=ADVICE_BUILD if self._started.rc else ADVICE_FOREGROUND,
                )
            status = self._ask()
            if status and (self.arm.ready_any or 200 <= status < 300):  # noqa: PLR2004 - 2xx
                return
            if status is not None:
                seen = f"last answered {status}" if status else "accepted and did not answer"
                advice = advice_for(status)
            late = time.monotonic() > deadline
            where = self._elsewhere.look(self.target, self.pids, last=late)
            if where and (late or self._elsewhere.certain):
                raise StartError(
                    f"{self.arm.name} listens on {where}, not on {self.port}: GET "
                    f"{config.ready} at {self.port} {seen}\n{self.tail()}",
                    code="server-not-ready",
                    advice=self._elsewhere.advice,
                    listens=self._elsewhere.port,
                )
            if late:
                raise not_ready(self.arm, self.target, f"{seen}\n{self.tail()}", advice)
            self.cap_log()
            self._started.wait(_POLL_S)

    def _ask(self) -> int | None:
        """Status of the ready path; a server that listens on ::1 alone is asked there."""
        try:
            status, self.target = ask_ready(self.target, self.arm.config)
        except OtherProtocolError as error:
            raise StartError(
                f"{self.arm.name} was started for {self._spoken.protocol}: {error}\n{self.tail()}",
                code="other-protocol",
                advice=ADVICE_PROTOCOL,
            ) from None
        return status

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

    def _is_free(self) -> bool:
        return is_free(self.port, self.target.host)

    def _stop(self) -> None:
        began = time.monotonic()
        if self._child is not None:
            stop = self.arm.config.stop
            self._child.stop(signal.Signals[stop.signal], stop.grace)
            self._supervisor.sweep()
            busy = not self.target.space  # a namespace ends with those in it
            while busy and not self._is_free() and time.monotonic() < began + _PORT_FREE_S:
                time.sleep(_POLL_S)
        self.stop_s = time.monotonic() - began
        self._held.close()
        self.cap_log()
