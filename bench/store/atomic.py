"""Writes a file whole or not at all, even with readers and writers at the same time."""

from __future__ import annotations

import contextlib
import os
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace_file(path: Path, data: bytes, *, lasting: bool = True) -> None:
    """Write a file under a temporary name that nobody else uses, then rename it.

    The last of several writers wins; none of them fails because of another.

    Args:
        path: the file; its folder is made where it is missing.
        data: all of its content.
        lasting: wait until the disk has it, so that a power cut leaves the old or the new file.

    Raises:
        OSError: it could not be written; the old file, if any, is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the whole name of the file: that may be as long as a name can be.
    part = path.with_name(f".{path.name[:40]}.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp")
    try:
        with part.open("xb") as file:
            file.write(data)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException:  # Ctrl-C in the middle must not leave it either
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
