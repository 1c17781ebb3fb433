"""Where a server is built: in its own folder, or in the user's cache where that cannot be."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.servers.building import hash_files, sources

if TYPE_CHECKING:
    from bench.model.plan import Arm

_PACKAGED: Final = Path(__file__).resolve().parent.parent / "_data"
_DIGITS: Final = 12


def at_home(arm: Arm, cache: Path) -> Arm:
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
    home = cache / "servers" / f"{arm.server}-{_content(folder)[:_DIGITS]}" / folder.name
    if not home.is_dir():
        _copy(folder, home)
    return arm.model_copy(update={"folder": str(home)})


def needs_copy(folder: Path) -> bool:
    """Whether nothing may be built in a folder."""
    return folder.is_relative_to(_PACKAGED) or not os.access(folder, os.W_OK)


def _content(folder: Path) -> str:
    digest = hashlib.sha256()
    hash_files(digest, folder, [*sources(folder), folder / "server.yaml"])
    return digest.hexdigest()


def _copy(folder: Path, home: Path) -> None:
    """Copy by way of a temporary folder: an interrupted copy must not look like a whole one."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".copy-", dir=home.parent) as scratch:
        for path in [*sources(folder), folder / "server.yaml"]:
            target = Path(scratch, home.name, path.relative_to(folder))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            target.chmod(path.stat().st_mode & 0o777 | 0o600)
        if not home.is_dir():
            Path(scratch, home.name).rename(home)
