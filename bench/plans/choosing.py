"""Servers of a project by name, each as an arm; says which of them come with `bench`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UsageError, did_you_mean
from bench.model.plan import Arm
from bench.plans.server_files import load_server
from bench.servers import buildable_copy
from bench.store.cache import cache_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.plans.project import Project


def choose_arms(project: Project, names: Sequence[str]) -> list[Arm]:
    """The named servers, or all of the project; those that come with `bench` where it has none.

    Raises:
        UsageError: there is no such server; names the nearest.
    """
    for name in names:
        if name not in project.servers:
            raise UsageError(
                f"there is no server {name!r} in {project.root / 'servers'}",
                advice=did_you_mean(name, project.servers, "`bench list servers` shows them"),
            )
    chosen = names or _own(project) or sorted(project.servers)
    return [buildable_copy(_arm(project, name), cache_folder()) for name in chosen]


def _own(project: Project) -> list[str]:
    return sorted(name for name, path in project.servers.items() if not comes_along(project, path))


def comes_along(project: Project, path: Path) -> bool:
    """Whether a file comes with `bench` and is not of the project."""
    return project.root_of(path) == project.builtin != project.root


def hidden_server(project: Project, name: str) -> str:
    """What is said of an id that a server of bench's has too, or ""."""
    builtin = project.builtin
    if builtin is None or builtin == project.root or name not in project.servers:
        return ""
    if comes_along(project, project.servers[name]) or not (builtin / "servers" / name).is_dir():
        return ""
    return f"{name} is this project's; the server {name} that comes with bench is hidden by it"


def _arm(project: Project, name: str) -> Arm:
    return Arm(
        name=name,
        server=name,
        folder=str(project.servers[name].parent.resolve()),
        config=load_server(project.servers[name]),
    )
