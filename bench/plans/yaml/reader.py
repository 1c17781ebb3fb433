"""Reads a YAML file from the events of a parser; no tag, alias or object is ever built.

The limits keep every file that anybody may hand over to seconds and to a bounded stack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench.plans.yaml.document import YamlDocument
from bench.plans.yaml.files import MAX_YAML_BYTES, read_limited
from bench.plans.yaml.scalars import plain
from bench.plans.yaml.spelling import shown
from bench.plans.yaml.syntax import syntax_fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.plans.yaml.document import Loc

MAX_DEPTH: Final = 40
MAX_EVENTS: Final = 20_000


def read_document(path: Path) -> YamlDocument:
    """Read a file; whatever is wrong with it stands in `problems`, nothing is raised."""
    document = YamlDocument(path)
    try:
        document.raw = data = read_limited(path, MAX_YAML_BYTES)
    except ValueError as error:
        document.add((), str(error), line=0)
        return document
    text = _decode(document, data)
    if not document.problems:
        _compose(document, text)
    return document


def _decode(document: YamlDocument, data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        document.add((), "expected text in UTF-8, found other bytes", line=line)
        return ""
    for number, line_text in enumerate(text.split("\n"), start=1):
        control = next((char for char in line_text if _is_control(char)), None)
        if control is not None:
            what = f"a control character (code {ord(control)}) stands here: is this a text file?"
            document.add((), what, line=number)
            return ""
    return text


def _is_control(char: str) -> bool:
    return (char < " " and char not in "\t\r") or char in "\x7f\ufffe\uffff"


def _compose(document: YamlDocument, text: str) -> None:
    from ruamel.yaml import YAML  # noqa: PLC0415 - late: 100 ms that `bench --help` does not need

    composer = _Composer(document, YAML(typ="safe", pure=True).parse(text))
    try:
        value = composer.compose()
    except _TooMuchError as error:
        document.add((), str(error), line=composer.line)
        return
    except Exception as error:  # noqa: BLE001 - whatever the parser stumbles over, the user gets a line
        fault = syntax_fault(error, text, composer.line)
        document.add((), fault.message, fault.advice, line=fault.line)
        return
    if isinstance(value, dict):
        document.data = value
        document.readable = True
    elif not document.problems:
        message = f"expected keys such as title: ..., found {shown(value)}"
        document.add((), message, line=document.line(()))


class _TooMuchError(Exception):
    """The file holds more than any configuration needs."""


class _Composer:
    """Turns events into values; problems go to the document."""

    def __init__(self, document: YamlDocument, events: Iterator[Any]) -> None:
        self._document = document
        self._events = events
        self._count = 0
        self.line = 1

    def compose(self) -> Any:
        """Read the one value of the file; None and a problem where it is empty or not alone."""
        self._next()
        if _kind(self._next()) != "DocumentStart":
            self._document.add((), "the file is empty", "expected keys such as title: ...", line=1)
            return None
        value = self._value((), self._next())
        while _kind(event := self._next()) not in ("DocumentStart", "StreamEnd"):
            pass
        if _kind(event) == "DocumentStart":
            message = "a second document begins here: a file holds one"
            self._document.add((), message, "remove the line ---", line=self.line)
        return value

    def _next(self) -> Any:
        event = next(self._events)
        self.line = event.start_mark.line + 1
        self._count += 1
        if self._count > MAX_EVENTS:
            raise _TooMuchError(f"more than {MAX_EVENTS} values: larger bodies belong in a file")
        return event

    def _value(self, loc: Loc, event: Any) -> Any:
        if len(loc) > MAX_DEPTH:
            raise _TooMuchError(f"nested deeper than {MAX_DEPTH} levels")
        kind = _kind(event)
        if kind == "Alias":
            self._document.add(loc, "references such as *name are not read", "write the value out")
            return None
        if event.anchor is not None:
            self._document.add(loc, "anchors such as &name are not read", "write the value out")
        if event.tag is not None:
            self._document.add(loc, "tags such as !name are not read", "remove the tag")
        if kind == "Scalar":
            return self._scalar(loc, event)
        return self._sequence(loc) if kind == "SequenceStart" else self._mapping(loc)

    def _scalar(self, loc: Loc, event: Any) -> Any:
        text: str = event.value
        if any("\ud800" <= char <= "\udfff" for char in text):
            self._document.add(loc, "a \\u escape that is not a character")
            return ""
        if event.style is not None:
            return text
        scalar = plain(text)
        if scalar.problem:
            self._document.add(loc, scalar.problem, scalar.advice)
        elif not isinstance(scalar.value, str):
            self._document.wrote(loc, text)
        return scalar.value

    def _sequence(self, loc: Loc) -> list[Any]:
        values: list[Any] = []
        while _kind(event := self._next()) != "SequenceEnd":
            entry = (*loc, len(values))
            self._document.place(entry, self.line)
            values.append(self._value(entry, event))
        return values

    def _mapping(self, loc: Loc) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while _kind(event := self._next()) != "MappingEnd":
            line = self.line
            key = self._key(loc, event)
            entry = (*loc, key)
            if key in values:
                message = f"the key stands here twice, first on line {self._document.line(entry)}"
                self._document.add(entry, message, "remove one of them", line=line)
                self._skip(_kind(self._next()))
                continue
            self._document.place(entry, line)
            values[key] = self._value(entry, self._next())
        return values

    def _key(self, loc: Loc, event: Any) -> str:
        """A key as text; anything else, such as a list, is a problem of the mapping."""
        if _kind(event) != "Scalar":
            advice = 'placeholders need quotes: "{port}"'
            self._document.add((*loc, "?"), "expected a word as key", advice, line=self.line)
            self._skip(_kind(event))
            return "?"
        if event.anchor is not None or event.tag is not None:
            self._document.add(loc, "anchors and tags are not read", "remove it", line=self.line)
        text: str = event.value
        if event.style is None and text == "<<":
            self._document.add((*loc, text), "merging of mappings is not read", line=self.line)
        elif event.style is None and not isinstance(plain(text).value, str):
            advice = f'write "{text}" in quotes'
            self._document.add((*loc, text), "expected text as a key", advice, line=self.line)
        return text

    def _skip(self, kind: str) -> None:
        """Read past a value that is not kept, whose first event is of that kind."""
        depth = int(kind.endswith("Start"))
        while depth:
            kind = _kind(self._next())
            depth += kind.endswith("Start") - kind.endswith("End")


def _kind(event: Any) -> str:
    return type(event).__name__.removesuffix("Event")
