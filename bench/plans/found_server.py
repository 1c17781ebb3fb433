"""What `bench init` recognized in a folder, and how files are read for it; writes nothing."""

from __future__ import annotations

import tomllib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.plans.yaml.files import read_limited

if TYPE_CHECKING:
    from pathlib import Path

UP: Final = "../.."
"""The user's folder as seen from `servers/NAME`, where commands are run."""
_MAX_BYTES: Final = 1_000_000


class FoundServer(NamedTuple):
    """The part of a server.yaml that depends on the kind of project.

    Attributes:
        look: what the user must know or say before it runs.
        python: versions of Python it accepts; "" for other languages.
        port_argument: the port is a word of `run` already.
        files: written beside server.yaml: a small program that imports a library's checkout.
        answer: what such a program answers; None = not known.
        unknown: what must be named before anything can be tried; "" = nothing.
        settings: variables that make it run as in production.
    """

    kind: str
    language: str
    needs: str
    build: list[list[str]]
    run: list[str]
    look: str
    python: str = ""
    port_argument: bool = False
    files: dict[str, str] = {}
    answer: str | None = None
    unknown: str = ""
    settings: dict[str, str] = {}


def text_of(path: Path) -> str:
    """A file as text; "" where it cannot be read."""
    try:
        return read_limited(path, _MAX_BYTES).decode("utf-8", "replace")
    except ValueError:
        return ""


def toml_of(path: Path) -> dict[str, Any] | None:
    """A TOML file; {} where it is there and cannot be read."""
    if not path.is_file():
        return None
    try:
        return tomllib.loads(text_of(path))
    except (ValueError, RecursionError):  # not TOML, a number too long, nested too deeply
        return {}


def matching(folder: Path, pattern: str) -> list[Path]:
    """What a pattern for workspaces fits, sorted; nothing where it is not one of a glob.

    "." is the folder itself, which is a member of many workspaces and no pattern to `glob`.
    """
    if not PurePosixPath(pattern).parts:
        return [folder]
    try:
        return sorted(folder.glob(pattern))
    except (ValueError, IndexError, NotImplementedError, OSError, RuntimeError):
        return []


def table_of(data: Any, *keys: str) -> dict[str, Any]:
    """A table inside a TOML file; {} where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}
