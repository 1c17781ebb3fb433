"""Builds and verifies servers on their own, without a matrix or a run."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.errors import BuildError, StartError, VerifyError
from bench.host import local_topology
from bench.host.cpu_split import split
from bench.plans.choosing import comes_along
from bench.plans.workload_files import load_workload
from bench.process import SupervisorClient
from bench.servers import RunningServer, build, missing, never_made
from bench.store.cache import cache_folder
from bench.trial.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bench.model.plan import Arm, CpuSplit, Workload
    from bench.model.summary import BuildRecord
    from bench.model.trial_record import Exchange
    from bench.plans.project import Project


class Verified(NamedTuple):
    """What became of one server x workload.

    Attributes:
        workload: id, or "" where the server did not get as far.
        error: what was wrong, or "".
        skipped: the server cannot be built here; `error` holds the reason.
    """

    server: str
    workload: str
    exchanges: tuple[Exchange, ...]
    error: str
    skipped: bool = False


def build_servers(
    arms: Iterable[Arm], told: Callable[[str], None]
) -> Iterator[tuple[Arm, BuildRecord | None, str]]:
    """Build each server; yields its record, or None and the reason.

    Args:
        arms: the servers.
        told: hears what is done now.
    """
    cpus = split(local_topology(), None, None)
    logs = cache_folder() / "logs"
    with SupervisorClient() as supervisor:
        for arm in arms:
            reason = missing(arm)
            if reason:
                yield arm, None, f"skipped: {reason}"
                continue
            if arm.config.build:
                told(f"building {arm.name}")
            log = logs / f"build-{arm.name}.log"
            log.unlink(missing_ok=True)
            try:
                record = build(arm, supervisor, log, cpus=str(cpus.server_count))
            except BuildError as error:
                yield arm, None, str(error)
                continue
            yield arm, record, ""


def verify_servers(
    project: Project, arms: Sequence[Arm], told: Callable[[str], None]
) -> Iterator[Verified]:
    """Build, start and ask each server every workload that it says it can serve.

    What can be seen without a build is reported before any build.
    """
    workloads = {
        name: load_workload(path, project.root_of(path))
        for name, path in sorted(project.workloads.items())
    }
    cpus = split(local_topology(), None, None)
    lacks = {arm.name: never_made(Path(arm.folder), arm.config) for arm in arms}
    yield from (Verified(name, "", (), lack) for name, lack in lacks.items() if lack)
    whole = [arm for arm in arms if not lacks[arm.name]]
    for arm, record, reason in build_servers(whole, told):
        if record is None:
            yield Verified(arm.name, "", (), reason, skipped=reason.startswith("skipped"))
            continue
        told(f"starting {arm.name}")
        known = _workloads(project, arm.server)
        names = arm.config.served(known)
        for name, why in arm.config.cannot.items():
            if name in known:
                yield Verified(arm.name, name, (), why, skipped=True)
        with (
            SupervisorClient() as supervisor,
            tempfile.TemporaryDirectory(prefix="bench-") as scratch,
        ):
            chosen = [workloads[name] for name in names if name in workloads]
            yield from _verify(arm, chosen, cpus, supervisor, Path(scratch, "server.log"))


def _workloads(project: Project, server: str) -> list[str]:
    """What `all` means: servers that come with `bench` do not know the user's own workloads."""
    known = sorted(project.workloads)
    if not comes_along(project, project.servers[server]):
        return known
    return [name for name in known if comes_along(project, project.workloads[name])]


def _verify(
    arm: Arm, workloads: list[Workload], cpus: CpuSplit, supervisor: SupervisorClient, log: Path
) -> Iterator[Verified]:
    rng = random.SystemRandom()
    try:
        with RunningServer(arm, cpus, supervisor, rng, log) as server:
            for workload in workloads:
                try:
                    exchanges = verify(server.target, workload, rng)
                except VerifyError as error:
                    yield Verified(arm.name, workload.id, (), str(error))
                else:
                    yield Verified(arm.name, workload.id, exchanges, "")
    except StartError as error:
        yield Verified(arm.name, "", (), str(error))
