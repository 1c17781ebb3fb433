"""Where a server is built: in its own folder, or in the user's cache where that cannot be."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.servers.building import hash_files, sources
from bench.store.run_directory import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.model.plan import Arm

_PACKAGED: Final = Path(__file__).resolve().parent.parent / "_data"
_DIGITS: Final = 12


def buildable_copy(arm: Arm, cache: Path) -> Arm:
    """The arm with a folder that may be built in.

    The servers inside an installed `bench`, and those in a folder that cannot be written, are
    copied once per content: an update of `bench` makes a new copy.

    Args:
        arm: as the project has it.
        cache: the user's cache folder; copies go to `servers/<id>-<hash>/<id>` below it.
    """
    folder = Path(arm.folder)
    if arm.url is not None or not needs_copy(folder):
        return arm
    home = cache / "servers" / f"{arm.server}-{content_of(folder)}" / folder.name
    copy_server(folder, home)
    return arm.replace(folder=str(home))


def needs_copy(folder: Path) -> bool:
    """Whether nothing may be built in a folder."""
    return folder.is_relative_to(_PACKAGED) or not os.access(folder, os.W_OK)


def content_of(folder: Path) -> str:
    """A short hash of a server's sources and its server.yaml, to name a copy after."""
    digest = hashlib.sha256()
    hash_files(digest, folder, _copied(folder))
    return digest.hexdigest()[:_DIGITS]


def _copied(folder: Path) -> list[Path]:
    config = folder / "server.yaml"  # missing where `bench try` made the server up
    return [*sources(folder), *([config] if config.is_file() else [])]


def copy_files(folder: Path, target: Path, files: Iterable[Path]) -> None:
    """Copy files of a folder to the same places below another; what is there is replaced."""
    for path in files:
        place = target / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(path, place)
        shutil.copymode(path, place)


def copy_server(folder: Path, home: Path, *, server_yaml: bytes | None = None) -> None:
    """Copy a server's sources to a folder that was named after their content.

    What is there already is kept, so that an interrupted copy is completed; each file is
    written whole or not at all.

    Args:
        folder: the server's own; what builds made in it stays behind.
        home: where the copy goes.
        server_yaml: for the copy, instead of the server's own.
    """
    for path in _copied(folder):
        target = home / path.relative_to(folder)
        mode = path.stat().st_mode & 0o777 | 0o600
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            own = server_yaml if path.name == "server.yaml" else None
            write_atomic(target, path.read_bytes() if own is None else own)
        if target.stat().st_mode & 0o777 != mode:
            target.chmod(mode)
