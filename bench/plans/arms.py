"""Turns what `bench ab` is asked to compare into arms with folders of their own."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from bench.errors import UsageError
from bench.model.fields import DEPENDENCY, arm_name
from bench.plans.choosing import choose_arms
from bench.plans.dependencies import change_dependency
from bench.plans.releases import between, newest, published
from bench.plans.server_files import load_server
from bench.servers.build_dirs import copy_files, copy_server
from bench.servers.building import hash_files, repository_files, sources
from bench.servers.git import (
    Commit,
    commit_of,
    has_file,
    repository_of,
    uncommitted,
    worktree,
)
from bench.store.cache import cache_folder
from bench.store.run_directory import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from bench.plans.project import Project

_DIGITS: Final = 12
WORKTREE: Final = "worktree"


class ArmOptions(NamedTuple):
    """What is to be compared, as the user named it.

    Attributes:
        servers: one server for arms of its own, or several to compare with each other.
        refs: git refs of the repository that the server's `source` names.
        worktree: also what lies there uncommitted.
        dependencies: versions such as `spikard==0.17.1`.
        env: settings such as `THREADS=2`.
        releases: so many of the newest releases: tags, or versions of a dependency that
            `dependencies` names without one.
    """

    servers: tuple[str, ...]
    refs: tuple[str, ...] = ()
    worktree: bool = False
    dependencies: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    releases: int = 0


class BuiltArms(NamedTuple):
    """One arm, made.

    Attributes:
        name: in tables.
        file: its server.yaml.
        root: folder that the files named in it must stay in.
        tree: git's hash of what was checked out, None for folders of the user's own.
        env: added to its environment.
        note: what the user should know, or "".
        origin: the server that a variant of a matrix is a version of.
    """

    name: str
    file: Path
    root: Path
    tree: str | None = None
    env: dict[str, str] = {}
    note: str = ""
    origin: str | None = None

    @property
    def what(self) -> tuple[object, ...]:
        """Equal for arms of equal content."""
        return (self.tree or self.file.resolve(), tuple(sorted(self.env.items())))


def make_arms(project: Project, asked: ArmOptions) -> tuple[BuiltArms, ...]:
    """Make every arm, the baseline first; checks out worktrees, builds nothing.

    Raises:
        UsageError: no such server or ref, no repository, a ref without the server, or fewer
            than two arms.
        BuildError: git refuses.
    """
    choose_arms(project, asked.servers)  # names the nearest of those that are not there
    changes = bool(
        asked.refs or asked.worktree or asked.dependencies or asked.env or asked.releases
    )
    if len(asked.servers) > 1:
        if changes:
            raise UsageError("--ref, --worktree, --with, --env and --releases take one server")
        return tuple(_plain(project, name, name) for name in asked.servers)
    if not changes:
        raise UsageError(
            f"what is {asked.servers[0]} to be compared with?",
            advice="another server, --ref REF, --worktree, --with NAME==VERSION, --env NAME=VALUE, "
            "--releases N",
        )
    if asked.releases:
        asked = _with_releases(project, asked)
    return _distinct((*_by_ref(project, asked), *_by_change(project, asked)))


def _with_releases(project: Project, asked: ArmOptions) -> ArmOptions:
    """The newest releases among the refs or versions, the oldest of them first."""
    server = asked.servers[0]
    folder = project.servers[server].resolve().parent
    top, _ = _built_from(project, server)
    named = tuple(text for text in asked.dependencies if not DEPENDENCY.fullmatch(text))
    found = newest(asked.releases, _document(project.servers[server]), (folder, top), named)
    kept = tuple(text for text in asked.dependencies if text not in named)
    return asked._replace(
        refs=(*found.refs, *asked.refs), dependencies=(*found.dependencies, *kept)
    )


def versions_between(
    project: Project, server: str, dependency: str, good: str, bad: str
) -> tuple[str, ...]:
    """Published versions of what a server depends on, the oldest first, good and bad included.

    Raises:
        UsageError: no such server, dependency or version, or nobody knows how it is got.
    """
    choose_arms(project, (server,))  # names the nearest of those that are not there
    make_arm(project, server, dependency=f"{dependency}=={bad}")  # refuses what is not used
    folder = project.servers[server].resolve().parent
    found = published(dependency, _document(project.servers[server]), folder)
    return between(found, dependency, good, bad)


def make_arm(
    project: Project,
    server: str,
    *,
    ref: str | None = None,
    worktree: bool = False,
    dependency: str | None = None,
) -> BuiltArms:
    """Make one arm, or name the server as it is where no change is asked for.

    Raises:
        UsageError: no such ref, no repository, a ref without the server, a build that another
            version cannot be given to.
        BuildError: git refuses.
    """
    if dependency is not None:
        return _dependency(project, server, dependency)
    if ref is None and not worktree:
        return _plain(project, server, server)
    checkout = _Checkout(project, server)
    if ref is not None:
        return checkout.arm(ref, commit_of(checkout.repository, ref))
    return checkout.arm(WORKTREE, uncommitted(checkout.repository))


def repository_around(project: Project, server: str) -> Path:
    """The git repository whose refs are versions of a server.

    Raises:
        UsageError: no such server, or no repository around it.
    """
    choose_arms(project, (server,))  # names the nearest of those that are not there
    return _Checkout(project, server).repository


def _plain(project: Project, server: str, name: str) -> BuiltArms:
    file = project.servers[server]
    return BuiltArms(name, file, project.root_of(file))


def _by_ref(project: Project, asked: ArmOptions) -> list[BuiltArms]:
    """Arms of git refs; a single one is completed: HEAD or the working tree."""
    if not asked.refs and not asked.worktree:
        return []
    lone = not asked.dependencies and not asked.env
    refs = asked.refs or (("HEAD",) if lone else ())
    checkout = _Checkout(project, asked.servers[0])
    made = [checkout.arm(ref, commit_of(checkout.repository, ref)) for ref in refs]
    if asked.worktree or (lone and len(made) == 1):
        made.append(checkout.arm(WORKTREE, uncommitted(checkout.repository)))
    return made


def _by_change(project: Project, asked: ArmOptions) -> list[BuiltArms]:
    """Arms of other dependencies or settings; a single one is compared with the server as it is."""
    server = asked.servers[0]
    made = [_dependency(project, server, text) for text in asked.dependencies]
    made += [_setting(project, server, text) for text in asked.env]
    if len(made) == 1 and not asked.refs and not asked.worktree:
        made.insert(0, _plain(project, server, server))
    return made


class _Checkout:
    """The repository of a server, and its place in it."""

    def __init__(self, project: Project, server: str) -> None:
        self._project = project
        self._server = server
        self._folder = project.servers[server].resolve().parent
        config = load_server(project.servers[server])
        self.repository = repository_of((self._folder / config.source).resolve())
        self._inside = self._folder.is_relative_to(self.repository)
        digest = hashlib.sha256(os.fsencode(self.repository)).hexdigest()[:8]
        self._cache = cache_folder() / "worktrees" / f"{self.repository.name}-{digest}"

    def arm(self, ref: str, commit: Commit) -> BuiltArms:
        """The server as it is in that commit; lent from the working tree where it has none."""
        name = arm_name(ref)
        if not self._inside:
            return self._beside(name, commit)
        inside = self._folder.relative_to(self.repository)
        if not has_file(self.repository, commit, inside / "server.yaml"):
            return self._lent(ref, commit)
        place = worktree(self.repository, commit, self._cache / commit.tree[:_DIGITS])
        return BuiltArms(name, place / inside / "server.yaml", place, commit.tree)

    def _lent(self, ref: str, commit: Commit) -> BuiltArms:
        """That commit with the server's folder of the working tree in it, ignored files too."""
        digest = self._digest(commit)
        inside = self._folder.relative_to(self.repository)
        place = worktree(self.repository, commit, self._cache / digest[:_DIGITS])
        copy_server(self._folder, place / inside)
        note = f"{ref} has no {inside}/server.yaml: the folder of the working tree is used there"
        return BuiltArms(arm_name(ref), place / inside / "server.yaml", place, digest, note=note)

    def _digest(self, commit: Commit) -> str:
        """Of a commit and the server's folder beside or in it."""
        digest = hashlib.sha256(commit.tree.encode())
        hash_files(digest, self._folder, [*sources(self._folder), self._folder / "server.yaml"])
        return digest.hexdigest()

    def _beside(self, name: str, commit: Commit) -> BuiltArms:
        """Server and source in places of their own: the project's layout is repeated."""
        root = self._project.root.resolve()
        if not self.repository.is_relative_to(root) or not self._folder.is_relative_to(root):
            raise UsageError(f"`source` of {self._server} leaves the project")
        digest = self._digest(commit)
        place = self._cache / digest[:_DIGITS]
        home = place / self._folder.relative_to(root)
        worktree(self.repository, commit, place / self.repository.relative_to(root))
        copy_server(self._folder, home)
        return BuiltArms(name, home / "server.yaml", place, digest)


