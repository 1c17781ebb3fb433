"""The user's cache: what outlives a run and can be made again at any time."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.errors import UsageError
from bench.store.atomic import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable

_DIGEST: Final = hashlib.sha256().digest_size


def expanded(path: str, instead: str = "") -> Path:
    """A path that may begin with `~` or `~USER`.

    Args:
        path: as the user, or bench, writes it.
        instead: variable that could name another place.

    Raises:
        UsageError: there is no such user, or neither HOME nor an entry for the one who runs this,
            as in a container with a uid of its own.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        advice = f"set HOME or {instead}" if instead else "set HOME, or write the whole path"
        raise UsageError(f"{path}: the home folder is not known", advice=advice) from None


def cache_folder() -> Path:
    """The user's folder for what outlives a run: XDG_CACHE_HOME/bench or ~/.cache/bench.

    Raises:
        UsageError: there is neither XDG_CACHE_HOME nor a home folder.
    """
    base = os.environ.get("XDG_CACHE_HOME") or expanded("~/.cache", "XDG_CACHE_HOME")
    return Path(base) / "bench"


def kept(name: str, make: Callable[[], bytes]) -> bytes:
    """The bytes kept under this name, a path below the cache; made where there are none.

    A file that was damaged is made again, and a cache that cannot be written costs time only.
    """
    try:
        path = cache_folder() / name
    except UsageError:  # no home folder
        return make()
    with contextlib.suppress(OSError):
        found = path.read_bytes()
        if found[:_DIGEST] == hashlib.sha256(found[_DIGEST:]).digest():
            return found[_DIGEST:]
    made = make()
    with contextlib.suppress(OSError):
        replace_file(path, hashlib.sha256(made).digest() + made, lasting=False)
    return made
