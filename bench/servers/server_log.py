"""The file that receives a server's output: cut back when it floods, quoted when it ended badly."""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TAIL_BYTES: Final = 8192
LOG_CAP_BYTES: Final = 16_000_000
LOG_KEEP_BYTES: Final = 1_000_000


_TAIL_LINES: Final = 12
_CAUSE: Final = re.compile(r"(Uncaught )?[\w.]*(Error|Exception)( \[\w+\])?: .+|panic: .+")
"""How Node, Python, Java and Go begin the line that says what is wrong."""


class ServerLog:
    """The output of one server.

    Attributes:
        was_cut: whether a part of it is lost.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.was_cut = False

    def cap(self) -> None:
        """Cut a flooded log back; cheap, called while waiting."""
        with contextlib.suppress(OSError):
            if self.path.stat().st_size > LOG_CAP_BYTES:
                os.truncate(self.path, LOG_KEEP_BYTES)
                self.was_cut = True

    def tail(self) -> str:
        """Its last lines, for messages."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - _TAIL_BYTES))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"    {line}" for line in last_words(lines))


class WithLog:
    """What a server offers of its output."""

    _log: ServerLog

    @property
    def log_cut(self) -> bool:
        """Whether a part of its output is lost."""
        return self._log.was_cut

    def cap_log(self) -> None:
        """Cut a flooded log back; cheap, called while waiting."""
        self._log.cap()

    def tail(self) -> str:
        """The last lines of its output, for messages."""
        return self._log.tail()


def last_words(lines: Sequence[str]) -> list[str]:
    """The end of a log, with the line that says what is wrong before it where that is cut off.

    Node and Go print the cause first and a long stack after it.
    """
    end = list(lines[-_TAIL_LINES:])
    if any(_CAUSE.fullmatch(line.strip()) for line in end):
        return end
    causes = [line for line in lines[:-_TAIL_LINES] if _CAUSE.fullmatch(line.strip())]
    return [*causes[-1:], *end]
