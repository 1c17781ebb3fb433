"""Small words that all problem messages share: values quoted, spellings guessed; pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from bench.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SHOWN_MAX: Final = 60
_LISTED_MAX: Final = 20


def printable(text: str) -> str:
    """Text that is safe on a terminal: control characters as escapes."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def shown(value: Any) -> str:
    """A value as it could stand in the file, shortened; mappings and longer lists by kind."""
    if value is None:
        return "nothing"
    if isinstance(value, list | tuple):
        return _shown_list(value)
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, str):
        short = value if len(value) <= _SHOWN_MAX else value[:_SHOWN_MAX] + "..."
        return printable(f'"{short}"')
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "..."


def _shown_list(values: Sequence[Any]) -> str:
    if not all(isinstance(value, str | int | float) for value in values[:_SHOWN_MAX]):
        return "a list"
    text = f"[{', '.join(shown(value) for value in values[:_SHOWN_MAX])}]"
    return text if len(text) <= _SHOWN_MAX else "a list"


def spelling(word: str, candidates: Iterable[str]) -> str:
    """Advice for an unknown word: `did you mean axum?`, else the words there are, else ""."""
    known = sorted(candidates)
    near = nearest(word, known)
    if near:
        return f"did you mean {near}?"
    if not known:
        return ""
    more = "" if len(known) <= _LISTED_MAX else ", ..."
    return f"expected one of {', '.join(known[:_LISTED_MAX])}{more}"


def argument_list(words: Iterable[str]) -> str:
    """A command as a YAML list: `[python, app.py, "{port}"]`."""
    quoted = (
        word if word and all(char.isalnum() or char in "./-_=" for char in word) else f'"{word}"'
        for word in words
    )
    return printable(f"[{', '.join(quoted)}]")
