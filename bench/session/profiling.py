"""Profiles servers: a trial without a profiler, then one with it, then what it wrote."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench import __version__
from bench.cpus import split
from bench.errors import StartError, UsageError
from bench.host import local_topology
from bench.matrix import load_workload
from bench.model.finding import finding
from bench.model.plan import Arm, Cell, LoadProfile, PlannedTrial
from bench.model.profile import ProfileRecord
from bench.process import Command, Supervisor, capture
from bench.profiling.findings import judge_profile
from bench.profiling.methods import (
    PRELOAD_OUT,
    frequency,
    lost_samples,
    perf_lost,
    perf_record,
    perf_script,
    spy_errors,
    spy_record,
)
from bench.profiling.perfmap import without_overlaps
from bench.servers import RunningServer, build, missing
from bench.servers.environment import base_environment
from bench.session.lock import cache_folder, only_run
from bench.session.profile_setup import check_tool, prepare
from bench.session.single import choose_arms
from bench.store import RunDirectory
from bench.trial import Life, Setting, run_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.loader import LoadRun
    from bench.matrix import Project
    from bench.model.plan import CpuSplit, Workload
    from bench.model.trial import TrialRecord
    from bench.process import Child
    from bench.sampler import Observation
    from bench.session.profile_setup import Prepared

_WARMUP_S: Final = 2.0
_TIMEOUT_S: Final = 5.0
_READ_LIMIT_S: Final = 300.0
_END_S: Final = 15.0
_NODE_WAIT_S: Final = 0.05


class Wish(NamedTuple):
    """How a server is to be loaded and profiled.

    Attributes:
        connections: over all load processes.
        rate: offered requests per second, None = closed loop.
        seconds: the window, the same for both trials.
        method: perf, py-spy, node or auto.
    """

    connections: int = 50
    rate: float | None = None
    seconds: float = 5.0
    method: str = "auto"


class ProfiledLife(Life):
    """The life of a server that is looked into while the window goes on."""

    def __init__(self, setting: Setting, prepared: Prepared) -> None:
        super().__init__(setting)
        if not isinstance(self.server, RunningServer):
            raise UsageError(f"{setting.arm.name} was started by somebody else: not profiled")
        self._started = self.server
        self._prepared = prepared
        self._children: list[Child] = []
        if prepared.runtime == "node" and prepared.method == "perf":
            # V8 writes a log of its own beside the map, by default into the server's folder.
            program, *words = self._started.argv
            self._started.argv = (program, f"--logfile={setting.folder / 'v8.log'}", *words)
        if prepared.method == "node":
            self._started.own_env[PRELOAD_OUT] = str(setting.folder / "node.cpuprofile")

    def begin_window(self) -> None:
        """Attach the profiler to the server's own processes; the load begins right after."""
        super().begin_window()
        folder, seconds = self.setting.folder, self.setting.profile.duration_s
        pids, method = self._started.pids(), self._prepared.method
        if method == "perf":
            argv = perf_record(pids, folder / "perf.data", seconds, self._prepared.runtime)
            self._spawn(argv, folder / "profiler.log")
        elif method == "py-spy":
            for name, gil in (("py-spy", False), ("py-spy-gil", True)):
                argv = spy_record(
                    self.server.pid, folder / f"{name}.txt", seconds, native=not gil, gil=gil
                )
                self._spawn(argv, folder / f"{name}.log")
        else:
            self._node()

    def measured_window(self, load: LoadRun, observation: Observation) -> None:
        """Wait for the profiler and read what it saw while the server still lives."""
        super().measured_window(load, observation)
        if self._prepared.method == "node":
            self._node()
            time.sleep(_NODE_WAIT_S)
        for child in self._children:
            if not child.wait(_END_S):
                child.signal(signal.SIGKILL)
            log = child.command.stdout
            if child.rc:
                text = log.read_text("utf-8", "replace").strip()[-500:]
                raise StartError(f"{child.command.argv[0]} failed: {text}", code="tool-failed")
        if self._prepared.method == "perf":
            _keep_perf(self.setting.folder, self._started.pids())

    def _spawn(self, argv: tuple[str, ...], log: Path) -> None:
        setting = self.setting
        pinned = setting.cpus.pinning.state == "pinned"
        cpus = setting.cpus.housekeeping or setting.cpus.load
        command = Command(argv, base_environment(), setting.folder, cpus if pinned else None, log)
        self._children.append(setting.supervisor.spawn(command))

    def _node(self) -> None:
        for pid in self._started.pids():
            os.kill(pid, signal.SIGUSR2)


def _keep_perf(folder: Path, pids: Sequence[int]) -> None:
    """Turn perf's data into text now: the names of Python's functions lie in /tmp until then."""
    env = base_environment()
    env.pop("DEBUGINFOD_URLS", None)  # symbols come from this machine only
    data = folder / "perf.data"
    maps = [path for pid in pids if (path := Path(f"/tmp/perf-{pid}.map")).exists()]  # noqa: S108 - where Python and V8 write it
    for names in maps:
        shutil.copy(names, folder / names.name)
        names.write_text(without_overlaps(names.read_text("utf-8", "replace")), "utf-8")
    printed = capture(perf_script(data), timeout_s=_READ_LIMIT_S, env=env)
    lost = capture(perf_lost(data), timeout_s=_READ_LIMIT_S, env=env)
    if printed is None or printed.rc != 0:
        detail = printed.stderr.strip()[-300:] if printed else "it took too long"
        raise StartError(f"perf script failed: {detail}", code="tool-failed")
    # mtime=0: the same profile gives the same bytes.
    (folder / "perf.script.gz").write_bytes(gzip.compress(printed.stdout.encode(), mtime=0))
    (folder / "perf.lost").write_text(f"{lost_samples(lost.stdout) if lost else 0}\n")
    for names in maps:
        names.unlink(missing_ok=True)


