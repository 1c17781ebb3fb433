"""Another version of a dependency: what a server's build has to say for it; runs nothing."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.errors import UsageError, did_you_mean
from bench.model.fields import DEPENDENCY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

_ADVICE: Final = "commit the other version to a branch and compare by --ref"
_REQUIREMENT: Final = re.compile(r"^[ \t]*([A-Za-z0-9][\w.\-]*)", re.MULTILINE)
_TABLES: Final = ("dependencies", "dev-dependencies", "devDependencies", "optionalDependencies")


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
        raise UsageError(f"--with {text!r}: expected NAME==VERSION, such as spikard==0.17.1")
    name, version = match[1], match[2]
    build: list[list[str]] = [[str(word) for word in argv] for argv in document.get("build") or []]
    for knows, change in _CHANGES.values():
        command = next((argv for argv in build if knows(argv)), None)
        if command is not None:
            _check_declared(name, declared)
            return document | {"build": change(build, command, name, version)}
    raise UsageError(
        f"--with {text}: the build of this server uses none of {', '.join(_CHANGES)}",
        advice=_ADVICE,
    )


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
    found: set[str] = set()
    for path in sorted(folder.iterdir()):
        reader = next((read for like, read in _READERS.items() if path.match(like)), None)
        if reader is None or not path.is_file():
            continue
        try:
            found |= {_plain(name) for name in reader(path.read_text("utf-8", "replace"))}
        except (ValueError, TypeError, AttributeError):  # its own tool will say what is wrong
            continue
    return frozenset(found)


def _plain(name: str) -> str:
    """`Foo_Bar[extra]` and `foo-bar` are one to pip and cargo."""
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


def _from_requirements(text: str) -> Iterable[str]:
    return _REQUIREMENT.findall(text)


def _from_toml(text: str) -> Iterable[str]:
    """pyproject.toml and Cargo.toml, and lock files made of [[package]]."""
    data = tomllib.loads(text)
    listed = data.get("project", {}).get("dependencies", [])
    locked = [package["name"] for package in data.get("package", []) if isinstance(package, dict)]
    tables = [name for table in _TABLES for name in data.get(table, {})]
    return [*_REQUIREMENT.findall("\n".join(listed)), *locked, *tables]


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


def _uv(build: _Build, command: list[str], name: str, version: str) -> _Build:
    """Into the environment that the build's own `uv pip` names."""
    named = command.index("--python") + 1 if "pip" in command and "--python" in command else 0
    place = command[named] if 0 < named < len(command) else ".venv"
    return [*build, ["uv", "pip", "install", "--python", place, f"{name}=={version}"]]


def _pip(build: _Build, command: list[str], name: str, version: str) -> _Build:
    """With the same pip, up to its word `install`."""
    begin = command[: command.index("install") + 1]
    return [*build, [*begin, f"{name}=={version}"]]


def _npm(build: _Build, _command: list[str], name: str, version: str) -> _Build:
    more = ["npm", "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    return [*build, [*more, f"{name}@{version}"]]


def _cargo(build: _Build, _command: list[str], name: str, version: str) -> _Build:
    return [["cargo", "update", "--precise", version, name], *build]


def _go(build: _Build, _command: list[str], name: str, version: str) -> _Build:
    """Go's versions begin with v, which nobody writes after `==`."""
    tag = f"v{version}" if version[:1].isdigit() else version
    return [["go", "get", f"{name}@{tag}"], *build]


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
    "npm": (_calls("npm"), _npm),
    "cargo": (_calls("cargo"), _cargo),
    "go": (_calls("go"), _go),
}
"""Tool -> whether a command of the build is its, and what gets the other version."""
