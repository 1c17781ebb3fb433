"""Finds a project and what it holds by name; reads names of files only, never their content."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import UsageError
from bench.plans.yaml.spelling import shown, spelling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MARKS: Final = ("configs", "servers")
_SUFFIX: Final = ".yaml"


class Project(NamedTuple):
    """What can be named in a project.

    Attributes:
        root: the user's project, or the current folder where there is none.
        servers: id -> server.yaml; the user's own first, then those that come with `bench`.
        workloads: id -> file.
        matrices: id -> file.
        builtin: the root of what comes with `bench`, or None where nothing does.
        roots: further folders that files may stay in, such as worktrees.
    """

    root: Path
    servers: Mapping[str, Path]
    workloads: Mapping[str, Path]
    matrices: Mapping[str, Path]
    builtin: Path | None = None
    roots: tuple[Path, ...] = ()

    def root_of(self, path: Path) -> Path:
        """The root that files named in `path` must stay in."""
        known = (self.root, self.builtin, *self.roots)
        roots = [root for root in known if root and path.is_relative_to(root)]
        return max(roots, key=lambda root: len(root.parts), default=path.parent)


def find_project(start: Path, explicit: Path | None = None) -> Project:
    """Find the project around a folder: the nearest parent with configs/ or servers/.

    Args:
        start: where to begin, usually the current folder.
        explicit: the folder given by --project; taken as it is.

    Raises:
        UsageError: the explicit folder does not exist, or holds neither configs/ nor servers/.
    """
    root = _explicit_root(explicit) if explicit is not None else _nearest_root(start.resolve())
    builtin = builtin_root(Path(__file__).resolve().parent.parent)
    roots = [root] if builtin is None or builtin == root else [root, builtin]
    return Project(
        root=root,
        servers=_merged(dict(_servers(one / "servers")) for one in roots),
        workloads=_merged(dict(_yaml_files(one / "configs" / "workloads")) for one in roots),
        matrices=_merged(dict(_yaml_files(one / "configs")) for one in roots),
        builtin=builtin,
    )


def find_matrix(project: Project, name_or_path: str) -> Path:
    """Find a matrix by its name in configs/, or by a path.

    Raises:
        UsageError: there is none; names the nearest.
    """
    if name_or_path in project.matrices:
        return project.matrices[name_or_path]
    try:
        path = Path(name_or_path).expanduser()
        if path.is_file() or ("/" in name_or_path and path.exists()):
            return path.resolve()
    except (OSError, RuntimeError, ValueError):
        pass
    stem = Path(name_or_path).name.removesuffix(".yaml").removesuffix(".yml")
    raise UsageError(
        f"there is no matrix {shown(name_or_path)} in {project.root / 'configs'}",
        advice=spelling(stem, project.matrices),
    )


def _explicit_root(folder: Path) -> Path:
    if not folder.is_dir():
        raise UsageError(f"--project {folder}: there is no such folder")
    root = folder.resolve()
    if not _is_root(root):
        raise UsageError(
            f"--project {folder}: the folder has neither configs/ nor servers/",
            advice="bench init writes a first server, workload and matrix",
        )
    return root


def _nearest_root(start: Path) -> Path:
    return next((one for one in (start, *start.parents) if _is_root(one)), start)


def _is_root(folder: Path) -> bool:
    return any((folder / mark).is_dir() for mark in _MARKS)


def builtin_root(package: Path) -> Path | None:
    """Where the things are that come with `bench`, or None.

    In a checkout that is the folder above the package, in an installed wheel the data inside.
    """
    for root in (package.parent, package / "_data"):
        if all((root / mark).is_dir() for mark in _MARKS):
            return root
    return None


def _merged(parts: Iterator[dict[str, Path]]) -> dict[str, Path]:
    """All entries; the first one of a name stays."""
    merged: dict[str, Path] = {}
    for part in parts:
        for name, path in part.items():
            merged.setdefault(name, path)
    return merged


def visible(folder: Path) -> list[Path]:
    """What a folder holds, less hidden and private names; nothing where it cannot be read."""
    try:
        return sorted(one for one in folder.iterdir() if not one.name.startswith((".", "_")))
    except OSError:
        return []


def _servers(folder: Path) -> Iterator[tuple[str, Path]]:
    for one in visible(folder):
        if (one / "server.yaml").exists():
            yield one.name, one / "server.yaml"


def _yaml_files(folder: Path) -> Iterator[tuple[str, Path]]:
    for one in visible(folder):
        if one.suffix == _SUFFIX and not one.is_dir():
            yield one.stem, one