def profile_servers(
    project: Project,
    servers: Sequence[str],
    workload_name: str,
    wish: Wish,
    told: Callable[[str], None],
) -> Path:
    """Profile each server under the same load; the run directory with the raw profiles.

    Args:
        project: where servers and workloads are.
        servers: their names, the first is the one asked about.
        workload_name: one workload.
        wish: load and method.
        told: hears what is done now.

    Raises:
        UsageError: a name is wrong, or no profiler can be used here.
        BuildError: a server could not be built.
        StartError: a trial failed.
    """
    workload = _workload(project, workload_name)
    arms = choose_arms(project, servers)
    ready = [(arm, prepare(arm, wish.method)) for arm in arms]
    cpus = split(local_topology(), None, None)
    profile = load_profile(wish, cpus)
    check_tool(profile.tool)
    with only_run():
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%SZ}-profile-{'-'.join(servers)}-{workload_name}"
        directory = RunDirectory.create(project.root / "reports", name)
        with Supervisor(cpus.housekeeping, run=name) as supervisor:
            desk = _Desk(directory, workload, profile, cpus, supervisor, told)
            for arm, prepared in ready:
                record = _profile_one(desk, arm, prepared)
                directory.write_model(f"profiles/{arm.name}.json", record)
    return directory.path


class _Desk(NamedTuple):
    """What all trials of one profile run share."""

    directory: RunDirectory
    workload: Workload
    profile: LoadProfile
    cpus: CpuSplit
    supervisor: Supervisor
    told: Callable[[str], None]

    def trial(self, arm: Arm, kind: str, prepared: Prepared | None) -> TrialRecord:
        """Run one trial, with the profiler where `prepared` is given."""
        cell = Cell(server=arm.name, workload=self.workload.id, profile=self.profile.id)
        planned = PlannedTrial(id=f"{arm.name}.{kind}", round=0, cell=cell)
        setting = Setting(
            planned=planned,
            arm=arm,
            workload=self.workload,
            profile=self.profile,
            cpus=self.cpus,
            supervisor=self.supervisor,
            folder=self.directory.trial_folder(planned.id),
            order=0,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            rng=random.Random(self.workload.sha256),  # noqa: S311 - the same requests for both
            build_hash=None,
        )
        life = (lambda own: ProfiledLife(own, prepared)) if prepared else Life
        record = run_trial(setting, life).record
        if prepared:
            text = f"{prepared.method} looked into it: its throughput is not that of the server"
            note = finding("profiled", planned.id, text)
            record = record.model_copy(update={"findings": (*record.findings, note)})
        self.directory.write_model(f"trials/{planned.id}/trial.json", record)
        if record.load is None:
            raise StartError(f"the trial of {arm.name} failed: {record.detail}", code="no-answer")
        return record


def _profile_one(desk: _Desk, arm: Arm, prepared: Prepared) -> ProfileRecord:
    reason = missing(prepared.plain)
    if reason:
        raise UsageError(f"{arm.name} cannot be built here: {reason}")
    desk.told(
        f"building {arm.name}" + (f" with {prepared.interpreter}" if prepared.interpreter else "")
    )
    log = cache_folder() / "logs" / f"build-{arm.name}-profiled.log"
    built = build(prepared.plain, desk.supervisor, log, cpus=str(desk.cpus.server_count))
    started = datetime.now(UTC).isoformat(timespec="seconds")
    desk.told(f"{arm.name}: a trial without a profiler")
    plain = desk.trial(prepared.plain, "plain", None)
    desk.told(f"{arm.name}: a trial with {prepared.method}")
    profiled = desk.trial(prepared.profiled, "profiled", prepared)
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
        window_s=desk.profile.duration_s,
        started=started,
        lost=_number(folder / "perf.lost"),
        errors=_spy_errors(folder / "py-spy.log"),
        plain=plain,
        profiled=profiled,
    )
    return record.model_copy(update={"findings": judge_profile(record, prepared.refused)})


def _number(path: Path) -> int:
    return int(path.read_text()) if path.exists() else 0


def _spy_errors(path: Path) -> int:
    return spy_errors(path.read_text("utf-8", "replace")) if path.exists() else 0


def _workload(project: Project, name: str) -> Workload:
    if name not in project.workloads:
        raise UsageError(
            f"there is no workload {name!r}", advice="`bench list workloads` shows them"
        )
    path = project.workloads[name]
    return load_workload(path, project.root_of(path))


def load_profile(wish: Wish, cpus: CpuSplit) -> LoadProfile:
    """The load profile of a wish: wrk in a closed loop, oha at an offered rate."""
    tool = "wrk" if wish.rate is None else "oha"
    return LoadProfile(
        id=f"{tool}-c{wish.connections}",
        tool=tool,
        loop="closed" if wish.rate is None else "open",
        connections=wish.connections,
        rate_rps=wish.rate,
        processes=min(cpus.load_count, wish.connections),
        warmup_s=_WARMUP_S,
        duration_s=wish.seconds,
        timeout_s=_TIMEOUT_S,
    )
