"""Another version of a dependency: what a server's build has to say for it; runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench.errors import UsageError
from bench.model.fields import DEPENDENCY

if TYPE_CHECKING:
    from collections.abc import Callable


def with_dependency(document: dict[str, Any], text: str) -> dict[str, Any]:
    """A server.yaml whose build installs that version in place of the pinned one.

    Args:
        document: server.yaml as written.
        text: `name==version`, also `name@version`.

    Raises:
        UsageError: not of that form, or nobody knows how this build gets its dependencies.
    """
    match = DEPENDENCY.fullmatch(text)
    if match is None:
        raise UsageError(f"--with {text!r}: expected NAME==VERSION, such as spikard==0.17.1")
    build: list[list[str]] = document.get("build") or []
    words = {str(word) for command in build for word in command[:2]}
    for tool, change in _CHANGES.items():
        if tool in words:
            return document | {"build": change(build, match[1], match[2])}
    known = ", ".join(_CHANGES)
    raise UsageError(
        f"--with {text}: the build of this server uses none of {known}",
        advice="commit the other version to a branch and compare by --ref",
    )


def _uv(build: list[list[str]], name: str, version: str) -> list[list[str]]:
    return [*build, ["uv", "pip", "install", "--python", ".venv", f"{name}=={version}"]]


def _npm(build: list[list[str]], name: str, version: str) -> list[list[str]]:
    more = ["npm", "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    return [*build, [*more, f"{name}@{version}"]]


def _cargo(build: list[list[str]], name: str, version: str) -> list[list[str]]:
    return [["cargo", "update", "--precise", version, name], *build]


def _go(build: list[list[str]], name: str, version: str) -> list[list[str]]:
    return [["go", "get", f"{name}@{version}"], *build]


_CHANGES: Final[dict[str, Callable[[list[list[str]], str, str], list[list[str]]]]] = {
    "uv": _uv,
    "npm": _npm,
    "cargo": _cargo,
    "go": _go,
}
"""Word that a build's commands begin with -> what gets the other version."""
