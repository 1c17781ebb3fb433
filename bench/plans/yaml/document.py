"""A user's file as plain values, with the line of each key and all problems found so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench.errors import Problem
from bench.plans.yaml.files import as_named
from bench.plans.yaml.spelling import printable

if TYPE_CHECKING:
    from pathlib import Path

Loc = tuple[str | int, ...]
"""The way to a value: `("profiles", 0, "rate")`."""

PROBLEMS_MAX: Final = 200
_AND_SO_ON: Final = f"more than {PROBLEMS_MAX} problems: fix the first ones"
_WORDS_MAX: Final = 400
_KEY_MAX: Final = 120


class YamlDocument:
    """A file's values, where they stand, and what is wrong with them.

    Attributes:
        path: the file.
        file: its name as the user would write it.
        raw: its bytes; empty where it could not be read.
        data: the top-level mapping; empty where the file could not be read.
        readable: whether it is a file of keys and values at all.
        problems: found so far, in no order.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = as_named(path)
        self.raw = b""
        self.data: dict[str, Any] = {}
        self.readable = False
        self.problems: list[Problem] = []
        self._lines: dict[Loc, int] = {}
        self._sources: dict[Loc, str] = {}
        self._bad: set[Loc] = set()

    def line(self, loc: Loc) -> int:
        """The 1-based line of a value's key or entry, or of the nearest one that holds it."""
        for end in range(len(loc), -1, -1):
            if loc[:end] in self._lines:
                return self._lines[loc[:end]]
        return 1

    def place(self, loc: Loc, line: int) -> None:
        """Remember where a value stands."""
        self._lines[loc] = line

    def wrote(self, loc: Loc, text: str) -> None:
        """Remember how a number stands in the file: `72225e2` stays that text."""
        self._sources[loc] = text

    def source(self, loc: Loc) -> str | None:
        """The text of a number as it stands in the file; None for any other value."""
        return self._sources.get(loc)

    def add(self, loc: Loc, message: str, advice: str = "", *, line: int | None = None) -> None:
        """Note a problem, unless the same value or one that holds it already has one."""
        if self.full or (loc and self.is_bad(loc)):
            return
        self._bad.add(loc)
        if self.full:
            self.problems.append(Problem(self.file, self.line(loc), "", _AND_SO_ON))
            return
        where = self.line(loc) if line is None else line
        words = (_cut(printable(message)), _cut(printable(advice)))
        self.problems.append(Problem(self.file, where, key_of(loc), *words))

    @property
    def full(self) -> bool:
        """Whether there are more problems than anybody reads."""
        return len(self._bad) > PROBLEMS_MAX

    def is_bad(self, loc: Loc) -> bool:
        """Whether a value, or one that holds it, already has a problem.

        True of every value once there are too many problems to show.
        """
        return self.full or any(loc[:end] in self._bad for end in range(1, len(loc) + 1))

    def has_bad(self, loc: Loc) -> bool:
        """Whether a value, or anything in it, already has a problem."""
        return self.is_bad(loc) or any(bad[: len(loc)] == loc for bad in self._bad)


def _cut(text: str) -> str:
    return text if len(text) <= _WORDS_MAX else text[:_WORDS_MAX] + "..."


def key_of(loc: Loc) -> str:
    """A place as text: `profiles[0].rate`."""
    text = ""
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    key = printable(text.removeprefix("."))
    return key if len(key) <= _KEY_MAX else key[:_KEY_MAX] + "..."
