"""The server's side, on its own machine: builds and starts servers, and reads that machine.

Every function is an operation of the agent there; what it keeps goes by the handle of a trial.
"""

from __future__ import annotations

import contextlib
import io
import random
import shutil
import tarfile
import time
from typing import TYPE_CHECKING, Any, Final

from bench.errors import StartError
from bench.host import quick_state
from bench.host.state import QuickState
from bench.model.plan import Arm, CpuSplit
from bench.process.priority import keep_off
from bench.process.remote.operations import operation
from bench.sampler import Sampler
from bench.sampler.interface import Interface
from bench.servers import RunningServer, build, missing
from bench.servers.building import content_hash, toolchain
from bench.servers.certificate import Certificate
from bench.store.cache import cache_folder
from bench.trial.cores import with_power
from bench.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.process.remote.agent import Agent
    from bench.sampler import Mark
    from bench.sampler.interface import InterfaceReading

_LOOK_S: Final = 0.25
_MARK_S: Final = 0.02
"""How long before the start the first mark is read: it takes some milliseconds."""


class HeldServer:
    """A server of one trial, with what watches it.

    Attributes:
        marks: those that were asked for, in order, each with its reading of the interface.
    """

    def __init__(self, server: RunningServer, log: Path) -> None:
        self.server = server
        self.log = log
        self.stack = contextlib.ExitStack()
        self.cpus: tuple[int, ...] = ()
        self.sampler: Sampler | None = None
        self.interface = Interface.of_address(server.target.host)
        self.marks: list[tuple[Mark, InterfaceReading | None]] = []

    def mark(self) -> tuple[Mark, InterfaceReading | None]:
        """Every clock and counter now."""
        seen = self.interface.read() if self.interface else None
        return self.sampling.mark(), seen

    def look_after(self) -> None:
        """Cut a flooded log back, and hold the server to its limit.

        Raises:
            StartError: `memory-limit`, or `database-down`.
        """
        self.server.cap_log()
        self.server.check_database()
        arm, limit = self.server.arm, self.server.arm.config.memory_limit
        if limit and (used := self.server.memory_bytes()) > limit:
            raise StartError(
                f"{arm.name} used {format_bytes(used)} of memory, "
                f"`memory_limit` is {format_bytes(limit)}",
                code="memory-limit",
            )

    @property
    def sampling(self) -> Sampler:
        """The sampler, once it was begun."""
        assert self.sampler is not None  # noqa: S101 - the controller begins it first
        return self.sampler


def _held(agent: Agent, handle: str) -> HeldServer:
    found: HeldServer = agent.kept[f"server/{handle}"]
    return found


# -- sources and builds -----------------------------------------------------------------------


def _home(digest: str) -> Path:
    return cache_folder() / "far" / digest[:16]


@operation
def has_sources(agent: Agent, *, digest: str) -> bool:  # noqa: ARG001 - every operation gets it
    """Whether the sources of that hash are here already."""
    return (_home(digest) / ".whole").is_file()


@operation
def put_sources(agent: Agent, *, digest: str, data: bytes) -> None:  # noqa: ARG001 - the same
    """Unpack the sources of a server; links that lead out of them are refused by tarfile."""
    home = _home(digest)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(home / "tree", filter="data")
    (home / ".whole").write_bytes(b"")


@operation
def place_of(agent: Agent, *, digest: str, below: str) -> str:  # noqa: ARG001 - the same
    """The folder of a server among its sources."""
    return str(_home(digest) / "tree" / below)


@operation
def lacking(agent: Agent, *, arm: dict[str, Any]) -> str | None:  # noqa: ARG001 - the same
    """Why a server cannot be built here, None = it can."""
    return missing(Arm.model_validate(arm))


@operation
def content_of(agent: Agent, *, arm: dict[str, Any]) -> str:  # noqa: ARG001 - the same
    """Hash of what a build of it would be made of, here and now."""
    made = Arm.model_validate(arm)
    return content_hash(made, toolchain(made))


@operation
def build_server(agent: Agent, *, arm: dict[str, Any], cpus: str) -> dict[str, Any]:
    """Build a server; its record and its log."""
    made = Arm.model_validate(arm)
    log = agent.folder / "builds" / f"{made.name}.log"
    log.parent.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    record = build(made, agent.supervisor, log, cpus=cpus)
    return {"record": record.model_dump(), "log": log.read_bytes()}


# -- the server of a trial --------------------------------------------------------------------


@operation
def start_server(
    agent: Agent, *, handle: str, arm: dict[str, Any], cpus: dict[str, Any], host: str, seed: int,
    asked: list[str], resume: bool, tls: list[bytes],
    before: Callable[[RunningServer, Path], None] = lambda *_: None,
) -> dict[str, Any]:  # fmt: skip
    """Start a server on an address of this machine and wait until it is ready.

    Its key is here for as long as it runs, in a folder that only this user can read. Operations
    that add something to it do that by `before`, with the trial's folder.
    """
    folder = agent.folder / handle
    folder.mkdir()
    split = CpuSplit.model_validate(cpus)
    keep_off(split.server)
    server = RunningServer(
        Arm.model_validate(arm),
        split,
        agent.supervisor,
        random.Random(seed),  # noqa: S311 - repeatable, not secret
        folder / "server.log",
        asked=asked,
        host=host,
        resume=resume,
        tls=_written(folder / "tls", tls),
    )
    before(server, folder)
    held = HeldServer(server, folder / "server.log")
    with contextlib.ExitStack() as started:
        started.callback(shutil.rmtree, folder / "tls", ignore_errors=True)
        started.enter_context(server)
        held.stack = started.pop_all()
    agent.kept[f"server/{handle}"] = held
    return {
        "host": server.target.host,
        "port": server.port,
        "pid": server.pid,
        "ready_s": server.ready_s,
        "startup_s": server.startup_s,
        "record": server.record().model_dump(),
    }


