"""Another version of a dependency: what a server's build has to say for it; runs nothing."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import UsageError, did_you_mean
from bench.model.fields import DEPENDENCY
from bench.plans.cargo_manifest import required

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

_ADVICE: Final = "commit the other version to a branch and compare by --ref"
_REQUIREMENT: Final = re.compile(r"^[ \t]*([A-Za-z0-9][\w.\-]*)", re.MULTILINE)
_TABLES: Final = ("dependencies", "dev-dependencies", "devDependencies", "optionalDependencies")


class Changed(NamedTuple):
    """What another version of a dependency changes in a copy of a server.

    Attributes:
        document: its server.yaml.
        texts: manifest -> its new text.
    """

    document: dict[str, Any]
    texts: dict[Path, str]


def change_dependency(
    document: dict[str, Any], text: str, files: Mapping[Path, Sequence[Path]]
) -> Changed:
    """A server.yaml and manifests that get that version in place of the one they name.

    Args:
        document: server.yaml as written.
        text: `name==version`, also `name@version`.
        files: folder -> its files: of the server, and of the project that it is built from.

    Raises:
        UsageError: see `with_dependency`.
    """
    listed = [path for paths in files.values() for path in paths]
    whole = with_dependency(document, text, frozenset().union(*map(_declared, listed)))
    texts = _edited(text, listed) if build_tool(document) == "cargo" else {}
    if texts:
        whole = document | {"build": _cargo_edited(document)}
    return Changed(whole, texts)


def _edited(text: str, listed: Iterable[Path]) -> dict[Path, str]:
    """Manifests of cargo that name the dependency, with that version: of any major."""
    match = DEPENDENCY.fullmatch(text)
    found = {}
    for path in listed:
        if match is not None and path.name == "Cargo.toml":
            found[path] = required(path.read_text("utf-8", "replace"), match[1], match[2])
    return {path: new for path, new in found.items() if new is not None}


def build_tool(document: dict[str, Any]) -> str | None:
    """What gets the dependencies of a server: the first known tool of its build."""
    build = [[str(word) for word in argv] for argv in document.get("build") or []]
    return next((name for name, (knows, _) in _CHANGES.items() if any(map(knows, build))), None)


def with_dependency(
    document: dict[str, Any], text: str, declared: Collection[str] = ()
) -> dict[str, Any]:
    """A server.yaml whose build installs that version in place of the pinned one.

    Args:
        document: server.yaml as written.
        text: `name==version`, also `name@version`.
        declared: what the server depends on, see `declared_in`; empty = not known.

    Raises:
        UsageError: not of that form, nothing that the server depends on, or nobody knows how
            this build gets its dependencies.
    """
    match = DEPENDENCY.fullmatch(text)
    if match is None:
        raise UsageError(
            f"--with {text!r}: expected NAME==VERSION, such as spikard==0.17.1",
            advice="with --releases N the name alone: its newest versions",
        )
    name, version = match[1], match[2]
    build: list[list[str]] = [[str(word) for word in argv] for argv in document.get("build") or []]
    for knows, change in _CHANGES.values():
        command = next((argv for argv in build if knows(argv)), None)
        if command is not None:
            _check_declared(name, declared)
            return _kept_version(document | {"build": change(build, command, name, version)})
    raise UsageError(
        f"--with {text}: the build of this server uses none of {', '.join(_CHANGES)}",
        advice=_ADVICE,
    )


def _kept_version(document: dict[str, Any]) -> dict[str, Any]:
    """`uv run` would bring back what the lock file says."""
    kept = {}
    for key in ("run", "version"):
        argv = document.get(key) or []
        if [Path(str(word)).name for word in argv[:2]] == ["uv", "run"]:
            kept[key] = [*argv[:2], "--no-sync", *argv[2:]]
    return document | kept


def _check_declared(name: str, declared: Collection[str]) -> None:
    """Refuse what nothing imports: its arms would be the same server under two names."""
    if declared and _plain(name) not in declared:
        otherwise = "its manifest or lock file names those"
        raise UsageError(
            f"--with {name}: the server does not depend on it",
            advice=did_you_mean(_plain(name), declared, otherwise),
        )


def declared_in(folder: Path) -> frozenset[str]:
    """What manifests and lock files in a server's folder name, in lower case with dashes.

    Empty where there are none, or none that can be read.
    """
    return frozenset().union(*map(_declared, sorted(folder.iterdir())))


def direct_in(folder: Path) -> tuple[str, ...]:
    """What the manifests in a folder require by themselves, lock files left out."""
    manifests = (path for path in sorted(folder.iterdir()) if not path.match("*lock*"))
    return tuple(sorted(frozenset().union(*map(_declared, manifests))))


def _declared(path: Path) -> frozenset[str]:
    reader = next((read for like, read in _READERS.items() if path.match(like)), None)
    if reader is None or not path.is_file():
        return frozenset()
    try:
        return frozenset(_plain(name) for name in reader(path.read_text("utf-8", "replace")))
    except (ValueError, TypeError, AttributeError):  # its own tool will say what is wrong
        return frozenset()


def _plain(name: str) -> str:
    """`Foo_Bar[extra]` and `foo-bar` are one to pip and cargo."""
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


def _from_requirements(text: str) -> Iterable[str]:
    return _REQUIREMENT.findall(text)


def _from_toml(text: str) -> Iterable[str]:
    """pyproject.toml and Cargo.toml, and lock files made of [[package]]."""
    data = tomllib.loads(text)
    project = data.get("project", {})
    grouped = [project.get("optional-dependencies", {}), data.get("dependency-groups", {})]
    listed = [one for group in grouped for part in group.values() for one in part]
    texts = [one for one in (*project.get("dependencies", []), *listed) if isinstance(one, str)]
    locked = [package["name"] for package in _dicts(data.get("package", []))]
    poetry = data.get("tool", {}).get("poetry", {}).get("dependencies", {})
    tables = [name for table in _TABLES for name in data.get(table, {})]
    shared = data.get("workspace", {}).get("dependencies", {})
    return [*_REQUIREMENT.findall("\n".join(texts)), *locked, *tables, *poetry, *shared]


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def _from_package(text: str) -> Iterable[str]:
    """package.json and package-lock.json."""
    data = json.loads(text)
    locked = [place.rpartition("node_modules/")[2] for place in data.get("packages", {}) if place]
    return [*locked, *(name for table in _TABLES for name in data.get(table, {}))]


def _from_go(text: str) -> Iterable[str]:
    return re.findall(r"^\s*(?:require\s+)?([^\s/]+\.[^\s]+)\s+v\d", text, re.MULTILINE)


_READERS: Final[dict[str, Callable[[str], Iterable[str]]]] = {
    "requirements*.txt": _from_requirements,
    "requirements*.in": _from_requirements,
    "pyproject.toml": _from_toml,
    "Cargo.toml": _from_toml,
    "*.lock": _from_toml,
    "package.json": _from_package,
    "package-lock.json": _from_package,
    "go.mod": _from_go,
}

_Build = list[list[str]]


def _option(command: list[str], *names: str) -> list[str]:
    """An option of a command with its value, as it stands there; empty without it."""
    for index, word in enumerate(command):
        if word in names:
            return command[index : index + 2]
        if word.partition("=")[0] in names and "=" in word:
            return [word]
    return []


def _uv(build: _Build, command: list[str], name: str, version: str) -> _Build:
    """Into the environment that the build's own `uv pip` names, or into the project's."""
    python = _option(command, "--python", "-p") if "pip" in command else []
    home = _option(command, "--project", "--directory")
    place = f"{home[-1].partition('=')[2] or home[-1]}/.venv" if home else ".venv"
    chosen = python or ["--python", place]
    return [*build, [command[0], "pip", "install", *chosen, f"{name}=={version}"]]


def _pip(build: _Build, command: list[str], name: str, version: str) -> _Build:
    """With the same pip, up to its word `install`."""
    begin = command[: command.index("install") + 1]
    return [*build, [*begin, f"{name}=={version}"]]


def _poetry(build: _Build, command: list[str], name: str, version: str) -> _Build:
    """Into the environment that poetry made, behind its own resolution."""
    place = _option(command, "-C", "--directory", "-P", "--project")
    return [*build, [command[0], *place, "run", "pip", "install", f"{name}=={version}"]]


def _npm(build: _Build, command: list[str], name: str, version: str) -> _Build:
    more = ["npm", "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    return [*build, [*more, *_option(command, "--prefix", "-C"), f"{name}@{version}"]]


def _cargo(build: _Build, command: list[str], name: str, version: str) -> _Build:
    """What only the lock file names."""
    place = _option(command, "--manifest-path")
    return [["cargo", "update", *place, "--precise", version, name], *build]


def _cargo_edited(document: dict[str, Any]) -> _Build:
    """The lock file follows the edited manifests, so that `--locked` holds."""
    build = [[str(word) for word in argv] for argv in document["build"]]
    command = next(argv for argv in build if _calls("cargo")(argv))
    return [["cargo", "update", *_option(command, "--manifest-path"), "--workspace"], *build]


def _go(build: _Build, command: list[str], name: str, version: str) -> _Build:
    """Go's versions begin with v, which nobody writes after `==`."""
    tag = f"v{version}" if version[:1].isdigit() else version
    return [["go", "get", *_option(command, "-C"), f"{name}@{tag}"], *build]


def _is_uv(argv: list[str]) -> bool:
    return Path(argv[0]).name == "uv" and argv[1:2] != ["venv"]


def _is_pip(argv: list[str]) -> bool:
    program = Path(argv[0]).name
    return "install" in argv and (program in ("pip", "pip3") or argv[1:3] == ["-m", "pip"])


def _calls(tool: str) -> Callable[[list[str]], bool]:
    return lambda argv: Path(argv[0]).name == tool


_CHANGES: Final[
    dict[str, tuple[Callable[[list[str]], bool], Callable[[_Build, list[str], str, str], _Build]]]
] = {
    "uv": (_is_uv, _uv),
    "pip": (_is_pip, _pip),
    "poetry": (_calls("poetry"), _poetry),
    "npm": (_calls("npm"), _npm),
    "cargo": (_calls("cargo"), _cargo),
    "go": (_calls("go"), _go),
}
"""Tool -> whether a command of the build is its, and what gets the other version."""
