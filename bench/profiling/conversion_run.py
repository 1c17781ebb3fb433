"""The conversion experiment: each server at each body size, in random order, no profiler."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bench import __version__
from bench.errors import UsageError
from bench.host import local_topology
from bench.host.cpu_split import split
from bench.model.cpu_profile import Conversion, ConversionPoint
from bench.model.plan import Cell, PlannedTrial
from bench.model.trial_record import cpu_us_per_request
from bench.plans.choosing import choose_arms
from bench.plans.workload_files import load_workload
from bench.process import SupervisorClient
from bench.profiling.conversion import SIZES, body_of, render
from bench.profiling.profile_run import OwnProfiles, load_profile
from bench.run.lock import hold_machine
from bench.servers import build, missing
from bench.store.cache import cache_folder
from bench.store.run_directory import RunDirectory
from bench.trial import TrialSetting, run_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.model.plan import Arm, CpuSplit, LoadProfile, Workload
    from bench.plans.project import Project
    from bench.profiling.profile_run import ProfileOptions

BASE: Final = "json-small"
"""The workload whose request is sent with other bodies."""
_FILE: Final = "conversion.json"
_ROUNDS: Final = 2
_CYCLES: Final = 2
"""A window in which a connection completes fewer requests says nothing about their cost."""


def measure_conversion(
    project: Project,
    servers: Sequence[str],
    wish: ProfileOptions,
    told: Callable[[str], None],
) -> Path:
    """Measure CPU per request at each size; the run directory with every trial.

    Raises:
        UsageError: there is no such server, or no workload with a JSON body to vary.
        BuildError: a server could not be built.
    """
    arms = choose_arms(project, servers)
    base = _base(project)
    cpus = split(local_topology(), None, None)
    tool = OwnProfiles().tool(wish.loop, wish.seconds)
    profile = load_profile(wish, cpus, tool).replace(warmup_s=1.0)
    seed = random.SystemRandom().getrandbits(31)
    with hold_machine():
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%SZ}-profile-conversion-{'-'.join(arm.name for arm in arms)}"
        directory = RunDirectory.create(project.root / "reports", name)
        with SupervisorClient(cpus.housekeeping, run=name) as supervisor:
            _build(arms, supervisor, cpus, told)
            points = []
            for number in range(1, _ROUNDS + 1):
                for arm, size in _order(arms, seed, number):
                    told(f"round {number}: {arm.name}, {size} bytes")
                    work = varied(base, size)
                    setting = _setting(
                        arm, work, profile, cpus, supervisor, directory, number, seed
                    )
                    points.append(_point(setting, directory, size, number))
        found = Conversion(
            bench_version=__version__,
            started=now.isoformat(timespec="seconds"),
            seed=seed,
            servers=tuple(arm.name for arm in arms),
            points=tuple(points),
        )
        directory.write_model(_FILE, found)
    return directory.path


def read_conversion(path: Path) -> Conversion | None:
    """The experiment of a run directory, None where it holds none; renews its report.

    Raises:
        UsageError: it cannot be read.
    """
    if not (path / _FILE).exists():
        return None
    directory = RunDirectory(path)
    found = directory.read_model(_FILE, Conversion)
    for name, data in render(found):
        directory.write_bytes(name, data)
    return found


def _order(arms: Sequence[Arm], seed: int, number: int) -> list[tuple[Arm, int]]:
    """Every arm with every size, in the order of a round: that of seed and number alone.

    What a trial draws depends on its timing, so it must not move the rounds after it.
    """
    cells = [(arm, size) for arm in arms for size in SIZES]
    random.Random(f"{seed}/{number}").shuffle(cells)  # noqa: S311 - repeatable, not secret
    return cells


def _base(project: Project) -> Workload:
    if BASE not in project.workloads:
        raise UsageError(f"there is no workload {BASE!r}, whose body is varied here")
    path = project.workloads[BASE]
    return load_workload(path, project.root_of(path))


def varied(base: Workload, size: int) -> Workload:
    """The same request with a body of that size; the response must be the body."""
    body = body_of(size)
    kind = base.kinds[0].replace(bodies=(body,), values={})
    digest = hashlib.sha256(base.sha256.encode() + body).hexdigest()
    return base.replace(id=f"json-{size}", kinds=(kind,), sha256=digest)


def _build(
    arms: Sequence[Arm], supervisor: SupervisorClient, cpus: CpuSplit, told: Callable[[str], None]
) -> None:
    for arm in arms:
        reason = missing(arm)
        if reason:
            raise UsageError(f"{arm.name} cannot be built here: {reason}")
        told(f"building {arm.name}")
        log = cache_folder() / "logs" / f"build-{arm.name}.log"
        build(arm, supervisor, log, cpus=str(cpus.server_count))


def _setting(  # noqa: PLR0917 - the parts of a TrialSetting
    arm: Arm,
    workload: Workload,
    profile: LoadProfile,
    cpus: CpuSplit,
    supervisor: SupervisorClient,
    directory: RunDirectory,
    number: int,
    seed: int,
) -> TrialSetting:
    cell = Cell(server=arm.name, workload=workload.id, profile=profile.id)
    planned = PlannedTrial(id=f"r{number:02}-{cell.id}", round=number, cell=cell)
    return TrialSetting(
        planned=planned,
        arm=arm,
        workload=workload,
        profile=profile,
        cpus=cpus,
        supervisor=supervisor,
        folder=directory.trial_folder(planned.id),
        order=0,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        rng=random.Random(f"{seed}/{planned.id}"),  # noqa: S311 - repeatable, not secret
        build_hash=None,
    )


def _point(
    setting: TrialSetting, directory: RunDirectory, size: int, number: int
) -> ConversionPoint:
    record = run_trial(setting).record
    directory.write_model(f"trials/{record.trial}/trial.json", record)
    sent = len(body_of(size))
    # At both ends of a window as many requests as connections are half done.
    enough = (
        record.load is not None and record.load.requests >= _CYCLES * setting.profile.connections
    )
    usable = record.usable and enough
    us = cpu_us_per_request(record) if usable else None
    return ConversionPoint(
        server=record.server, body_bytes=sent, round=number, us=us, status=record.status
    )