def _written(folder: Path, tls: list[bytes]) -> Certificate | None:
    """Certificate, key and authority as files; None without TLS."""
    if not tls:
        return None
    folder.mkdir(mode=0o700)
    files = Certificate(*(folder / f"{name}.pem" for name in Certificate._fields))
    for file, data in zip(files, tls, strict=True):
        file.write_bytes(data)
    return files


@operation
def stop_server(agent: Agent, *, handle: str) -> dict[str, Any]:
    """Stop it and hand over its log."""
    held: HeldServer | None = agent.kept.pop(f"server/{handle}", None)
    if held is None:
        return {}
    held.stack.close()
    return {
        "stop_s": held.server.stop_s,
        "log_cut": held.server.log_cut,
        "command": held.server.command_record().model_dump(),
        "log": held.log.read_bytes() if held.log.is_file() else b"",
    }


@operation
def how_it_is(agent: Agent, *, handle: str) -> dict[str, Any]:
    """Whether it runs, and where it does not, how it ended."""
    server = _held(agent, handle).server
    rc = server.rc
    return {"rc": rc, "end": "" if rc is None else server.end(), "tail": server.tail()}


@operation
def database_lives(agent: Agent, *, handle: str) -> None:
    """Check that the database beside it still runs."""
    _held(agent, handle).server.check_database()


@operation
def still_listens(agent: Agent, *, handle: str) -> int:
    """Check that who listens belongs to it; how many of its workers were replaced."""
    return _held(agent, handle).server.check_listener()


@operation
def answers_again(agent: Agent, *, handle: str, timeout_s: float) -> bool:
    """Wait until it answers its ready path."""
    return _held(agent, handle).server.answered(timeout_s)


@operation
def state_now(agent: Agent, *, cpus: tuple[int, ...]) -> tuple[Any, ...]:  # noqa: ARG001 - the same
    """Source of power and pressure of this machine."""
    return tuple(quick_state(cpus))


# -- what it used -----------------------------------------------------------------------------


@operation
def begin_sampling(agent: Agent, *, handle: str, cpus: tuple[int, ...]) -> None:
    """Begin to watch the server; its traffic is that of the interface it listens on."""
    held = _held(agent, handle)
    held.cpus = cpus
    sampler = Sampler(
        server_pid=held.server.pid,
        server_cpus=cpus,
        load_cpus=(),
        port=held.server.port,
        traffic=held.interface.bytes_through if held.interface else None,
        database_pid=held.server.database.pid if held.server.database else 0,
    )
    held.sampler = held.stack.enter_context(sampler)


@operation
def mark_now(agent: Agent, *, handle: str) -> int:
    """Read every clock and counter; the number of the mark."""
    held = _held(agent, handle)
    held.marks.append(held.mark())
    return len(held.marks) - 1


@operation
def watch_work_of(agent: Agent, *, handle: str, on: bool) -> None:
    """Look at what the server has done, too: during a warm-up."""
    _held(agent, handle).sampling.watch_work(on=on)


@operation
def quarters_since(agent: Agent, *, handle: str, began_s: float) -> tuple[tuple[float, float], ...]:
    """CPU time per unit of work since then, by this machine's clock."""
    return tuple(
        (each.cpu_s, each.cost) for each in _held(agent, handle).sampling.quarters(began_s)
    )


@operation
def between_marks(
    agent: Agent, *, handle: str, begin: int, end: int, before: tuple[Any, ...] | None
) -> dict[str, Any]:
    """What happened between two marks, with the state of the machine before and now."""
    held = _held(agent, handle)
    (first, one), (last, other) = held.marks[begin], held.marks[end]
    seen = held.sampling.window(first, last)
    if before is not None:
        seen = with_power(seen, QuickState(*before), quick_state(held.cpus))
    used = held.interface.between(one, other) if held.interface else None
    return {
        "resources": seen.resources.model_dump(),
        "counters": seen.counters.model_dump(),
        "series": seen.series,
        "cpu_series": seen.cpu_series,
        "threads": seen.threads,
        "processes": seen.processes,
        "network": used.model_dump() if used else None,
    }


@operation
def look_on(agent: Agent, *, start_at: float, longest_s: float) -> None:
    """Look after the servers until we are asked to stop: no message comes within a window.

    The last mark of each is read again as the load begins: it was read some time before.
    """
    agent.stopping.wait(max(0.0, start_at - _MARK_S - time.monotonic()))
    watched = [one for one in agent.kept.values() if isinstance(one, HeldServer) and one.marks]
    for held in watched:
        held.marks[-1] = held.mark()
    until = time.monotonic() + longest_s
    while time.monotonic() < until and not agent.stopping.wait(_LOOK_S):
        for held in watched:
            held.look_after()
