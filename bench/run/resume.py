"""Going on with a run: what it was planned with, and what has changed since."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench.errors import UsageError
from bench.model.finding import Finding, finding
from bench.plans.matrix_files import read_matrix
from bench.plans.matrix_plan import Planned
from bench.plans.own_answers import own_workloads
from bench.plans.project import find_matrix
from bench.plans.server_files import load_server
from bench.plans.workload_files import workload_in
from bench.run.builder import content_here
from bench.run.secret_values import kept_matrix, same_config
from bench.store.run_directory import TORN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.model.host_facts import Host
    from bench.model.plan import Arm, Plan
    from bench.plans.project import Project
    from bench.store.run_directory import Damaged, RunDirectory


def matrix_place(matrix: Path, project: Project) -> str:
    """How run.json names the matrix: relative to the project, wherever it lies."""
    return os.path.relpath(matrix, project.root)


def planned_again(project: Project, directory: RunDirectory, matrix: str | None) -> Planned:
    """The plan of a run on disk, with its workloads read again.

    Args:
        project: where the workloads are.
        directory: the run.
        matrix: the matrix as the user named it; None = the one that the run was made from, and
            the run's own copy where that is gone.

    Raises:
        UsageError: a workload of the plan is gone, or there is no such matrix.
    """
    plan = directory.plan()
    gone = [name for name in plan.workloads if name not in project.workloads]
    if gone:
        raise UsageError(
            f"{directory.path.name} cannot be resumed: the workload {gone[0]} is no longer there"
        )
    workloads = {name: workload_in(project, name) for name in plan.workloads}
    workloads |= own_workloads(project, plan.workloads, (arm.name for arm in plan.arms))
    path = find_matrix(project, matrix) if matrix else _matrix_of(project, directory)
    return Planned(plan, workloads, read_matrix(path))


def _matrix_of(project: Project, directory: RunDirectory) -> Path:
    place = directory.info().matrix_file
    path = project.root / place
    return path if place and path.is_file() else directory.path / "matrix.yaml"


def changes(
    directory: RunDirectory,
    planned: Planned,
    host: Host,
    project: Project,
    content: Callable[[Arm], str] = content_here,
) -> tuple[str, ...]:
    """What differs between a run on disk and what a resume would do now, in words."""
    return (
        *_matrix(directory, planned),
        *_machine(directory.host(), host),
        *_workloads(planned),
        *_servers(directory, planned.plan, project, content),
    )


def _matrix(directory: RunDirectory, planned: Planned) -> Iterator[str]:
    if (directory.path / "matrix.yaml").read_bytes() != kept_matrix(planned.matrix):
        yield "the matrix was edited"


def _machine(before: Host, host: Host) -> Iterator[str]:
    if before.fingerprint != host.fingerprint:
        yield "it is another machine or system"
    for tool, version in host.tools.items():
        if before.tools.get(tool) != version:
            yield f"{tool} is now {version}, was {before.tools.get(tool)}"


def _workloads(planned: Planned) -> Iterator[str]:
    for name, workload in sorted(planned.workloads.items()):
        if planned.plan.workload_hashes.get(name) not in (None, workload.sha256):
            yield f"the workload {name} changed"


def _servers(
    directory: RunDirectory, plan: Plan, project: Project, content: Callable[[Arm], str]
) -> Iterator[str]:
    builds = directory.builds()
    for arm in plan.arms:
        if arm.url is not None:
            continue
        if arm.server not in project.servers:
            yield f"the server {arm.server} is no longer there"
        elif not same_config(load_server(project.servers[arm.server]), arm.config):
            yield f"server.yaml of {arm.server} was edited"
        elif arm.name in builds and content(arm) != builds[arm.name].hash:
            yield f"the sources or the toolchain of {arm.name} changed"


def resumed(changed: tuple[str, ...]) -> list[Finding]:
    """Says what changed since the run began, where it goes on nevertheless."""
    if not changed:
        return []
    return [finding("resumed-changed", "run", changes="; ".join(changed))]


def set_aside(damaged: tuple[Damaged, ...]) -> list[Finding]:
    """A torn last line is an unfinished trial like any other; other damage must be said."""
    lines = [str(item.line) for item in damaged if item.reason != TORN]
    if not lines:
        return []
    return [finding("damaged-record", "run", "set-aside", lines=", ".join(lines))]
