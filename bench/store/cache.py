"""The user's cache: what outlives a run and can be made again at any time."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.store.atomic import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable

_DIGEST: Final = hashlib.sha256().digest_size


def cache_folder() -> Path:
    """The user's folder for what outlives a run: XDG_CACHE_HOME/bench or ~/.cache/bench."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(base) / "bench"


def kept(name: str, make: Callable[[], bytes]) -> bytes:
    """The bytes kept under this name, a path below the cache; made where there are none.

    A file that was damaged is made again, and a cache that cannot be written costs time only.
    """
    path = cache_folder() / name
    with contextlib.suppress(OSError):
        found = path.read_bytes()
        if found[:_DIGEST] == hashlib.sha256(found[_DIGEST:]).digest():
            return found[_DIGEST:]
    made = make()
    with contextlib.suppress(OSError):
        replace_file(path, hashlib.sha256(made).digest() + made, lasting=False)
    return made
