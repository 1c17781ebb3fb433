"""Releases of what a server is built from: tags, or published versions.

A registry is asked by the tool that the server's build uses, so that mirrors and credentials of
the user hold.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from packaging.version import InvalidVersion, Version

from bench.errors import UsageError, did_you_mean
from bench.plans.dependencies import build_tool, direct_in
from bench.process import capture
from bench.servers.environment import base_environment, startable
from bench.servers.git import repository_of, tags_of
from bench.store.cache import expanded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

_LIMIT_S: Final = 60.0
_TAG: Final = re.compile(r"(.*?)v?(\d+(?:\.\d+)+)")
_SHORT_NAME: Final = 3
_SHOWN: Final = 8


class Releases(NamedTuple):
    """Releases, the oldest first: as git refs, or as `name==version`."""

    refs: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()


def newest(
    count: int, document: dict[str, Any], folders: tuple[Path, Path], named: Sequence[str]
) -> Releases:
    """So many of the newest releases; those before a release (1.0rc1) do not count.

    Args:
        count: how many.
        document: the server.yaml.
        folders: of the server, and of the project that it is built from.
        named: the dependency whose versions are meant; empty = tags of the project, or its
            only dependency.

    Raises:
        UsageError: nothing is known to have releases, there are too few, or no registry answers.
    """
    if len(named) > 1:
        raise UsageError(f"--releases: of {' or '.join(named)}? expected one --with NAME")
    tags = () if named else _tags(folders)
    if tags:
        return Releases(refs=_last(tags, count, "tags with a version"))
    tool = build_tool(document)
    name = named[0] if named else _only(folders, tool)
    found = published(name, document, folders[0])
    versions = _last(found, count, f"published versions of {name}")
    return Releases(dependencies=tuple(f"{name}=={version}" for version in versions))


def published(name: str, document: dict[str, Any], folder: Path) -> list[str]:
    """The versions of a dependency that its registry has, in order, none before a release.

    Args:
        name: the dependency.
        document: the server.yaml; the first known tool of its build is asked.
        folder: of the server.

    Raises:
        UsageError: the build has no such tool, or the registry does not answer.
    """
    tool = build_tool(document)
    if tool is None:
        raise UsageError(
            f"it is not known how the build of this server gets {name}",
            advice="compare versions or refs by hand: bench ab SERVER --ref REF --ref REF",
        )
    return _ordered(_PUBLISHED[tool](name, folder))


def between(versions: Sequence[str], name: str, good: str, bad: str) -> tuple[str, ...]:
    """Those of published versions that lie between two of them, both included.

    Raises:
        UsageError: one of them is not published, both are the same, or good is the newer one.
    """
    first, last = (_place(versions, name, each) for each in (good, bad))
    if first == last:
        raise UsageError(f"good and bad are the same version, {bad}", advice="name an older good")
    if first > last:
        raise UsageError(
            f"good ({good}) is newer than bad ({bad})",
            advice="the older version is --good; what became cheaper cannot be searched for",
        )
    return tuple(versions[first : last + 1])


def _place(versions: Sequence[str], name: str, wanted: str) -> int:
    """Where a version stands, however it is written: 1.0 is 1.0.0."""
    with contextlib.suppress(InvalidVersion):
        asked = Version(wanted)
        for index, version in enumerate(versions):
            if Version(version) == asked:
                return index
    newest_known = f"the newest is {versions[-1]}" if versions else "it has none"
    raise UsageError(
        f"{name} {wanted} is not among the {len(versions)} versions that are published as releases",
        advice=did_you_mean(wanted, versions, newest_known),
    )


def _last(found: Sequence[str], count: int, what: str) -> tuple[str, ...]:
    if len(found) < count:
        raise UsageError(f"--releases {count}: there are only {len(found)} {what}")
    return tuple(found[-count:])


class _Tag(NamedTuple):
    """A tag that is a version."""

    version: Version
    name: str
    made: int


def _tags(folders: tuple[Path, Path]) -> tuple[str, ...]:
    """Tags that are versions, in order; of a repository with several kinds those that fit.

    A workspace tags each of its packages. What fits is a kind without a name, or with that of
    the repository or of what the server requires (`axum-v0.8.9`; `web-v4.15.0` of actix-web);
    of several the one that was tagged last: axum's last tag without a name is v0.4.0 of 2021.
    """
    try:
        repository = repository_of(folders[1])
    except UsageError:
        return ()
    kinds: dict[str, list[_Tag]] = {}
    for name, made in tags_of(repository).items():
        match = _TAG.fullmatch(name)
        if match:
            kind = match[1].rstrip("-_/@")
            kinds.setdefault(kind, []).append(_Tag(Version(match[2]), name, made))
    fitting = _fitting(kinds, {repository.name, *direct_in(folders[0])})
    if not fitting and len(kinds) > 1:
        raise UsageError(
            f"--releases: tags of which of {', '.join(sorted(kinds)[:_SHOWN])}?",
            advice="name them: --ref TAG --ref TAG",
        )
    last = max(fitting or kinds, key=lambda kind: max(t.made for t in kinds[kind]), default="")
    return tuple(tag.name for tag in sorted(kinds.get(last, [])))


def _fitting(kinds: Iterable[str], names: Collection[str]) -> list[str]:
    """Kinds of tags without a name, with one of these, or with the last part of one."""
    parts = {"", *names, *(name.rpartition("-")[2] for name in names)}
    return sorted(kind for kind in kinds if kind in parts)


def _only(folders: tuple[Path, Path], tool: str | None) -> str:
    """The one dependency there is: of several nobody can know which is meant."""
    found = next((names for folder in folders if (names := direct_in(folder))), ())
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            "--releases: the repository has no tags with a version, and there is no dependency",
            advice="`git fetch --tags` brings the tags of a shallow clone",
        )
    example = found[0]
    raise UsageError(
        f"--releases: of which dependency? there are {', '.join(found[:_SHOWN])}",
        advice=f"add its name: --with {example}" + ("" if tool else ", or name refs: --ref REF"),
    )


def _ordered(found: Iterable[str]) -> list[str]:
    """Released versions in order, once each."""
    known = {}
    for text in found:
        try:
            version = Version(text)
        except InvalidVersion:
            continue
        if not version.is_prerelease and not version.is_devrelease and "-" not in text:
            known[text] = version
    return sorted(known, key=known.__getitem__)


def _asked(argv: Sequence[str], folder: Path) -> str:
    """What a tool prints.

    Raises:
        UsageError: it is not there, or has no answer; with its last line.
    """
    env = base_environment()
    done = capture(startable(argv, env["PATH"]), env=env, cwd=folder, timeout_s=_LIMIT_S)
    if done is not None and done.rc == 0:
        return done.stdout
    said = [line for line in (done.stderr if done else "").splitlines() if line.strip()]
    raise UsageError(
        f"`{' '.join(argv)}` gives no versions: {said[-1].strip() if said else 'it cannot be run'}",
        advice="`bench ab SERVER --with NAME==VERSION` asks no registry",
    )


def _npm(name: str, folder: Path) -> list[str]:
    found = json.loads(_asked(["npm", "view", name, "versions", "--json"], folder) or "[]")
    return [found] if isinstance(found, str) else [str(one) for one in found]


def _pypi(name: str, folder: Path) -> list[str]:
    """By whichever pip there is; uv, which comes with `bench`, can run one."""
    failed = UsageError("")
    for begin in (["python3", "-m", "pip"], ["pip"], ["uv", "tool", "run", "pip"]):
        try:
            said = _asked([*begin, "index", "versions", name], folder)
        except UsageError as error:
            failed = error
            continue
        match = re.search(r"^Available versions: (.*)$", said, re.MULTILINE)
        if match:
            return match[1].replace(" ", "").split(",")
    raise failed


def _go(name: str, folder: Path) -> list[str]:
    words = _asked(["go", "list", "-m", "-versions", name], folder).split()[1:]
    return [word.removeprefix("v") for word in words]


def _cargo(name: str, folder: Path) -> list[str]:
    """`cargo info` names the newest only, but brings the index entry of all into cargo's cache."""
    _asked(["cargo", "info", name], folder)
    plain = name.lower()
    short = len(plain) <= _SHORT_NAME
    place = ["3", plain[0]] if len(plain) == _SHORT_NAME else [str(len(plain))]
    parts = [*(place if short else [plain[:2], plain[2:4]]), plain]
    home = Path(os.environ.get("CARGO_HOME") or expanded("~/.cargo", "CARGO_HOME"))
    files = (home / "registry" / "index").glob(f"*/.cache/{'/'.join(parts)}")
    entries = (file.read_bytes().split(b"\0") for file in files)
    return [one["vers"] for one in _entries(itertools.chain(*entries)) if not one.get("yanked")]


def _entries(parts: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    for part in parts:
        if part.startswith(b"{"):
            entry = json.loads(part)
            if "vers" in entry:
                yield entry


_PUBLISHED: Final[dict[str, Callable[[str, Path], list[str]]]] = {
    "uv": _pypi,
    "pip": _pypi,
    "poetry": _pypi,
    "npm": _npm,
    "cargo": _cargo,
    "go": _go,
}
"""Tool of the build -> the versions that its registry has."""
