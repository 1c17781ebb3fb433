"""Checks files, or a whole project, and collects every problem; starts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import Problem, UsageError
from bench.model.plan import CpuSplit, Pinning
from bench.plans.choosing import hidden_server
from bench.plans.expansion import Sources, expand
from bench.plans.matrix_files import read_matrix
from bench.plans.overrides import Overrides
from bench.plans.project import visible
from bench.plans.server_files import read_server
from bench.plans.workload_files import read_workload
from bench.plans.yaml.files import as_named
from bench.plans.yaml.reader import read_document
from bench.plans.yaml.spelling import printable
from bench.servers import never_made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bench.model.plan import LoadProfile, Workload
    from bench.plans.project import Project

    Unsupported = Callable[[LoadProfile, Workload], str | None]

_ONE_CPU: Final = CpuSplit(
    server=(0,),
    load=(0,),
    housekeeping=(),
    server_count=1,
    load_count=1,
    pinning=Pinning(state="none", reason="only checked"),
)
"""Files are right or wrong on any machine."""


class ValidationResult(NamedTuple):
    """What was checked.

    Attributes:
        files: names of all files, as the user would write them.
        problems: sorted by file and line.
    """

    files: tuple[str, ...]
    problems: tuple[Problem, ...]


def check_project(project: Project, unsupported: Unsupported) -> ValidationResult:
    """Check every server, workload and matrix of the user's project.

    Raises:
        UsageError: there is nothing to check.
    """
    paths = list(_files(project.root))
    stray = list(_stray(project.root))
    if not paths and not stray:
        raise UsageError(
            f"nothing to check: {project.root} has no server, workload or matrix",
            advice="name a file, or a project with --project DIR",
        )
    checked = check_files(project, paths, unsupported)
    return ValidationResult(checked.files, tuple(sorted({*checked.problems, *stray})))


def check_files(
    project: Project, paths: Sequence[Path], unsupported: Unsupported
) -> ValidationResult:
    """Check files of a project, and what the matrices among them name.

    Args:
        project: where ids are looked up, and whose root files may not leave.
        paths: of any kind; a folder stands for the server.yaml in it.
        unsupported: why a load tool cannot do a profile with a workload, or None.
    """
    sources = Sources(project)
    problems: set[Problem] = set()
    paths = [_file(path) for path in paths]
    for path in paths:
        problems.update(_check(project, sources, path, unsupported))
    problems.update(sources.problems)
    return ValidationResult(tuple(as_named(path) for path in paths), tuple(sorted(problems)))


def _check(
    project: Project, sources: Sources, path: Path, unsupported: Unsupported
) -> Sequence[Problem]:
    kind = _kind(path)
    if kind == "server":
        if project.servers.get(path.parent.name) == path:
            sources.server(path.parent.name)
            return ()
        return read_server(path, project.root_of(path), project.workloads)[1].problems
    if kind == "workload":
        if project.workloads.get(path.stem) == path:
            sources.workload(path.stem)
            return ()
        return read_workload(path, project.root_of(path))[1].problems
    matrix, nothing = read_matrix(path, project), Overrides()
    return expand(
        project, matrix, nothing, unsupported=unsupported, cpus=_ONE_CPU, sources=sources
    )[1]


def _file(path: Path) -> Path:
    """The path itself, or the server.yaml of a server's folder."""
    return path / "server.yaml" if (path / "server.yaml").exists() else path


def warnings(project: Project, paths: Sequence[Path]) -> tuple[Problem, ...]:
    """What is right as it is written, and yet hardly meant; a hint, not an error.

    Programs that are not there and that no `build` could make, and ids that hide a server which
    comes with `bench`.
    """
    found = []
    for path in map(_file, paths):
        if path.name != "server.yaml" or not path.is_file():
            continue
        config, document = read_server(path, None)
        if config and (lacks := never_made(path.parent, config, on_path=False)):
            found.append(Problem(as_named(path), document.line(("run",)), "run", lacks, ""))
        if hides := hidden_server(project, path.parent.name):
            found.append(Problem(as_named(path), 0, "", hides, ""))
    return tuple(sorted(found))


def project_servers(root: Path) -> list[Path]:
    """Every server.yaml of a project."""
    return [path for path in _files(root) if path.name == "server.yaml"]


def _kind(path: Path) -> str:
    """What a file is by its place, and where that does not tell, by its keys."""
    if path.name == "server.yaml":
        return "server"
    if path.parent.name in ("workloads", "configs"):
        return "workload" if path.parent.name == "workloads" else "matrix"
    keys = read_document(path).data.keys()
    if "requests" in keys:
        return "workload"
    return "server" if "run" in keys else "matrix"


def _files(root: Path) -> Iterator[Path]:
    for folder, pattern in (
        ("servers", "*/server.yaml"),
        ("configs/workloads", "*.yaml"),
        ("configs", "*.yaml"),
    ):
        for path in sorted((root / folder).glob(pattern)):
            if not any(part.startswith((".", "_")) for part in path.relative_to(root).parts):
                yield path


def _stray(root: Path) -> Iterator[Problem]:
    """Files and folders that would be ignored although they look meant to be read."""
    for folder in visible(root / "servers"):
        if folder.is_dir() and not (folder / "server.yaml").exists():
            name = printable(as_named(folder))
            yield Problem(
                name, 0, "", "there is no server.yaml in this folder", "add one, or move the folder"
            )
    for folder in (root / "configs", root / "configs" / "workloads"):
        for path in visible(folder):
            if path.suffix.lower() in (".yml", ".yaml") and path.suffix != ".yaml":
                name = printable(as_named(path))
                yield Problem(name, 0, "", "only files that end with .yaml are read", "rename it")
