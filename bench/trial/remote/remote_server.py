"""A server on another machine, and what watches it there, in the shapes of those on this one."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from bench.errors import BenchError, MachineLostError
from bench.model.http_protocol import WITH_TLS
from bench.model.machine_part import InterfaceUse
from bench.model.quarter import Quarter
from bench.model.target import Target
from bench.model.trial_record import CommandRecord, Counters, Resources, ServerRecord
from bench.sampler import Observation
from bench.servers.certificate import certificate
from bench.servers.existing import NOBODY
from bench.trial.remote import server_side

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from bench.host import QuickState
    from bench.model.plan import Arm, CpuSplit, Workload
    from bench.trial.remote.lab import Lab

_MORE_S: Final = 30.0
_STOP_S: Final = 60.0


def toward(target: Target, workload: Workload) -> dict[str, Any]:
    """What a machine of the load is to know of a server: `load_side.open_load` takes it."""
    return {
        "host": target.host,
        "port": target.port,
        "protocol": target.protocol,
        "trust": Path(target.trust).read_bytes() if target.trust else None,
        "workload": workload.model_dump(),
        "lua": Path(workload.lua).read_bytes() if workload.lua else None,
    }


class RemoteServer:
    """Context manager: a server that the agent of another machine starts and stops.

    Args:
        arm: with the folder that it has there.
        cpus: of the server, on its machine.
        lab: the machines.
        handle: names the trial to the agents.
        seed: decides its port.
        log: file of ours that receives its output at the end.
        asked: workloads that it will be asked, which decide about its services.
        resume: whether it may take TLS sessions up again.
    """

    def __init__(
        self,
        arm: Arm,
        cpus: CpuSplit,
        lab: Lab,
        handle: str,
        *,
        seed: int,
        log: Path,
        asked: Sequence[str],
        resume: bool = True,
    ) -> None:
        self.arm = arm
        speaks = arm.protocol or arm.config.protocols[0]
        self._tls = certificate(lab.address) if speaks in WITH_TLS else None
        self._asked = list(asked)
        self._resume = resume
        trust = str(self._tls.trust) if self._tls else ""
        self.target = Target(lab.address, 0, speaks, trust)
        self.port = 0
        self.pid = NOBODY
        self.ready_s = 0.0
        self.startup_s: float | None = None
        self.stop_s = 0.0
        self.log_cut = False
        self.database = None
        self._cpus = cpus
        self._lab = lab
        self._handle = handle
        self._seed = seed
        self._log = log
        self._started_by: tuple[Any, dict[str, Any]] = (server_side.start_server, {})
        self._record: ServerRecord | None = None
        self._command: CommandRecord | None = None
        self._state: dict[str, Any] = {"rc": None, "end": "", "tail": ""}

    def start_by(self, start: Any, **more: Any) -> None:
        """Have it started by another operation, which takes more than `start_server`."""
        self._started_by = (start, more)

    def __enter__(self) -> Self:
        try:
            start, more = self._started_by
            told = self._ask(
                start,
                within_s=self.arm.config.ready_timeout + _MORE_S,
                arm=self.arm.model_dump(),
                cpus=self._cpus.model_dump(),
                host=self._lab.address,
                seed=self._seed,
                asked=self._asked,
                resume=self._resume,
                tls=[file.read_bytes() for file in self._tls] if self._tls else [],
                **more,
            )
        except BenchError:
            self._stop()
            raise
        self.target = self.target._replace(host=told["host"], port=told["port"])
        self.port, self.pid = told["port"], told["pid"]
        self.ready_s, self.startup_s = told["ready_s"], told["startup_s"]
        self._record = ServerRecord.model_validate(told["record"])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None or issubclass(kind, Exception):
            self._stop()

    def _stop(self) -> None:
        """Stop it; one whose machine is gone ends with its agent."""
        with contextlib.suppress(MachineLostError):
            told = self._ask(server_side.stop_server, within_s=_STOP_S)
            if told:
                self.stop_s, self.log_cut = told["stop_s"], told["log_cut"]
                self._command = CommandRecord.model_validate(told["command"])
                self._log.write_bytes(told["log"])

    @property
    def rc(self) -> int | None:
        """Exit code once it has ended, None while it runs."""
        self._state = self._ask(server_side.how_it_is)
        rc: int | None = self._state["rc"]
        return rc

    def end(self) -> str:
        """How it ended, in words."""
        return str(self._state["end"])

    def tail(self) -> str:
        """The last lines of its output when it was last looked at."""
        return str(self._state["tail"])

    def check_database(self) -> None:
        """Check that the database beside it still runs; else a StartError, `database-down`."""
        if self.arm.config.wants_database(self._asked):
            self._ask(server_side.database_lives)

    def check_listener(self) -> int:
        """Check that who listens belongs to it; how many of its workers were replaced.

        Raises:
            StartError: `not-listener` or `server-restarted`.
        """
        return int(self._ask(server_side.still_listens))

    def memory_bytes(self) -> int:
        """0: its own machine's agent looks after its limit."""
        return 0

    def cap_log(self) -> None:
        """Its own machine's agent does that."""

    def answered(self, timeout_s: float) -> bool:
        """Wait until it answers its ready path again, at most that long."""
        return bool(
            self._ask(server_side.answers_again, within_s=timeout_s + _MORE_S, timeout_s=timeout_s)
        )

    def record(self, threads: int | None = None, processes: int | None = None) -> ServerRecord:
        """What the trial's record says about this process."""
        assert self._record is not None  # noqa: S101 - it was started
        return self._record.replace(threads=threads, processes=processes)

    def command_record(self) -> CommandRecord:
        """The command that repeats its start by hand, on its machine."""
        if self._command is not None:
            return self._command
        record = self.record()
        return CommandRecord(
            argv=record.argv, env=record.env, cpus=record.cpus, pid=record.pid, rc=None
        )

    def _ask(self, what: Any, *, within_s: float = _MORE_S, **data: Any) -> Any:
        return self._lab.server.call(what, within_s=within_s, handle=self._handle, **data)


