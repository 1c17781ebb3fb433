"""Profiles servers: a trial without a profiler, one with it, and one without it again."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from bench import __version__
from bench.errors import StartError, UsageError
from bench.host import local_topology
from bench.host.cpu_split import split
from bench.loadtools import ranked
from bench.loadtools.install.find import choose
from bench.model.cpu_profile import ProfileRecord
from bench.model.finding import finding
from bench.model.plan import Arm, Cell, LoadProfile, PlannedTrial
from bench.plans.choosing import choose_arms
from bench.plans.workload_files import load_workload
from bench.process import SupervisorClient
from bench.profiling.at_work import Look
from bench.profiling.methods import frequency, looking_s
from bench.profiling.profile_findings import judge_profile
from bench.profiling.profiled_trial import ProfiledTrialRun
from bench.profiling.reading import told_by
from bench.profiling.setup import check_tool, prepare
from bench.reports.wording.findings import all_told, told
from bench.run.lock import hold_machine
from bench.servers import build, missing
from bench.store.cache import cache_folder
from bench.store.run_directory import RunDirectory
from bench.trial import TrialRun, TrialSetting, run_trial

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.model.load_result import Loop
    from bench.model.plan import CpuSplit, Workload
    from bench.model.summary import BuildRecord
    from bench.model.trial_record import TrialRecord
    from bench.plans.project import Project
    from bench.profiling.far_profile import FarProfiles
    from bench.profiling.setup import Prepared

_WARMUP_S: Final = 2.0
_TIMEOUT_S: Final = 5.0


class ProfileOptions(NamedTuple):
    """How a server is to be loaded and profiled.

    Attributes:
        connections: over all load processes.
        rate: offered requests per second, None = closed loop.
        seconds: the window, the same for both trials.
        method: perf, py-spy, node, sample or auto.
    """

    connections: int = 50
    rate: float | None = None
    seconds: float = 5.0
    method: str = "auto"

    @property
    def loop(self) -> Loop:
        """Open where a rate is offered."""
        return "closed" if self.rate is None else "open"


class OwnProfiles:
    """Where servers are profiled: this machine. See `far_profile.FarProfiles`."""

    def split(self) -> CpuSplit:
        """The CPUs of server and load."""
        return split(local_topology(), None, None)

    def tool(self, loop: Loop, seconds: float) -> str:
        """The preferred load tool that is here.

        Raises:
            ToolMissingError: there is none.
        """
        name = choose(loop, [seconds]) or ranked(loop)[0]
        check_tool(name)
        return name

    def prepare(self, arm: Arm, method: str) -> Prepared:
        """Choose the method, and make the two arms."""
        return prepare(arm, method)

    def missing(self, arm: Arm) -> str | None:
        """Why it cannot be built here, None = it can."""
        return missing(arm)

    def build(self, arm: Arm, supervisor: SupervisorClient, log: Path, cpus: str) -> BuildRecord:
        """Build it."""
        return build(arm, supervisor, log, cpus=cpus)

    def life(self, look: Look | None) -> _MakeLife:
        """What makes the life of a trial, looked into or not."""
        if look is None:
            return TrialRun
        return lambda setting: ProfiledTrialRun(setting, look)


def profile_servers(
    project: Project,
    servers: Sequence[str],
    workload_name: str,
    wish: ProfileOptions,
    told: Callable[[str], None],
    *,
    place: OwnProfiles | FarProfiles | None = None,
) -> Path:
    """Profile each server under the same load; the run directory with the raw profiles.

    Args:
        project: where servers and workloads are.
        servers: their names, the first is the one asked about.
        workload_name: one workload.
        wish: load and method.
        told: hears what is done now.
        place: the machines; None = this one.

    Raises:
        UsageError: a name is wrong, or no profiler can be used there.
        BuildError: a server could not be built.
        StartError: a trial failed.
    """
    workload = _workload(project, workload_name)
    arms, place = choose_arms(project, servers), place or OwnProfiles()
    ready = [(arm, place.prepare(arm, wish.method)) for arm in arms]
    cpus = place.split()
    profile = load_profile(wish, cpus, place.tool(wish.loop, wish.seconds))
    with hold_machine():
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%SZ}-profile-{'-'.join(servers)}-{workload_name}"
        directory = RunDirectory.create(project.root / "reports", name)
        with SupervisorClient(cpus.housekeeping, run=name) as supervisor:
            desk = _ProfileContext(directory, workload, profile, cpus, supervisor, told, place)
            for arm, prepared in ready:
                record = _profile_one(desk, arm, prepared)
                directory.write_model(f"profiles/{arm.name}.json", record)
    return directory.path


_MakeLife = Callable[[TrialSetting], TrialRun]


class _ProfileContext(NamedTuple):
    """What all trials of one profile run share."""

    directory: RunDirectory
    workload: Workload
    profile: LoadProfile
    cpus: CpuSplit
    supervisor: SupervisorClient
    told: Callable[[str], None]
    place: OwnProfiles | FarProfiles

    def trial(self, arm: Arm, kind: str, look: Look | None = None) -> TrialRecord:
        """Run one trial.

        Args:
            arm: the server as it is to be started.
            kind: the second part of the trial's name.
            look: how it is looked into, which marks the trial.

        Raises:
            StartError: it failed, or the profiler did.
        """
        cell = Cell(server=arm.name, workload=self.workload.id, profile=self.profile.id)
        planned = PlannedTrial(id=f"{arm.name}.{kind}", round=0, cell=cell)
        setting = TrialSetting(
            planned=planned,
            arm=arm,
            workload=self.workload,
            profile=self.profile,
            cpus=self.cpus,
            supervisor=self.supervisor,
            folder=self.directory.trial_folder(planned.id),
            order=0,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            rng=random.Random(self.workload.sha256),  # noqa: S311 - the same requests for all
            build_hash=None,
        )
        record = run_trial(setting, self.place.life(look)).record
        if look:
            note = told(finding("profiled", planned.id, "trial", by=look.method))
            record = record.replace(findings=(*record.findings, note))
        self.directory.write_model(f"trials/{planned.id}/trial.json", record)
        if record.load is None or "tool-failed" in record.reasons:
            raise StartError(f"the trial of {arm.name} failed: {record.detail}", code="no-answer")
        return record


def _profile_one(desk: _ProfileContext, arm: Arm, prepared: Prepared) -> ProfileRecord:
    reason = desk.place.missing(prepared.plain)
    if reason:
        raise UsageError(f"{arm.name} cannot be built: {reason}")
    desk.told(
        f"building {arm.name}" + (f" with {prepared.interpreter}" if prepared.interpreter else "")
    )
    log = cache_folder() / "logs" / f"build-{arm.name}-profiled.log"
    cpus = str(desk.cpus.server_count)
    built = desk.place.build(prepared.plain, desk.supervisor, log, cpus)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    plain, profiled, again = _trials(desk, prepared)
    folder = desk.directory.path / "trials" / f"{arm.name}.profiled"
    record = ProfileRecord(
        bench_version=__version__,
        server=arm.name,
        title=arm.config.title or arm.name,
        workload=desk.workload.id,
        method=prepared.method,
        runtime=prepared.runtime,
        interpreter=prepared.interpreter or built.runtime,
        frequency=frequency(prepared.method),
        window_s=looking_s(prepared.method, desk.profile.duration_s),
        started=started,
        lost=_number(folder / "perf.lost"),
        errors=told_by(folder / "py-spy.log").errors,
        plain=plain,
        profiled=profiled,
        again=again,
    )
    return record.replace(findings=all_told(judge_profile(record, prepared.refused)))


def _trials(
    desk: _ProfileContext, prepared: Prepared
) -> tuple[TrialRecord, TrialRecord, TrialRecord]:
    """Without, with and without the profiler: a machine that drifts slows neither side more."""
    name, method = prepared.plain.name, prepared.method
    desk.told(f"{name}: a trial without a profiler")
    plain = desk.trial(prepared.plain, "plain")
    desk.told(f"{name}: a trial with {method}")
    look = Look(method, prepared.runtime)
    profiled = desk.trial(prepared.profiled, "profiled", look)
    if method == "py-spy":
        desk.told(f"{name}: a trial with {method} that looks at the GIL")
        desk.trial(prepared.profiled, "gil", look._replace(gil=True))
    desk.told(f"{name}: a trial without a profiler again")
    return plain, profiled, desk.trial(prepared.plain, "again")


def _number(path: Path) -> int:
    return int(path.read_text()) if path.exists() else 0


def _workload(project: Project, name: str) -> Workload:
    if name not in project.workloads:
        raise UsageError(
            f"there is no workload {name!r}", advice="`bench list workloads` shows them"
        )
    path = project.workloads[name]
    return load_workload(path, project.root_of(path))


def load_profile(wish: ProfileOptions, cpus: CpuSplit, tool: str) -> LoadProfile:
    """The load profile of a wish: a closed loop, or an open one at an offered rate."""
    return LoadProfile(
        id=f"{tool}-c{wish.connections}",
        tool=tool,
        loop=wish.loop,
        connections=wish.connections,
        rate_rps=wish.rate,
        processes=min(cpus.load_count, wish.connections),
        warmup_s=_WARMUP_S,
        duration_s=wish.seconds,
        timeout_s=_TIMEOUT_S,
    )
