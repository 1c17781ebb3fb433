"""Reads files that a user names: regular ones only, up to a limit, inside the project."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from bench.errors import UsageError

MAX_YAML_BYTES: Final = 1_000_000
MAX_BODY_BYTES: Final = 16_000_000


def read_limited(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes, without waiting for pipes or devices.

    Raises:
        ValueError: it is not there, cannot be read, is not a regular file, or is too large;
            the message says which.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise ValueError(f"the file cannot be read: {reason or 'bad file name'}") from None
    try:
        _check(os.fstat(handle), limit)
        data = _read(handle, limit + 1)
    finally:
        os.close(handle)
    if len(data) > limit:
        raise ValueError(f"the file has more than {limit:,} bytes")
    return data


def _read(handle: int, most: int) -> bytes:
    parts: list[bytes] = []
    while most > 0 and (part := os.read(handle, most)):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _check(status: os.stat_result, limit: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise ValueError("expected a file, found a folder")
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("expected a regular file, found a pipe, socket or device")
    if status.st_size > limit:
        raise ValueError(f"the file has {status.st_size:,} bytes: at most {limit:,} are read")


def resolved(path: Path) -> Path:
    """The path with symbolic links followed.

    Raises:
        UsageError: links lead in a circle.
    """
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        raise UsageError(f"{path}: symbolic links lead in a circle", advice="remove one") from None


def inside(path: Path, root: Path) -> bool:
    """Whether a path stays in a folder once symbolic links are followed."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def as_named(path: Path) -> str:
    """The path as the user would write it: relative to the current folder where it is below."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(path)
