"""report.txt: the same document for a terminal; plain characters, 100 columns where it can."""

from __future__ import annotations

import textwrap
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from bench.reports import blocks as base
from bench.reports import escape
from bench.reports.grid import columns_of, grid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bench.reports.assembly import Rendering

    Emphasis = Callable[[str], str]

WIDTH: Final = 100
"""Columns that text is wrapped to; tables are turned on their side when they are wider."""


class TerminalReport:
    """What `bench run` and `bench report --as terminal` print."""

    name = "terminal"

    def render(self, run: Rendering) -> Mapping[PurePosixPath, bytes]:
        """report.txt."""
        document = run.document()
        text = "\n".join(
            (
                _title(document.title, "="),
                "",
                terminal_blocks(document.lead),
                terminal_sections(document.sections),
            )
        )
        return {PurePosixPath("report.txt"): text.encode()}


def terminal_sections(found: Sequence[base.Section], emphasis: Emphasis = str) -> str:
    """Sections alone, for a command that prints no title; ends with a line break.

    Args:
        found: what to show.
        emphasis: makes headings and labels stand out on a terminal that can.
    """
    parts: list[str] = []
    for section in found:
        parts += [_title(section.title, "-", emphasis), *_texts(section.blocks, emphasis)]
    return "\n\n".join(part for part in parts if part) + "\n"


def terminal_blocks(found: Iterable[base.Block], emphasis: Emphasis = str) -> str:
    """Blocks alone, "" without any; ends with a line break."""
    text = "\n\n".join(part for part in _texts(found, emphasis) if part)
    return f"{text}\n" if text else ""


def _texts(found: Iterable[base.Block], emphasis: Emphasis) -> list[str]:
    return [_block(block, emphasis) for block in base.in_text(found, folds=False)]


def _title(text: str, rule: str, emphasis: Emphasis = str) -> str:
    shown = escape.line(text)
    return f"{emphasis(shown)}\n{rule * columns_of(shown)}"


def _block(block: base.Block, emphasis: Emphasis) -> str:  # noqa: PLR0911 - one line per kind of block
    match block:
        case base.Paragraph(text):
            return _wrap(escape.terminal_inline(text))
        case base.Heading(text):
            return emphasis(f"### {escape.line(text)}")
        case base.Bullets(items):
            return "\n".join(_item(item) for item in items)
        case base.Notice(title, items):
            return "\n".join([f"! {escape.line(title)}", *(_item(item) for item in items)])
        case base.FactList(facts):
            return _facts(facts, emphasis)
        case base.Numbered(items):
            return "\n".join(_numbered(n, *item) for n, item in enumerate(items, 1))
        case base.Table():
            return table(block)
        case base.Code(text):
            return textwrap.indent(escape.lines(text).replace("\t", "    "), "    ")
        case _:
            return ""


def _wrap(text: str, first: str = "", rest: str = "") -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _item(text: base.Text, indent: str = "  ") -> str:
    """One point; a command stays in one line, so that it can be copied."""
    *_, last = base.pieces(text)
    if last.style == "code" and " " in last.text:
        return f"{indent}- {escape.terminal_inline(text)}"
    return _wrap(escape.terminal_inline(text), f"{indent}- ", f"{indent}  ")


def _facts(found: Sequence[tuple[str, base.Text]], emphasis: Emphasis) -> str:
    """Values below each other, labels before them."""
    labels = [escape.line(label) for label, _ in found]
    width = max(map(columns_of, labels), default=0) + 2
    lines = []
    for label, (_, text) in zip(labels, found, strict=True):
        value = _wrap(escape.terminal_inline(text), " " * width, " " * width)[width:]
        lines.append(emphasis(label) + " " * (width - columns_of(label)) + value)
    return "\n".join(lines)


def _numbered(number: int, head: base.Text, points: tuple[base.Text, ...]) -> str:
    first = _wrap(escape.terminal_inline(head), f"{number}. ", "   ")
    return "\n".join([first, *(_item(point, "   ") for point in points)])


def table(block: base.Table) -> str:
    """A table with aligned columns; rows become columns where that is what fits."""
    head = list(map(escape.line, block.columns))
    cells = [[escape.terminal_inline(cell) for cell in row] for row in block.rows]
    upright = grid(head, cells, block.numeric)
    if _width(upright) <= WIDTH:
        return upright
    narrow = grid(head, cells, block.numeric, narrow=True)
    if _width(narrow) <= WIDTH or block.words != frozenset({0}):
        return narrow
    turned = _turned([head, *cells])
    return turned if _width(turned) < _width(narrow) else narrow


def _turned(lines: list[list[str]]) -> str:
    head, *body = ([row[column] for row in lines] for column in range(len(lines[0])))
    return grid(head, body, (False, *[True] * (len(head) - 1)))


def _width(text: str) -> int:
    return max((columns_of(row) for row in text.splitlines()), default=0)
