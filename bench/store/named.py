"""Writes a report into the file that a user named: a file, a symbolic link, a pipe, a device."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.errors import StoreError, UsageError
from bench.store.run_directory import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_OPEN_FILES: Final = re.compile(r"/dev/std(out|err)|/dev/fd/\d+|/proc/(self|\d+)/fd/\d+")


def is_stream(file: Path) -> bool:
    """Whether it is written into as it is: a pipe, a device, or what this process has open.

    A rename would put a file in its place. As root that would be the end of /dev/null.

    Raises:
        UsageError: it cannot be looked at.
    """
    # Also where stdout goes to a file: what the shell wrote there before is not bench's.
    if _OPEN_FILES.fullmatch(str(file.absolute())):
        return True
    mode = _mode(file)
    return mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def check_named(file: Path, beside: Iterable[str] = ()) -> None:
    """See that a file can lie there, and others beside it, before anything is written.

    Raises:
        UsageError: it is a folder, or a file is where a folder has to be.
    """
    if is_stream(file):
        return
    for path in (file, *(file.parent / name for name in beside)):
        mode = _mode(path)
        if mode is not None and stat.S_ISDIR(mode):
            raise UsageError(
                f"{path} is a folder, and a file is to be written there",
                advice="name a file, such as report.md; - is stdout" if path is file else "",
            )
        above = next((one for one in path.parents if _mode(one) is not None), None)
        if above is not None and not above.is_dir():
            raise UsageError(
                f"{above} is not a folder, and {path} is to be written into it",
                advice="name a file in another folder",
            )


def write_named(file: Path, main: bytes, beside: Mapping[str, bytes]) -> None:
    """Write a report, and its charts beside it; a pipe or a device gets the report alone.

    A symbolic link stays one: the file that it leads to is replaced.

    Raises:
        UsageError: no file can lie there; nothing was written.
        StoreError: disk full, no permission.
        BrokenPipeError: the reader of a pipe has left.
    """
    check_named(file, beside)
    if is_stream(file):
        _write_into(file, main)
        return
    write_atomic(Path(os.path.realpath(file)), main)
    for name, data in beside.items():
        write_atomic(file.parent / name, data)


def _write_into(stream: Path, data: bytes) -> None:
    try:
        # Appending, so that nothing is cut off where stdout is a file.
        with os.fdopen(os.open(stream, os.O_WRONLY | os.O_APPEND), "wb") as opened:
            opened.write(data)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StoreError(f"cannot write {stream}: {error.strerror or error}") from error


def _mode(path: Path) -> int | None:
    """Of what it leads to; None where there is nothing."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{str(path)[:200]} cannot be written: {getattr(error, 'strerror', None) or error}"
        ) from None
