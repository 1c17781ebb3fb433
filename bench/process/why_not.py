"""Why a program that is there cannot be started, and what to do about it."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_HEAD: Final = 256


def why_not(program: str, folder: Path, error: str) -> tuple[str, str]:
    """The cause in words and the advice; ("", "") where the system's own words say it.

    The system says `No such file` of a script whose interpreter is lacking, too.
    """
    place = folder / program
    if "/" not in program or not place.is_file():
        return "", ""
    if os.strerror(errno.ENOENT) in error:
        return _lacking(place)
    if os.strerror(errno.ENOEXEC) in error:
        return (
            "it is neither a program of this machine nor a script with #! in its first line",
            f"name what runs it, such as sh {program}; or build it on this machine",
        )
    if os.strerror(errno.EACCES) in error and not os.access(place, os.X_OK):
        return "it may not be executed", f"`chmod +x {place}`, or name what runs it"
    return "", ""


def _lacking(place: Path) -> tuple[str, str]:
    with place.open("rb") as file:
        head = file.read(_HEAD)
    if not head.startswith(b"#!"):
        return (
            "the file is there, and what it needs to be loaded is not",
            "was it built for another system, such as one with musl in place of glibc?",
        )
    line = head[2:].partition(b"\n")[0].decode("utf-8", "replace")
    if line.endswith("\r"):
        return (
            "its first line ends with CR LF, as on Windows",
            f"`sed -i 's/\\r$//' {place}` takes that away",
        )
    interpreter = line.strip().split(" ")[0]
    return (
        f"its first line names {interpreter}, which is not there",
        "was its environment moved or deleted? make it again where it lies now",
    )
