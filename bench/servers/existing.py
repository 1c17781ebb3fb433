"""A server started outside bench: looked at, never started, never stopped."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final, Self

from bench.errors import StartError
from bench.model.target import Target
from bench.model.trial_record import CommandRecord, ServerRecord
from bench.servers.running import RunningServer, ask_status

if TYPE_CHECKING:
    import random
    from collections.abc import Collection
    from pathlib import Path
    from types import TracebackType

    from bench.model.http_protocol import HttpProtocol
    from bench.model.plan import Arm, CpuSplit
    from bench.process import SupervisorClient

NOBODY: Final = 2**30
"""Stands for a process id that cannot be found: no system gives out such a number."""


class ExistingServer:
    """Context manager with the shape of `RunningServer` around a server at a known address.

    Its process is found by the address where the system tells (another user's or another
    machine's cannot be seen); where it is not, its CPU time and memory are not known.

    Raises:
        StartError: `server-not-ready`, nobody answers there.
    """

    ready_s = 0.0
    startup_s = None
    database = None
    stop_s = 0.0
    log_cut = False

    def __init__(self, arm: Arm) -> None:
        self.arm = arm
        self.target = Target.of_url(arm.url or "")
        self.port = self.target.port
        self.pid = listener_pid(self.target) or NOBODY

    def __enter__(self) -> Self:
        config = self.arm.config
        if ask_status(self.target, config.ready, headers=config.ready_headers) is None:
            raise StartError(
                f"nobody answers at {self.arm.url}",
                code="server-not-ready",
                advice="start the server first",
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave it as it is."""

    @property
    def rc(self) -> int | None:
        """None: whether it ended is seen by its answers only."""
        return None

    def check_listener(self) -> int:
        """Check that the same process listens as before; its workers are not looked at.

        Raises:
            StartError: `server-restarted`.
        """
        if self.pid != NOBODY and listener_pid(self.target) != self.pid:
            raise StartError(
                f"{self.arm.name}: another process than before listens at {self.target.authority}",
                code="server-restarted",
            )
        return 0

    def check_database(self) -> None:
        """Its database, where it has one, is not ours."""

    def memory_bytes(self) -> int:
        """0: a limit cannot be set for a server that is not ours."""
        return 0

    def answered(self, timeout_s: float) -> bool:
        """Wait until it answers again, at most that long."""
        deadline = time.monotonic() + timeout_s
        left, config = deadline - time.monotonic(), self.arm.config
        return bool(ask_status(self.target, config.ready, left, headers=config.ready_headers))

    def record(self, threads: int | None = None, processes: int | None = None) -> ServerRecord:
        """What the trial's record says about it."""
        return ServerRecord(
            argv=(self.arm.url or "",),
            env={},
            cpus=None,
            port=self.port,
            pid=self.pid,
            threads=threads,
            processes=processes,
        )

    def command_record(self) -> CommandRecord:
        """Its address in place of a command."""
        return CommandRecord(argv=(self.arm.url or "",), env={}, cpus=None, pid=self.pid, rc=None)

    def cap_log(self) -> None:
        """Its log is not ours."""

    def tail(self) -> str:
        """Its log is not ours."""
        return ""

    def end(self) -> str:
        """Not known."""
        return "it is not known how it ended"


def listener_pid(target: Target) -> int | None:
    """Process that listens at a loopback address; None = not to be seen.

    One that listens at that very address gets its connections before one that listens at all.
    Of processes that share one socket it is the one that started the others.
    """
    if not target.is_local:
        return None
    listening = _listening(target.port)
    any_address = ("::",) if ":" in target.host else ("0.0.0.0", "::")  # noqa: S104 - nothing is bound
    for address in (target.host, f"::ffff:{target.host}", *any_address):
        if address in listening:
            return _first(listening[address], target.port)
    return None


def _first(pid: int, port: int) -> int:
    """The process that started the others on a socket: workers may come and go."""
    import psutil  # noqa: PLC0415 - late, see `bench --help`

    with contextlib.suppress(psutil.Error):
        while (parent := psutil.Process(pid).parent()) and parent.pid > 1:
            sockets = parent.net_connections(kind="tcp")
            if not any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in sockets):
                break
            pid = parent.pid
    return pid


def _listening(port: int) -> dict[str, int]:
    """Address -> process that listens there on a port."""
    import psutil  # noqa: PLC0415 - late, see `bench --help`

    found: dict[str, int] = {}
    with contextlib.suppress(psutil.Error, OSError):
        for one in psutil.net_connections(kind="tcp"):
            if (
                one.laddr
                and one.laddr.port == port
                and one.status == psutil.CONN_LISTEN
                and one.pid
            ):
                found[one.laddr.ip] = int(one.pid)
    return found


def serving(
    arm: Arm,
    cpus: CpuSplit,
    supervisor: SupervisorClient,
    rng: random.Random,
    log: Path,
    *,
    protocol: HttpProtocol | None = None,
    resume: bool = True,
    asked: Collection[str] | None = None,
) -> RunningServer | ExistingServer:
    """The server of a trial: started for it, or one that runs already, and speaks plain HTTP."""
    if arm.url is not None:
        return ExistingServer(arm)
    return RunningServer(
        arm, cpus, supervisor, rng, log, asked=asked, protocol=protocol, resume=resume
    )
