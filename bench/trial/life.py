"""What one server goes through in a trial, step by step, and the record that comes of it."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import BenchError, StartError, VerifyError
from bench.host import quick_state
from bench.loadtools import TOOLS
from bench.model.trial_record import (
    Counters,
    Exchange,
    Phases,
    Resources,
    SidechannelResult,
    TrialRecord,
)
from bench.reports.wording.findings import all_told
from bench.sampler import Sampler, with_load_cpu
from bench.servers import serving
from bench.trial.cores import with_power
from bench.trial.load import Loader, LoadFailure, LoadRun
from bench.trial.validity import Evidence, uncountable, validity_of
from bench.trial.verify import SideChannel, verify
from bench.units import format_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from bench.host import QuickState
    from bench.model.finding import Finding
    from bench.model.load_result import LatencyCounts
    from bench.model.plan import Arm, CpuSplit, LoadProfile, PlannedTrial, Workload
    from bench.model.trial_record import CommandRecord, ServerRecord
    from bench.process import SupervisorClient
    from bench.sampler import Observation

_ASK_EVERY_S: Final = 0.5
_ASK_TIMEOUT_S: Final = 1.0
_LAST_ASK_S: Final = 0.2
_LOOK_EVERY_S: Final = 0.25


class TrialSetting(NamedTuple):
    """What a trial is made of.

    Attributes:
        planned: which cell in which round; `planned.id` names the folder.
        profile: with its offered rate filled in.
        order: position in the run, from 0.
        started: UTC, ISO 8601.
        rng: decides port, pool and questions of this trial.
        schedule: decides random arrivals: the same for all servers of a round.
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


class Outcome(NamedTuple):
    """A finished trial and its merged histogram."""

    record: TrialRecord
    histogram: LatencyCounts | None


