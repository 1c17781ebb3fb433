"""What a report is, and the blocks that its text is made of; knows no output form.

Every piece of text in a block is raw: each form escapes it for its own medium.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import PurePosixPath

    from bench.reports.assembly import Rendering


class Report(Protocol):
    """One form of report; a pure function of the run."""

    @property
    def name(self) -> str:
        """The word after `--as`."""

    def render(self, run: Rendering) -> Mapping[PurePosixPath, bytes]:
        """Make every file of this report, the main one first; paths within the run directory."""


class Piece(NamedTuple):
    """A run of characters in one style; `href` is a relative path and only for links."""

    text: str
    style: Literal["plain", "strong", "code", "link"] = "plain"
    href: str = ""


Text: TypeAlias = str | Piece | tuple[str | Piece, ...]
"""What a paragraph or a table cell holds: plain text, a piece with a style, or several."""


def strong(text: str) -> Piece:
    """Text that stands out."""
    return Piece(text, "strong")


def code(text: str) -> Piece:
    """A command, a path or an id."""
    return Piece(text, "code")


def link(text: str, href: str) -> Piece:
    """A link to a file of the run, by its path relative to the report."""
    return Piece(text, "link", href)


def pieces(text: Text) -> tuple[Piece, ...]:
    """The pieces of a text; neighboring plain ones are joined, so that they are escaped as one."""
    parts = (text,) if isinstance(text, str | Piece) else text
    found: list[Piece] = []
    for part in parts:
        piece = Piece(part) if isinstance(part, str) else part
        if found and piece.style == found[-1].style == "plain":
            piece = Piece(found.pop().text + piece.text)
        found.append(piece)
    return tuple(found)


def plain(text: Text) -> str:
    """A text without its styles."""
    return "".join(piece.text for piece in pieces(text))


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences."""

    text: Text
    kind: ClassVar = "paragraph"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list; each item one text."""

    items: tuple[Text, ...]
    kind: ClassVar = "bullets"


@dataclass(frozen=True, slots=True)
class Notice:
    """A list that the reader must see before anything else."""

    title: str
    items: tuple[Text, ...]
    kind: ClassVar = "notice"


@dataclass(frozen=True, slots=True)
class FactList:
    """Lines of `label: text`."""

    lines: tuple[tuple[str, Text], ...]
    kind: ClassVar = "facts"


@dataclass(frozen=True, slots=True)
class Numbered:
    """A numbered list; each item has a heading and points below it."""

    items: tuple[tuple[Text, tuple[Text, ...]], ...]
    kind: ClassVar = "numbered"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first column names its row.

    Attributes:
        columns: headings.
        rows: as many cells each as there are columns; "" = an empty cell.
        words: indices of columns that hold words instead of numbers (the first always does).
        about: what each row is about (a workload), so that a page can show some of them only;
            empty where rows are not told apart so.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    words: frozenset[int] = frozenset({0})
    about: tuple[str, ...] = ()
    kind: ClassVar = "table"

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Per column, whether it is set to the right."""
        return tuple(index > 0 and index not in self.words for index in range(len(self.columns)))


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be shown as they are; `language` is a word such as `json` or ""."""

    text: str
    language: str = ""
    kind: ClassVar = "code"


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, by its name in `bench.reports.charts`."""

    name: str
    title: str
    alt: str
    kind: ClassVar = "figure"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture that stands in a page as it is; `svg` is our own, never foreign text."""

    name: str
    svg: str
    kind: ClassVar = "drawing"


@dataclass(frozen=True, slots=True)
class Folded:
    """Blocks that are there for readers who ask."""

    summary: str
    blocks: tuple[Block, ...]
    kind: ClassVar = "folded"


@dataclass(frozen=True, slots=True)
class OnPage:
    """Blocks of which a page has room and text has not; folded there, left out elsewhere."""

    summary: str
    blocks: tuple[Block, ...]
    kind: ClassVar = "page"


@dataclass(frozen=True, slots=True)
class Subject:
    """Blocks about one subject (a workload), which a page can show alone."""

    about: str
    blocks: tuple[Block, ...]
    kind: ClassVar = "subject"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a section; level 3 or 4."""

    text: str
    level: int = 3
    kind: ClassVar = "heading"


Block: TypeAlias = (
    Paragraph
    | Bullets
    | Notice
    | FactList
    | Numbered
    | Table
    | Code
    | Figure
    | Drawing
    | Folded
    | OnPage
    | Subject
    | Heading
)


def in_text(found: Iterable[Block], *, folds: bool = True) -> Iterator[Block]:
    """The blocks that text shows: parts opened, without what only a page has room for.

    Args:
        found: the blocks of a section.
        folds: whether folded blocks are kept.
    """
    for block in found:
        if isinstance(block, Subject):
            yield from in_text(block.blocks, folds=folds)
        elif isinstance(block, Folded):
            inner = tuple(in_text(block.blocks, folds=folds)) if folds else ()
            if inner:
                yield Folded(block.summary, inner)
        elif not isinstance(block, OnPage):
            yield block


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of level 2 with what stands below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A report before it has a form.

    Attributes:
        lead: what stands between the title and the first section.
    """

    title: str
    lead: tuple[Block, ...]
    sections: tuple[Section, ...] = field(default=())
