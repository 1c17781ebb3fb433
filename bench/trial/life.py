"""What one server goes through in a trial, step by step, and the record that comes of it."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import BenchError, StartError, VerifyError
from bench.host import quick_state
from bench.loadtools import TOOLS
from bench.loadtools.install.find import find_tool
from bench.model.trial_record import (
    Exchange,
    SidechannelResult,
)
from bench.sampler import Sampler, with_load_cpu
from bench.servers import serving
from bench.trial.cores import with_power
from bench.trial.handshake_watch import HandshakeWatch
from bench.trial.load import Loader, LoadFailure, LoadRun
from bench.trial.questioning import Questioning
from bench.trial.resumption import resumes
from bench.trial.validity import uncountable
from bench.trial.verify import verify
from bench.units import format_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from bench.host import QuickState
    from bench.model.finding import Finding
    from bench.model.machine_part import MachinePart
    from bench.model.plan import Arm, CpuSplit, LoadProfile, PlannedTrial, Workload
    from bench.model.trial_record import CommandRecord, ServerRecord
    from bench.process import SupervisorClient
    from bench.sampler import Observation
    from bench.trial.learned_work import LearnedWork
    from bench.trial.seam import TrialLoader, TrialQuestions, TrialSampler, TrialServer

_LOOK_EVERY_S: Final = 0.25
_SEGMENTS_BYTES: Final = 250
"""Headers of a request and of TCP segments, about: beside the bytes of bodies and answers."""

_ENDED_ITSELF: Final = (
    "exit code 0: it ended by itself, as after so many requests (uvicorn: --limit-max-requests): "
    "leave such a limit out, or give it workers that are replaced"
)


class TrialSetting(NamedTuple):
    """What a trial is made of.

    Attributes:
        planned: which cell in which round; `planned.id` names the folder.
        profile: with its offered rate filled in.
        order: position in the run, from 0.
        started: UTC, ISO 8601.
        rng: decides port, pool and questions of this trial.
        schedule: decides random arrivals: the same for all servers of a round.
        learned: how much work warms each server, shared by a run's trials; None = not learned.
    """

    planned: PlannedTrial
    arm: Arm
    workload: Workload
    profile: LoadProfile
    cpus: CpuSplit
    supervisor: SupervisorClient
    folder: Path
    order: int
    started: str
    rng: random.Random
    build_hash: str | None
    schedule: int = 0
    learned: LearnedWork | None = None


class TrialRun:
    """One server's part in a trial, while it goes on."""

    def __init__(self, setting: TrialSetting) -> None:
        self.setting = setting
        self.server = self.serve()
        self.phases = dict.fromkeys(
            ("start", "verify", "warmup", "window", "drain", "stop", "total"), 0.0
        )
        self.failure: tuple[str, str] | None = None
        self.measured = False
        self.commands: tuple[CommandRecord, ...] = ()
        self.exchanges: tuple[Exchange, ...] = ()
        self.took: list[float] = []
        self.load: LoadRun | None = None
        self.observation: Observation | None = None
        self.warmup_series: tuple[float, ...] = ()
        self.process: ServerRecord | None = None
        self.loader: TrialLoader[Any] | None = None
        self.notes: list[Finding] = []
        self.warmed_from_s = 0.0
        self.questioning: TrialQuestions | None = None
        self.state_before: QuickState | None = None
        self.next_look = 0.0
        self.handshakes = HandshakeWatch(setting.profile)
        self.replaced = self.log_bytes = self.logged_bytes = 0
        self.machines: tuple[MachinePart, ...] = ()
        self.alone = True
        self.disturbances: tuple[Finding, ...] = ()

    def serve(self) -> TrialServer:
        """The server of this trial, not yet started."""
        setting = self.setting
        given = (setting.arm, setting.cpus, setting.supervisor, setting.rng)
        return serving(
            *given,
            setting.folder / "server.log",
            asked=(setting.workload.id,),
            protocol=setting.profile.protocol,
            resume=setting.profile.resume,
        )

    def has_tool(self, name: str) -> bool:
        """Whether that load tool is where the load runs."""
        return find_tool(name) is not None

    def fail(self, code: str, error: BenchError) -> None:
        """Remember why the trial ends here; a server that died is named before its symptom."""
        if self.failure is None:
            self.failure = (code, str(error))

    def launched(self) -> None:
        """The server is ready; note how it was started."""
        self.phases["start"] = self.server.ready_s
        self.process = self.server.record()
        self.open_side_channel()

    def open_side_channel(self) -> None:
        """Make ready what asks beside the load.

        How many questions are asked depends on how fast the server answers: with draws of
        their own they leave those of the closing check to the seed alone.
        """
        setting = self.setting
        own = random.Random(setting.rng.getrandbits(64))  # noqa: S311 - repeatable, not secret
        self.questioning = Questioning(self.server.target, setting.workload, setting.profile, own)

    def verify(self) -> None:
        """Ask every request kind before any load."""
        began = time.monotonic()
        try:
            self.exchanges = self.ask_all()
        except VerifyError:
            self._check_alive()
            raise
        finally:
            self.phases["verify"] += time.monotonic() - began
        self.handshakes.check(self.resumes)
        if reason := uncountable(self.setting.profile, self.exchanges):
            raise VerifyError(reason, code="tool-failed")

    def ask_all(self) -> tuple[Exchange, ...]:
        """Ask every request kind; the first wrong answer is raised."""
        return verify(
            self.server.target,
            self.setting.workload,
            self.setting.rng,
            timeout_s=self.setting.profile.timeout_s,
            took=self.took.append,
        )

    def resumes(self) -> bool:
        """Whether the server takes TLS sessions up again."""
        return resumes(self.server.target, self.setting.workload, self.setting.rng)

    def sampling(self) -> TrialSampler:
        """The sampler of this server."""
        return Sampler(
            server_pid=self.server.pid,
            server_cpus=self.setting.cpus.server,
            load_cpus=self.setting.cpus.load,
            port=self.server.port if self.server.target.is_local else None,
            space=self.server.target.space,
            database_pid=self.server.database.pid if self.server.database else 0,
        )

    def load_up(self) -> TrialLoader[Any]:
        """Make the load ready; from here on a failure is `invalid`, no longer `failed`."""
        self.loader = self.make_loader(self.setting.profile, "")
        self.measured = True
        return self.loader

    def make_loader(self, profile: LoadProfile, name: str) -> TrialLoader[Any]:
        """Make a load ready, in a folder of that name below the trial's; "" = the trial's own."""
        setting = self.setting
        folder = setting.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return Loader(
            tool=TOOLS[profile.tool],
            profile=profile,
            workload=setting.workload,
            target=self.server.target,
            cpus=setting.cpus,
            supervisor=setting.supervisor,
            folder=folder,
            rng=setting.rng,
            schedule=setting.schedule,
            alone=self.alone,
        )

    def warmed_up(
        self, spent_s: float, series: tuple[float, ...], began_s: float, rate_rps: float | None
    ) -> None:
        """Keep the course of a part of the warm-up, the last one's for the report.

        Raises:
            StartError: `server-died`.
        """
        self._check_alive()
        self.phases["warmup"] += spent_s
        self.warmup_series, self.warmed_from_s = series, began_s
        self._questions.warmed_up(rate_rps or self._guessed_rate())
        self._settle()

    def _guessed_rate(self) -> float | None:
        """Requests/s of the last quarter second: a warm-up that is ended early has no result."""
        weight = sum(one.weight for one in self.exchanges)
        if not self.warmup_series or not weight:
            return None
        sizes = (
            one.weight * (one.request_bytes + one.response_wire_bytes) for one in self.exchanges
        )
        return self.warmup_series[-1] / (sum(sizes) / weight + _SEGMENTS_BYTES)

    def begin_window(self) -> None:
        """The window is about to begin."""
        self.state_before = self.power()

    def window_begins(self) -> None:
        """What is sent counts from now on."""
        self.handshakes.begin(self.server.target)
        self.log_bytes = self._log_size()

    def _log_size(self) -> int:
        """Bytes that the server has printed so far."""
        log = self.setting.folder / "server.log"
        return log.stat().st_size if log.is_file() else 0

    def warming_up(self, elapsed: float) -> None:
        """While the warm-up goes on: look after the server, and question it."""
        self.look_after(elapsed)
        self._questions.warming_up()

    def meanwhile(self, elapsed: float) -> None:
        """While the window goes on: look after the server, and ask it now and then."""
        self.look_after(elapsed)
        self.handshakes.read()
        self._questions.in_window(elapsed)

    def right_after(self) -> None:
        """The load of the window has ended this moment: question the server while it is hot."""
        began = time.monotonic()
        self.handshakes.end()
        self.logged_bytes = max(0, self._log_size() - self.log_bytes)
        self._questions.right_after()
        self.phases["verify"] += time.monotonic() - began

    def measured_window(self, load: LoadRun, observation: Observation) -> None:
        """Keep what the load tool and the sampler saw of the window."""
        self.load = load
        self.commands = load.commands
        self.observation = with_load_cpu(observation, load.cpu_s, load.spans_s)
        self.note_power()
        self._question_bytes(load)
        self.process = self.server.record(observation.threads, observation.processes)
        self.phases["window"] = load.ended - load.started
        real = max(load.result.duration_s, self.setting.profile.duration_s)
        self.phases["drain"] += max(0.0, self.phases["window"] - real)
        self._settle()

    def _question_bytes(self, load: LoadRun) -> None:
        """Look into bytes that do not fit, and take our own connections out of those seen."""
        assert self.observation is not None  # noqa: S101 - measure made it
        began = time.monotonic()
        self._questions.counted(load.result)
        self.phases["verify"] += time.monotonic() - began
        counters = self._questions.without_ours(self.observation)
        self.observation = self.observation._replace(counters=counters)

    def power(self) -> QuickState:
        """Source of power and pressure now; some milliseconds."""
        return quick_state(self.setting.cpus.server)

    def note_power(self) -> None:
        """Put the state after the window beside the window's counters."""
        assert self.observation is not None  # noqa: S101 - measure made it
        self.observation = with_power(self.observation, self.state_before, self.power())

    def load_failed(self, error: LoadFailure) -> None:
        """Keep what was run; when it failed because the server died, say that instead.

        Raises:
            StartError: `server-died`.
        """
        self.commands = error.commands
        self._check_alive()

    def verify_again(self) -> None:
        """The same process still answers rightly, and nobody else does in its place."""
        self._check_alive()
        self.replaced = self.server.check_listener()
        self.verify()

    def look_after(self, elapsed: float) -> None:
        """Look after the server while the load goes on."""
        self.server.cap_log()
        self.server.check_database()
        limit = self.setting.arm.config.memory_limit
        if limit and elapsed >= self.next_look:
            self.next_look = elapsed + _LOOK_EVERY_S
            used = self.server.memory_bytes()
            if used > limit:
                raise StartError(
                    f"{self.setting.arm.name} used {format_bytes(used)} of memory, "
                    f"`memory_limit` is {format_bytes(limit)}",
                    code="memory-limit",
                )

    @property
    def _questions(self) -> TrialQuestions:
        """There once the server is ready."""
        assert self.questioning is not None  # noqa: S101 - launched made it
        return self.questioning

    def heard(self) -> SidechannelResult:
        """What the server answered beside the load, so far."""
        return self.questioning.result() if self.questioning else SidechannelResult()

    def _check_alive(self) -> None:
        self.server.check_database()
        if self.server.rc is not None:
            raise StartError(
                f"{self.setting.arm.name} died ({self.server.end()})\n{self.server.tail()}",
                code="server-died",
                advice="" if self.server.rc else _ENDED_ITSELF,
            )

    def _settle(self) -> None:
        """Wait until the server answers again: an ended load's backlog is not the next one's."""
        began = time.monotonic()
        self.server.answered(self.setting.profile.timeout_s)
        self.phases["drain"] += time.monotonic() - began