def _dependency(project: Project, server: str, text: str) -> BuiltArms:
    """A copy of the server, and of the project it is built from, with that version."""
    folder = project.servers[server].resolve().parent
    top, root = _built_from(project, server)
    files = {top: repository_files(top)} if top != folder else {}
    files[folder] = sources(folder)
    changed = change_dependency(_document(project.servers[server]), text, files)
    digest = hashlib.sha256(orjson.dumps((changed.document, sorted(changed.texts.values()))))
    for each, listed in files.items():
        hash_files(digest, each, listed)
    place = cache_folder() / "arms" / f"{server}-{digest.hexdigest()[:_DIGITS]}"
    home = place / folder.relative_to(root)
    done = place.with_name(f"{place.name}.done")
    if not done.is_file():
        copy_files(root, place, (path for listed in files.values() for path in listed))
        for path, manifest in changed.texts.items():
            write_atomic(place / path.relative_to(root), manifest.encode())
        whole = orjson.dumps(changed.document, option=orjson.OPT_INDENT_2)  # JSON is YAML
        write_atomic(home / "server.yaml", whole)
        done.touch()
    return BuiltArms(arm_name(text), home / "server.yaml", place)


def _built_from(project: Project, server: str) -> tuple[Path, Path]:
    """The top folder of what a server is built from, and the folder whose layout is repeated."""
    folder = project.servers[server].resolve().parent
    source = (folder / load_server(project.servers[server]).source).resolve()
    if source == folder:
        return folder, folder.parent
    root = project.root.resolve()
    if not source.is_relative_to(root):
        raise UsageError(f"`source` of {server} leaves the project")
    return source, root


def _document(file: Path) -> dict[str, Any]:
    """server.yaml as written, known to be right."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - late, see `bench --help`

    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(file)
    return loaded


def _setting(project: Project, server: str, text: str) -> BuiltArms:
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise UsageError(f"--env {text!r}: expected NAME=VALUE, such as THREADS=2")
    plain = _plain(project, server, arm_name(text))
    return plain._replace(env={name: value})


def _distinct(made: tuple[BuiltArms, ...]) -> tuple[BuiltArms, ...]:
    """Arms with names of their own: a second `main` becomes `main-2`."""
    seen: dict[str, int] = {}
    named = []
    for arm in made:
        seen[arm.name] = seen.get(arm.name, 0) + 1
        count = seen[arm.name]
        named.append(arm if count == 1 else arm._replace(name=f"{arm.name}-{count}"))
    return tuple(named)