class RemoteMark(NamedTuple):
    """A mark that the agent keeps, by its number."""

    number: int


class RemoteSampler:
    """Watches the server by the agent of its machine.

    Attributes:
        before: state of that machine before the window, put beside the window's counters.
        network: what went through its interface in the last window that was asked for.
    """

    def __init__(self, lab: Lab, handle: str, cpus: tuple[int, ...]) -> None:
        self.before: QuickState | None = None
        self.network: InterfaceUse | None = None
        self._lab = lab
        self._handle = handle
        self._cpus = cpus

    def __enter__(self) -> Self:
        self._ask(server_side.begin_sampling, cpus=self._cpus)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The agent lets go of it with the server."""
        with contextlib.suppress(MachineLostError):
            self._lab.stop_looking()

    def mark(self) -> RemoteMark:
        """Have every clock and counter read now.

        Raises:
            StartError: `memory-limit`, of the time since the agent was left alone.
        """
        over = self._lab.stop_looking()
        mark = RemoteMark(self._ask(server_side.mark_now))
        if over is not None:
            over.result()
        return mark

    def window(self, begin: RemoteMark, end: RemoteMark) -> Observation:
        """What happened between two marks."""
        before = tuple(self.before) if self.before else None
        told = self._ask(
            server_side.between_marks, begin=begin.number, end=end.number, before=before
        )
        used = told["network"]
        self.network = InterfaceUse.model_validate(used) if used else None
        return Observation(
            resources=Resources.model_validate(told["resources"]),
            counters=Counters.model_validate(told["counters"]),
            series=tuple(told["series"]),
            cpu_series=tuple(told["cpu_series"]),
            threads=told["threads"],
            processes=told["processes"],
        )

    def set_load_pids(self, pids: object) -> None:
        """Load processes are watched where they run."""

    def watch_work(self, *, on: bool) -> None:
        """Look at what the server has done, too."""
        self._ask(server_side.watch_work_of, on=on)

    def quarters(self, begin_s: float) -> tuple[Quarter, ...]:
        """CPU time per unit of work of each quarter of a second since then."""
        began_s = self._lab.their_time(self._lab.server, begin_s)
        told = self._ask(server_side.quarters_since, began_s=began_s)
        return tuple(Quarter(*each) for each in told)

    def _ask(self, what: Any, **data: Any) -> Any:
        return self._lab.server.call(what, handle=self._handle, **data)
