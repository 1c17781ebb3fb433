"""What people type before they know that no shell reads a command; starts nothing."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING, Final

from bench.errors import UsageError
from bench.servers.environment import base_environment, found_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_SHELL: Final = re.compile(
    r"&&?|\|\|?|;|[0-9]?>>?(&[0-9-]|[/.~\w].*)?|&>>?.*|[0-9]?<{1,3}([/.~\w].*)?"
)
_BUILTIN: Final = frozenset({"cd", "export", "source", ".", "set", "alias", "ulimit", "nohup&"})


def is_shell_word(word: str) -> bool:
    """Whether a word means something only to a shell, such as `&&`, `2>&1` or `>/dev/null`."""
    return _SHELL.fullmatch(word) is not None


def is_assignment(word: str) -> bool:
    """Whether a word is `NAME=value`."""
    return _ASSIGNMENT.fullmatch(word) is not None


def check_typed(command: Sequence[str]) -> None:
    """Refuse a command line that only a shell could read.

    Raises:
        UsageError: with the command that was meant.
    """
    first = command[0]
    if is_assignment(first):
        raise UsageError(
            f"no shell reads the command: {first} is not a program",
            advice=f"put env before it: -- env {shlex.join(command)}",
        )
    if first in _BUILTIN:
        raise UsageError(
            f"no shell reads the command: {first} is a word of the shell and no program",
            advice="`bench` runs the command in the folder you are in; "
            "variables are set by -- env NAME=value PROGRAM",
        )
    if len(command) == 1 and " " in first.strip():
        raise UsageError(
            f"the whole command line is in one pair of quotes: {first!r}",
            advice=f"leave the quotes out: -- {first.strip()}",
        )
    for word in command:
        if is_shell_word(word):
            raise UsageError(
                f"no shell reads the command: {word} means something only to a shell",
                advice="leave it out (the server's output is kept in the log of each trial), or "
                "write -- sh -c 'exec ...'",
            )


def check_program(program: str, folder: Path) -> None:
    """Refuse a program that is not there, before anything is started.

    Raises:
        UsageError: it is not on PATH, or no file that can be executed.
    """
    path = base_environment()["PATH"]
    if "/" not in program:
        if found_program(program, path) is None:
            raise UsageError(
                f"there is no program {program} on PATH", advice=_beside(program, folder)
            )
        return
    place = folder / program
    if not place.is_file():
        raise UsageError(f"there is no program {program}", advice="is it built?")
    if not os.access(place, os.X_OK):
        raise UsageError(
            f"{program} may not be executed",
            advice=f"`chmod +x {program}`, or name what runs it, such as python3 {program}",
        )


def _beside(program: str, folder: Path) -> str:
    if (folder / program).is_file():
        return f"write ./{program}, or what runs it, such as python3 {program}"
    return "install it, or write its path"
