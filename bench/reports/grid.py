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


def grid(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    *,
    narrow: bool = False,
) -> str:
    """A head, a rule and rows; numeric columns stand at the right.

    Args:
        head: titles of the columns.
        rows: as many cells each.
        numeric: per column, whether it is set to the right.
        narrow: titles take several lines where their cells need less room.
    """
    lines = [[cell.strip() for cell in row] for row in rows]
    titles = [_title(title, narrow=narrow) for title in head]
    room = 0 if narrow else _HEAD_ROOM
    widths = [
        max([*(columns_of(word) + room for word in words), *(columns_of(row[at]) for row in lines)])
        for at, words in enumerate(titles)
    ]
    shown = [_wrapped(words, width) for words, width in zip(titles, widths, strict=True)]
    deep = max(map(len, shown))
    heads = [[part[at] if at < len(part) else "" for part in shown] for at in range(deep)]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "  ".join(map(_pad, line, widths, numeric)).rstrip() for line in [*heads, rule, *lines]
    )


def _title(title: str, *, narrow: bool) -> list[str]:
    """What may not be broken: the words, or the whole title."""
    return (title.split(" ") if narrow else [title]) or [""]


def _wrapped(words: list[str], width: int) -> list[str]:
    lines = [words[0]]
    for word in words[1:]:
        if columns_of(lines[-1]) + 1 + columns_of(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _pad(cell: str, width: int, right: bool) -> str:  # noqa: FBT001 - one of three columns to map
    room = " " * (width - columns_of(cell))
    return room + cell if right else cell + room
