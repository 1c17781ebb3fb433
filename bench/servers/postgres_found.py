"""Where a PostgreSQL lies that `bench` can start, and how one is installed; starts nothing."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.loadtools.install.find import user_path
from bench.loadtools.install.install_plan import POSTGRES_FORMULA, POSTGRES_PACKAGE
from bench.process import capture

if TYPE_CHECKING:
    from collections.abc import Iterator

ADVICE: Final = "`bench setup --tool postgres` installs PostgreSQL"
FOLDERS: Final = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
"""Where packages put its programs away from PATH: Debian, Red Hat, Homebrew on either Mac."""
_PROGRAMS: Final = ("initdb", "postgres", "psql")
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+(?:\.\d+)*)")


class PostgresPlace(NamedTuple):
    """An installed PostgreSQL.

    Attributes:
        folder: holds its programs.
        version: such as `15.10`.
    """

    folder: Path
    version: str

    def program(self, name: str) -> str:
        """The whole path of one of them."""
        return str(self.folder / name)


def find_postgres() -> PostgresPlace | None:
    """The PostgreSQL of PATH, else the newest of the usual folders; None where there is none."""
    return _found(user_path(), FOLDERS)


def _found(path: str, patterns: tuple[str, ...]) -> PostgresPlace | None:
    for folder in _folders(path, patterns):
        if all(shutil.which(name, path=str(folder)) for name in _PROGRAMS):
            said = capture([str(folder / "postgres"), "--version"])
            match = _VERSION.search(said.stdout) if said else None
            if match:
                return PostgresPlace(folder, match[1])
    return None


def _folders(path: str, patterns: tuple[str, ...]) -> Iterator[Path]:
    """Folders to look in; a link on PATH leads to the one with all programs."""
    for one in path.split(os.pathsep):
        linked = shutil.which("postgres", path=one)
        if linked:
            yield Path(linked).resolve().parent
    for pattern in patterns:
        top = Path(pattern).anchor
        found = Path(top).glob(pattern.removeprefix(top))
        yield from sorted(found, key=_number, reverse=True)


def _number(folder: Path) -> int:
    digits = re.findall(r"\d+", str(folder))
    return int(digits[-1]) if digits else 0


def install_command() -> str:
    """What a user types to get it."""
    if sys.platform == "darwin":
        return f"brew install {POSTGRES_FORMULA}"
    return f"apt-get install {POSTGRES_PACKAGE}"
