"""A server that somebody else runs on this machine: looked at, never started, never stopped."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from bench.errors import StartError
from bench.model.trial_record import CommandRecord, ServerRecord
from bench.servers.ports import LOOPBACK
from bench.servers.running import RunningServer, ask_status

if TYPE_CHECKING:
    import random
    from pathlib import Path
    from types import TracebackType

    from bench.model.plan import Arm, CpuSplit
    from bench.process import Supervisor

NOBODY: Final = 2**30
"""Stands for a process id that cannot be found: no system gives out such a number."""


class ExistingServer:
    """Context manager with the shape of `RunningServer` around a server at a known port.

    Its process is found by the port where the system tells (another user's cannot be seen);
    where it is not, the server's CPU time and memory are not known.

    Args:
        arm: with `url`.

    Raises:
        StartError: `server-not-ready`, nobody answers there.
    """

    ready_s = 0.0
    stop_s = 0.0
    obeyed = True
    strays = 0
    log_cut = False

    def __init__(self, arm: Arm) -> None:
        self.arm = arm
        self.port = urlsplit(arm.url or "").port or 80
        self.pid = listener_pid(self.port) or NOBODY

    def __enter__(self) -> Self:
        if ask_status(self.port, self.arm.config.ready) is None:
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

    def check_listener(self) -> None:
        """Check that the same process listens as before.

        Raises:
            StartError: `server-restarted`.
        """
        if self.pid != NOBODY and listener_pid(self.port) != self.pid:
            raise StartError(
                f"{self.arm.name}: another process than before listens on port {self.port}",
                code="server-restarted",
            )

    def memory_bytes(self) -> int:
        """0: a limit cannot be set for a server that is not ours."""
        return 0

    def answered(self, timeout_s: float) -> bool:
        """Wait until it answers again, at most that long."""
        deadline = time.monotonic() + timeout_s
        return bool(ask_status(self.port, self.arm.config.ready, deadline - time.monotonic()))

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


def listener_pid(port: int) -> int | None:
    """Process that listens on a port of the loopback or of any address; None = not to be seen."""
    import psutil  # noqa: PLC0415 - late, see `bench --help`

    with contextlib.suppress(psutil.Error, OSError):
        for one in psutil.net_connections(kind="tcp"):
            here = one.laddr and one.laddr.port == port
            if here and one.status == psutil.CONN_LISTEN and one.pid:
                return int(one.pid)
    return None


def serving(
    arm: Arm, cpus: CpuSplit, supervisor: Supervisor, rng: random.Random, log: Path
) -> RunningServer | ExistingServer:
    """The server of a trial: started for it, or one that runs already."""
    if arm.url is not None:
        return ExistingServer(arm)
    return RunningServer(arm, cpus, supervisor, rng, log)


def is_here(host: str) -> bool:
    """Whether traffic to that host stays on this machine's IPv4 loopback."""
    return host in ("localhost", LOOPBACK)