class TrialRun:
    """One server's part in a trial, while it goes on."""

    def __init__(self, setting: TrialSetting) -> None:
        self.setting = setting
        self.server = serving(
            setting.arm,
            setting.cpus,
            setting.supervisor,
            setting.rng,
            setting.folder / "server.log",
        )
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
        self.side = SidechannelResult()
        self.process: ServerRecord | None = None
        self.loader: Loader | None = None
        self.notes: list[Finding] = []
        self.warmed_from_s = 0.0
        self.state_before: QuickState | None = None
        self.next_look = 0.0
        self._side: SideChannel | None = None
        self._next_ask = 0.0

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
        """Make ready what asks during the window.

        How many questions are asked depends on how fast the server answers: with draws of
        their own they leave those of the closing check to the seed alone.
        """
        own = random.Random(self.setting.rng.getrandbits(64))  # noqa: S311 - repeatable, not secret
        self._side = SideChannel(self.server.target, self.setting.workload, own)

    def verify(self) -> None:
        """Ask every request kind before any load."""
        began = time.monotonic()
        try:
            setting = self.setting
            self.exchanges = verify(
                self.server.target,
                setting.workload,
                setting.rng,
                timeout_s=setting.profile.timeout_s,
                took=self.took.append,
            )
        except VerifyError:
            self._check_alive()
            raise
        finally:
            self.phases["verify"] += time.monotonic() - began
        if reason := uncountable(setting.profile, self.exchanges):
            raise VerifyError(reason, code="tool-failed")

    def sampling(self) -> Sampler:
        """The sampler of this server."""
        return Sampler(
            server_pid=self.server.pid,
            server_cpus=self.setting.cpus.server,
            load_cpus=self.setting.cpus.load,
            port=self.server.port if self.server.target.is_local else None,
        )

    def load_up(self) -> Loader:
        """Make the load ready; from here on a failure is `invalid`, no longer `failed`."""
        self.loader = self._loader(self.setting.profile, self.setting.folder)
        self.measured = True
        return self.loader

    def load_with(self, profile: LoadProfile, name: str) -> Loader:
        """Make another load ready, in a folder of that name."""
        folder = self.setting.folder / name
        folder.mkdir(mode=0o700)
        return self._loader(profile, folder)

    def _loader(self, profile: LoadProfile, folder: Path) -> Loader:
        setting = self.setting
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
        )

    def warmed_up(self, spent_s: float, series: tuple[float, ...], began_s: float) -> None:
        """Keep the course of a part of the warm-up, the last one's for the report.

        Raises:
            StartError: `server-died`.
        """
        self._check_alive()
        self.phases["warmup"] += spent_s
        self.warmup_series = series
        self.warmed_from_s = began_s
        self._settle()

    def begin_window(self) -> None:
        """The window is about to begin."""
        self.state_before = self._power()
        self._next_ask = _ASK_EVERY_S

    def meanwhile(self, elapsed: float) -> None:
        """While the window goes on: look after the server, and ask it twice a second."""
        began = time.monotonic() - elapsed
        self.look_after(elapsed)
        elapsed = time.monotonic() - began
        left = self.setting.profile.duration_s - elapsed
        if self._side and elapsed >= self._next_ask and left > _LAST_ASK_S:
            self._side.ask(min(_ASK_TIMEOUT_S, left))
            self._next_ask = elapsed + _ASK_EVERY_S
            self.side = self._side.result()

    def measured_window(self, load: LoadRun, observation: Observation) -> None:
        """Keep what the load tool and the sampler saw of the window."""
        self.load = load
        self.commands = load.commands
        self.observation = with_load_cpu(observation, load.cpu_s, load.spans_s)
        self._note_power()
        self.process = self.server.record(observation.threads, observation.processes)
        self.phases["window"] = load.ended - load.started
        real = max(load.result.duration_s, self.setting.profile.duration_s)
        self.phases["drain"] += max(0.0, self.phases["window"] - real)
        self._settle()

    def _power(self) -> QuickState:
        """Source of power and pressure now; some milliseconds."""
        return quick_state(self.setting.cpus.server)

    def _note_power(self) -> None:
        """Put the state after the window beside the window's counters."""
        assert self.observation is not None  # noqa: S101 - measure made it
        self.observation = with_power(self.observation, self.state_before, self._power())

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
        self.server.check_listener()
        self.verify()

    def look_after(self, elapsed: float) -> None:
        """Look after the server while the load goes on."""
        self.server.cap_log()
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

    def _check_alive(self) -> None:
        if self.server.rc is not None:
            raise StartError(
                f"{self.setting.arm.name} died ({self.server.end()})\n{self.server.tail()}",
                code="server-died",
            )

    def _settle(self) -> None:
        """Wait until the server answers again: an ended load's backlog is not the next one's."""
        began = time.monotonic()
        self.server.answered(self.setting.profile.timeout_s)
        self.phases["drain"] += time.monotonic() - began

    def outcome(self) -> Outcome:
        """The record, with its status judged from the evidence."""
        status = validity_of(self._evidence())
        setting, cell = self.setting, self.setting.planned.cell
        load = self.load.result if self.load else None
        phases = Phases(**{name: round(value, 6) for name, value in self.phases.items()})
        usable = status.status in ("valid", "suspect")
        record = TrialRecord(
            trial=setting.planned.id,
            server=cell.server,
            workload=cell.workload,
            profile=cell.profile,
            round=setting.planned.round,
            order=setting.order,
            started=setting.started,
            status=status.status,
            reasons=status.reasons,
            detail=status.detail,
            phases_s=phases,
            overhead_s=self._overhead(phases) if usable else None,
            commands=(self.server.command_record(), *self.commands) if self.process else (),
            server_process=self.process,
            load=load.model_copy(update={"histogram": None, "pacing": None}) if load else None,
            offered_rps=setting.profile.rate_rps,
            pacing=load.pacing.told() if load and load.pacing else None,
            resources=self.observation.resources if self.observation else Resources(),
            counters=self.observation.counters if self.observation else Counters(),
            bound=status.bound,
            exchanges=self.exchanges,
            sidechannel=self.side,
            warmup_series=self.warmup_series,
            window_series=self.observation.series if self.observation else (),
            cpu_series=self.observation.cpu_series if self.observation else (),
            findings=all_told((*status.findings, *self.notes)),
            build_hash=setting.build_hash,
            startup_s=_rounded(self.server.startup_s),
            first_request_s=_rounded(self.took[0] if self.took else None),
        )
        return Outcome(record, load.histogram if load else None)

    def _evidence(self) -> Evidence:
        return Evidence(
            trial=self.setting.planned.id,
            profile=self.setting.profile,
            workload=self.setting.workload,
            load=self.load.result if self.load else None,
            load_findings=self.load.findings if self.load else (),
            resources=self.observation.resources if self.observation else Resources(),
            counters=self.observation.counters if self.observation else Counters(),
            exchanges=self.exchanges,
            side=self.side,
            failure=self.failure,
            measured=self.measured,
            log_cut=self.server.log_cut,
            power_before=self.state_before.power_source if self.state_before else None,
            low_power_before=self.state_before.low_power if self.state_before else None,
        )

    def _overhead(self, phases: Phases) -> float:
        profile = self.setting.profile
        warm_s = max(profile.warmup_s, phases.warmup)
        spent = phases.start + warm_s + profile.duration_s + phases.drain + phases.stop
        return round(phases.total - spent, 6)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
