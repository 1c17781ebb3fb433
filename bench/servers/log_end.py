"""The end of a server's log, for messages; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_TAIL_LINES: Final = 12
_CAUSE: Final = re.compile(r"(Uncaught )?[\w.]*(Error|Exception)( \[\w+\])?: .+|panic: .+")
"""How Node, Python, Java and Go begin the line that says what is wrong."""


def last_words(lines: Sequence[str]) -> list[str]:
    """The end of a log, with the line that says what is wrong before it where that is cut off.

    Node and Go print the cause first and a long stack after it.
    """
    end = list(lines[-_TAIL_LINES:])
    if any(_CAUSE.fullmatch(line.strip()) for line in end):
        return end
    causes = [line for line in lines[:-_TAIL_LINES] if _CAUSE.fullmatch(line.strip())]
    return [*causes[-1:], *end]
