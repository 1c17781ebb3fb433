"""Makes foreign text harmless in each medium; knows nothing of what the text says."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from bench.reports.blocks import pieces

if TYPE_CHECKING:
    from bench.reports.blocks import Piece, Text

_CONTROL: Final = re.compile(
    # C0, DEL and C1 steer terminals; the others reorder or hide what follows them
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_CONTROL_BUT_LAYOUT: Final = re.compile(_CONTROL.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))
_BLANKS: Final = re.compile(r"[ \t\r\n]+")
_MARKDOWN: Final = re.compile(
    # a "]" ends a link only before one of ( [ :, and "_" inside a word is no emphasis
    r"[\\`*<|~$]|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])|&(?=[#\w])|:(?=//)|@(?=\w)"
)
_MARKDOWN_AS_ENTITY: Final = {"<": "&lt;", "&": "&amp;", ":": "&#58;", "@": "&#64;"}
_LINE_START: Final = re.compile(r"^(?:[#+=>-]|\[(?=[ xX]\])|\d+(?=[.)]))")
_TICKS: Final = re.compile(r"`+")


def _visible(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape", "backslashreplace").decode()


def line(text: str) -> str:
    """One line: blanks and line breaks become one blank, control characters visible."""
    return _CONTROL.sub(_visible, _BLANKS.sub(" ", text))


def lines(text: str) -> str:
    """Several lines: tabs and line breaks stay, other control characters become visible."""
    return _CONTROL_BUT_LAYOUT.sub(_visible, text.replace("\r\n", "\n"))


def _markdown_char(match: re.Match[str]) -> str:
    char = match.group()
    return _MARKDOWN_AS_ENTITY.get(char, "\\" + char)


def markdown(text: str) -> str:
    """Plain text for one line of Markdown: no markup, link, mention or HTML comes of it."""
    return _MARKDOWN.sub(_markdown_char, line(text))


def _fence(text: str, least: int) -> str:
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    return "`" * max(least, longest + 1)


def markdown_code(text: str) -> str:
    """A code span; a `|` is escaped since the span may stand in a table."""
    shown = line(text).replace("|", "\\|")
    ticks = _fence(shown, 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def markdown_fence(text: str) -> str:
    """The fence for a code block that holds `text`: longer than any in it."""
    return _fence(text, 3)


def _markdown_piece(piece: Piece) -> str:
    match piece.style:
        case "strong":
            return f"**{markdown(piece.text)}**"
        case "code":
            return markdown_code(piece.text)
        case "link":
            return f"[{markdown(piece.text)}]({link_target(piece.href)})"
        case _:
            return markdown(piece.text)


def markdown_inline(text: Text) -> str:
    """A text with its styles as Markdown."""
    return "".join(_markdown_piece(piece) for piece in pieces(text))


def markdown_paragraph(text: Text) -> str:
    """The same at the start of a line, where `#` and `1.` would be markup."""
    return _LINE_START.sub(lambda match: _start(match.group()), markdown_inline(text))


def _start(first: str) -> str:
    return first + "\\" if first.isdigit() else "\\" + first


def html_attribute(text: str) -> str:
    """One line for an HTML attribute or element inside Markdown."""
    return escape(line(text), quote=True)


def link_target(href: str) -> str:
    """A relative path for a link; what could end the link or start a scheme is encoded."""
    return quote(href, safe="/.-_~#")


def _terminal_piece(piece: Piece) -> str:
    return line(piece.href if piece.style == "link" else piece.text)


def terminal_inline(text: Text) -> str:
    """A text for a terminal: no styles, links as their paths."""
    return "".join(_terminal_piece(piece) for piece in pieces(text))
