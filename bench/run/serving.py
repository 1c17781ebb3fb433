"""Starts one server as a trial would, so that a user can look at it."""

from __future__ import annotations

import contextlib
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.errors import BuildError
from bench.host import local_topology
from bench.host.cpu_split import split
from bench.plans.choosing import choose_arms
from bench.process import SupervisorClient
from bench.run.build_and_verify import build_servers
from bench.servers import RunningServer
from bench.servers.postgres_found import find_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.plans.project import Project


class ServedTarget(NamedTuple):
    """A server that runs, and the file that receives its output."""

    server: RunningServer
    log: Path


@contextlib.contextmanager
def served(project: Project, name: str, told: Callable[[str], None]) -> Iterator[ServedTarget]:
    """Build a server, start it on its CPUs and a free port, and stop it at the end.

    Raises:
        UsageError: there is no such server.
        BuildError: it cannot be built here.
        StartError: it did not get ready.
    """
    arms = choose_arms(project, [name])
    for arm, record, reason in build_servers(arms, told):
        if record is None:
            raise BuildError(f"{arm.name}: {reason}")
    cpus = split(local_topology(), None, None)
    with SupervisorClient() as supervisor, tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        log = Path(scratch, "server.log")
        rng, asked = random.SystemRandom(), tuple(project.workloads) if find_postgres() else None
        with RunningServer(arms[0], cpus, supervisor, rng, log, asked=asked) as server:
            yield ServedTarget(server, log)
