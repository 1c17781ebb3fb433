"""report.txt: the same document for a terminal; plain characters, 100 columns where it can."""

from __future__ import annotations

import textwrap
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from bench.reports import blocks as base
from bench.reports import escape
from bench.reports.assembly import make_document
from bench.reports.grid import columns_of, grid
from bench.reports.view import make_view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.model.summary import RunView

WIDTH: Final = 100
"""Columns that text is wrapped to; tables are turned on their side when they are wider."""


class TerminalReport:
    """What `bench run` and `bench report --as terminal` print."""

    name = "terminal"

    def render(self, run: RunView) -> Mapping[PurePosixPath, bytes]:
        """report.txt."""
        document = make_document(make_view(run))
        lead = (_title(document.title, "="), *map(_block, document.lead))
        text = "\n\n".join(part for part in lead if part)
        return {
            PurePosixPath(
                "report.txt"
            ): f"{text}\n\n{terminal_sections(document.sections)}".encode()
        }


def terminal_sections(found: Sequence[base.Section]) -> str:
    """Sections alone, for a command that prints no title; ends with a line break."""
    parts: list[str] = []
    for section in found:
        parts += [_title(section.title, "-"), *map(_block, section.blocks)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _title(text: str, rule: str) -> str:
    shown = escape.line(text)
    return f"{shown}\n{rule * columns_of(shown)}"


def _block(block: base.Block) -> str:  # noqa: PLR0911 - one line per kind of block
    match block:
        case base.Paragraph(text):
            return _wrap(escape.terminal_inline(text))
        case base.Heading(text):
            return f"### {escape.line(text)}"
        case base.Bullets(items):
            return "\n".join(_item(item) for item in items)
        case base.Notice(title, items):
            return "\n".join([f"! {escape.line(title)}", *(_item(item) for item in items)])
        case base.FactList(facts):
            return "\n".join(_fact(label, text) for label, text in facts)
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
    return _wrap(escape.terminal_inline(text), f"{indent}- ", f"{indent}  ")


def _fact(label: str, text: base.Text) -> str:
    return _wrap(f"{escape.line(label)}: {escape.terminal_inline(text)}", "", "  ")


def _numbered(number: int, head: base.Text, points: tuple[base.Text, ...]) -> str:
    first = _wrap(escape.terminal_inline(head), f"{number}. ", "   ")
    return "\n".join([first, *(_item(point, "   ") for point in points)])


def table(block: base.Table) -> str:
    """A table with aligned columns; rows become columns where that is what fits."""
    cells = [[escape.terminal_inline(cell) for cell in row] for row in block.rows]
    upright = _grid(list(map(escape.line, block.columns)), cells, block.numeric)
    if _width(upright) <= WIDTH or block.words != frozenset({0}):
        return upright
    turned = _turned([list(map(escape.line, block.columns)), *cells])
    return turned if _width(turned) < _width(upright) else upright


def _turned(grid: list[list[str]]) -> str:
    head, *body = ([row[column] for row in grid] for column in range(len(grid[0])))
    return _grid(head, body, (False, *[True] * (len(head) - 1)))


def _grid(columns: list[str], cells: list[list[str]], numeric: tuple[bool, ...]) -> str:
    return grid(columns, cells, numeric)


def _width(text: str) -> int:
    return max((columns_of(row) for row in text.splitlines()), default=0)
