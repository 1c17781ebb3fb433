"""Where host facts come from: this machine or a captured tree, behind the same three functions."""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.process import capture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NO_FILE: Final = "no such file"
EMPTY: Final = "empty"
NO_COMMAND: Final = "no such command"
_TIMEOUT_S: Final = 15.0
_SUFFIXES: Final = (".txt", ".json")


class SourceText(NamedTuple):
    """A text that was read, or why there is none.

    Attributes:
        text: the text without the blanks around it, None where it could not be read.
        reason: why there is none, else "".
    """

    text: str | None
    reason: str = ""


class HostSource(NamedTuple):
    """Everything a reader may ask; a reader is a pure function of the answers.

    Attributes:
        read: absolute path -> its text.
        run: argument list -> what the command printed on stdout.
        glob: absolute pattern -> the paths of files that match, in natural order.
    """

    read: Callable[[str], SourceText]
    run: Callable[[Sequence[str]], SourceText]
    glob: Callable[[str], tuple[str, ...]]


def file_name(argv: Sequence[str]) -> str:
    """Name a command's file in a captured tree, without its suffix: `sysctl_-a`."""
    return "_".join(argv).replace("/", "_")


def natural(text: str) -> list[tuple[int, str]]:
    """Sort key that puts `cpu2` before `cpu10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]


def local_source() -> HostSource:
    """Read this machine."""
    return HostSource(_read_file, _run_command, _glob_local)


def tree_source(root: Path) -> HostSource:
    """Read a captured tree; a missing file is a file or a command that is not there."""

    def read(path: str) -> SourceText:
        return _read_file(str(root / path.lstrip("/")))

    def run(argv: Sequence[str]) -> SourceText:
        found = [root / (file_name(argv) + suffix) for suffix in _SUFFIXES]
        for candidate in found:
            if candidate.is_file():
                return _read_file(str(candidate))
        return SourceText(None, f"{NO_COMMAND}: {argv[0]}")

    def find(pattern: str) -> tuple[str, ...]:
        start = len(str(root))
        inside = glob.glob(glob.escape(str(root)) + pattern)  # noqa: PTH207 - pathlib's glob cannot take absolute patterns
        return tuple(sorted((path[start:] for path in inside), key=natural))

    return HostSource(read, run, find)


def _read_file(path: str) -> SourceText:
    try:
        text = Path(path).read_bytes().decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return SourceText(None, NO_FILE)
    except PermissionError:
        return SourceText(None, "permission denied")
    except OSError as error:
        return SourceText(None, error.strerror or "not readable")
    return SourceText(text) if text else SourceText(None, EMPTY)


def _run_command(argv: Sequence[str]) -> SourceText:
    done = capture(argv, timeout_s=_TIMEOUT_S)
    if done is None:
        return SourceText(None, f"{NO_COMMAND}: {argv[0]}")
    text = done.stdout.strip()
    if text:
        return SourceText(text)
    said = done.stderr.strip().partition("\n")[0]
    return SourceText(None, f"{argv[0]} said nothing" + (f" but: {said}" if said else ""))


def _glob_local(pattern: str) -> tuple[str, ...]:
    return tuple(sorted(glob.glob(pattern), key=natural))  # noqa: PTH207 - absolute patterns


def parse_cpulist(text: str | None) -> tuple[int, ...]:
    """Read the kernel's CPU lists: `0-3,8` -> (0, 1, 2, 3, 8); anything else gives ()."""
    if text is None or not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", text):
        return ()
    cpus: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        cpus.update(range(int(first), min(int(last or first), int(first) + MOST_CPUS) + 1))
    return tuple(sorted(cpus))


MOST_CPUS: Final = 16384
"""A damaged list such as `0-99999999999` must not fill the memory."""


def format_cpulist(cpus: Sequence[int]) -> str:
    """Print CPU numbers as the kernel does: (0, 1, 2, 3, 8) -> `0-3,8`."""
    parts: list[str] = []
    start = previous = None
    for cpu in [*sorted(set(cpus)), None]:
        if start is not None and previous is not None and cpu != previous + 1:
            parts.append(str(start) if start == previous else f"{start}-{previous}")
            start = None
        start = cpu if start is None else start
        previous = cpu
    return ",".join(parts)


def parse_int(text: str | None) -> int | None:
    """Read a whole number, `0x1a` included; anything else gives None."""
    try:
        return int(text, 0) if text is not None else None
    except ValueError:
        return int(text) if text is not None and text.isdecimal() else None
