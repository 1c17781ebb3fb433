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
from bench.plans.workload_files import workload_in
from bench.process import SupervisorClient
from bench.servers import RunningServer, build, missing, never_made
from bench.servers.postgres_found import ADVICE, find_postgres
from bench.store.cache import cache_folder
from bench.trial.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bench.model.http_protocol import HttpProtocol
    from bench.model.plan import Arm, CpuSplit, Workload
    from bench.model.summary import BuildRecord
    from bench.model.trial_record import Exchange
    from bench.plans.project import Project


class Verified(NamedTuple):
    """What became of one server x workload.

    Attributes:
        workload: id, or "" where the server did not get as far.
        protocol: what it was asked by.
        error: what was wrong, or "".
        skipped: the server cannot be built here; `error` holds the reason.
        listens: the port on which it listened in place of the one it was given; 0 = it did not.
    """

    server: str
    workload: str
    exchanges: tuple[Exchange, ...]
    error: str
    skipped: bool = False
    protocol: HttpProtocol = "http"
    listens: int = 0


def build_servers(
    arms: Iterable[Arm], told: Callable[[str], None]
) -> Iterator[tuple[Arm, BuildRecord | None, str]]:
    """Build each server; yields its record, or None and the reason."""
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
        for name, why in arm.config.cannot.items():
            if name in known:
                yield Verified(arm.name, name, (), why, skipped=True)
        with (
            SupervisorClient() as supervisor,
            tempfile.TemporaryDirectory(prefix="bench-") as scratch,
        ):
            chosen = workloads_of(project, arm)
            if find_postgres() is None:
                lost = [one for one in chosen if arm.config.wants_database((one.id,))]
                for one in lost:
                    why = f"skipped: PostgreSQL is not here: {ADVICE}"
                    yield Verified(arm.name, one.id, (), why, skipped=True)
                chosen = [one for one in chosen if one not in lost]
            log = Path(scratch, "server.log")
            for protocol in arm.config.protocols:
                with_protocol = arm.replace(protocol=protocol)
                found = _verify(with_protocol, chosen, cpus, supervisor, log)
                yield from (one._replace(protocol=protocol) for one in found)


def workloads_of(project: Project, arm: Arm) -> list[Workload]:
    """The workloads that a server says it can serve, as far as the project has them."""
    names = arm.config.served(_workloads(project, arm.server))
    return [workload_in(project, name) for name in names if name in project.workloads]


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
        asked = [workload.id for workload in workloads]
        with RunningServer(arm, cpus, supervisor, rng, log, asked=asked) as server:
            for workload in workloads:
                try:
                    exchanges = verify(server.target, workload, rng)
                except VerifyError as error:
                    yield Verified(arm.name, workload.id, (), str(error))
                else:
                    yield Verified(arm.name, workload.id, exchanges, "")
    except StartError as error:
        yield Verified(arm.name, "", (), str(error), listens=error.listens)
