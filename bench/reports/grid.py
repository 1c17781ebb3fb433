"""Tables of plain characters whose columns stand below each other, whatever their width."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD_ROOM: Final = 2
_WIDE: Final = ("W", "F")
_NO_WIDTH: Final = ("Mn", "Me", "Cf")
_JOINER: Final = "\u200d"
_EMOJI_STYLE: Final = "\ufe0f"


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes: two for CJK and emoji, none for accents."""
    total, before, last = 0, "", 0
    for char in text:
        if char == _EMOJI_STYLE and last == 1:
            total, last = total + 1, 2
        elif unicodedata.category(char) not in _NO_WIDTH and before != _JOINER:
            last = 2 if unicodedata.east_asian_width(char) in _WIDE else 1
            total += last
        before = char
    return total


def grid(head: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> str:
    """A head, a rule and rows; numeric columns stand at the right."""
    lines = [[cell.strip() for cell in row] for row in rows]
    widths = [
        max([columns_of(title) + _HEAD_ROOM, *(columns_of(line[place]) for line in lines)])
        for place, title in enumerate(head)
    ]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "  ".join(map(_pad, line, widths, numeric)).rstrip() for line in [list(head), rule, *lines]
    )


def _pad(cell: str, width: int, right: bool) -> str:  # noqa: FBT001 - one of three columns to map
    room = " " * (width - columns_of(cell))
    return room + cell if right else cell + room
