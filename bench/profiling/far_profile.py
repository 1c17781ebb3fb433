"""Profiles a server on its own machine: the profiler runs there, what it wrote comes here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench.errors import ToolMissingError
from bench.loadtools import ranked
from bench.model.plan import Arm
from bench.process.remote.operations import operation
from bench.profiling.at_work import Look, ProfilerAtWork
from bench.profiling.setup import Prepared, prepare
from bench.run.whereabouts import check_told
from bench.trial.remote import server_side
from bench.trial.remote.remote_life import RemoteLife

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.model.load_result import Loop
    from bench.model.plan import CpuSplit
    from bench.model.summary import BuildRecord
    from bench.process import SupervisorClient
    from bench.process.remote.agent import Agent
    from bench.sampler import Observation
    from bench.servers import RunningServer
    from bench.trial import TrialRun, TrialSetting
    from bench.trial.load import LoadRun
    from bench.trial.remote.lab import Lab
    from bench.trial.remote.remote_server import RemoteServer

_PREPARE_S: Final = 60.0
_READ_S: Final = 400.0
_STAYS: Final = frozenset({"perf.data", "v8.log", "server.log", "postgres.log"})
"""Not brought: what perf recorded is brought as text, as it is read."""


class FarProfiles:
    """Where servers are profiled: the machines of a group. See `profile_run.OwnProfiles`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def split(self) -> CpuSplit:
        """The CPUs of the server on its machine, and how many the load has."""
        return self._lab.split(None, None)

    def tool(self, loop: Loop, seconds: float) -> str:
        """The preferred load tool that all machines of the load have.

        Raises:
            ToolMissingError: there is none.
        """
        first, *others = ranked(loop, [seconds])
        for name in (first, *others):
            try:
                self._lab.tool_versions([name])
            except ToolMissingError:
                continue
            return name
        self._lab.tool_versions([first])  # says what is missing where
        return first

    def prepare(self, arm: Arm, method: str) -> Prepared:
        """Choose the method by what the server's machine has and allows.

        Raises:
            UsageError: no profiler can be used there; says why. Or the server does not learn where
                to listen.
        """
        check_told(arm)
        placed = self._lab.builds.placed(arm)
        told = self._lab.server.call(
            prepare_here, within_s=_PREPARE_S, arm=placed.model_dump(), method=method
        )
        arms = {name: Arm.model_validate(told[name]) for name in ("plain", "profiled")}
        for one in arms.values():
            self._lab.builds.is_there(one)
        return Prepared(**{**told, **arms, "refused": tuple(told["refused"])})

    def missing(self, arm: Arm) -> str | None:
        """Why it cannot be built there, None = it can."""
        return self._lab.builds.missing(arm)

    def build(self, arm: Arm, supervisor: SupervisorClient, log: Path, cpus: str) -> BuildRecord:  # noqa: ARG002 - it is built elsewhere
        """Build it there."""
        return self._lab.builds.build(arm, log, cpus=cpus)

    def life(self, look: Look | None) -> Callable[[TrialSetting], TrialRun]:
        """What makes the life of a trial, looked into or not."""
        if look is None:
            return lambda setting: RemoteLife(setting, self._lab)
        return lambda setting: ProfiledRemoteLife(setting, self._lab, look)


class ProfiledRemoteLife(RemoteLife):
    """The life of a server on another machine that is looked into while the window goes on."""

    def __init__(self, setting: TrialSetting, lab: Lab, look: Look) -> None:
        self._look = look
        super().__init__(setting, lab)

    def serve(self) -> RemoteServer:
        """The server, whose agent hears of the profiler before it starts."""
        server = super().serve()
        server.start_by(start_looked_into, look=list(self._look))
        return server

    def at_start(self, start_at: float, longest_s: float) -> None:
        """Let the profiler begin with the load."""
        self._lab.server.call(
            begin_look,
            handle=self._handle,
            seconds=self.setting.profile.duration_s,
            start_at=self._lab.their_time(self._lab.server, start_at),
        )
        super().at_start(start_at, longest_s)

    def measured_window(self, load: LoadRun, observation: Observation) -> None:
        """Read there what the profiler saw, and bring it."""
        super().measured_window(load, observation)
        files = self._lab.server.call(end_look, within_s=_READ_S, handle=self._handle)
        for name, data in files.items():
            (self.setting.folder / name).write_bytes(data)


@operation
def prepare_here(agent: Agent, *, arm: dict[str, Any], method: str) -> dict[str, Any]:  # noqa: ARG001 - every operation gets it
    """Choose the method and make the two arms."""
    made = prepare(Arm.model_validate(arm), method)
    arms = {"plain": made.plain.model_dump(), "profiled": made.profiled.model_dump()}
    return {**made._asdict(), **arms}


@operation
def start_looked_into(
    agent: Agent, /, *, handle: str, look: list[Any], **how: Any
) -> dict[str, Any]:
    """Start a server as `server_side.start_server` does, made ready for a profiler."""

    def attach(server: RunningServer, folder: Path) -> None:
        agent.kept[f"look/{handle}"] = ProfilerAtWork(
            server, Look(*look), folder, agent.supervisor, None
        )

    return server_side.start_server(agent, handle=handle, before=attach, **how)


@operation
def begin_look(agent: Agent, *, handle: str, seconds: float, start_at: float) -> None:
    """Attach the profiler at a time of this machine's clock."""
    at_work: ProfilerAtWork = agent.kept[f"look/{handle}"]
    at_work.begin(seconds, start_at)


@operation
def end_look(agent: Agent, *, handle: str) -> dict[str, bytes]:
    """Wait for the profiler; what it wrote, by name."""
    at_work: ProfilerAtWork = agent.kept.pop(f"look/{handle}")
    at_work.end()
    return {
        path.name: path.read_bytes()
        for path in sorted((agent.folder / handle).iterdir())
        if path.is_file() and path.name not in _STAYS
    }
