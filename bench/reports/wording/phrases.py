"""Small pieces of sentences that several rules share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.wording.verdict_words import verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.model.summary import Verdict
    from bench.reports.view import Entry

_NAMED: Final = 3
"""Of many things as many are named one by one."""


def join(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:  # noqa: PLR2004 - nothing to join
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def named(names: Sequence[str]) -> str:
    """All of a few, the first of many: `a, b, c and 5 more`."""
    if len(names) > _NAMED + 1:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    return join(names)


def count(number: int, noun: str) -> str:
    """`1 workload`, `3 workloads`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tally(words: Iterable[str]) -> str:
    """How often each word stands: `6 slower, 2 inconclusive`, most frequent first."""
    found = list(words)
    if set(found) == {"too few rounds"}:
        return "no verdict, too few rounds"
    unique = sorted(dict.fromkeys(found), key=lambda word: (-found.count(word), word))
    return ", ".join(f"{found.count(word)} {word}" for word in unique)


def sentence(text: str) -> str:
    """The text with a capital and a full stop, "" stays; commands keep their first letter."""
    if not text:
        return ""
    first = text.split(" ", 1)[0]
    start = text[0].upper() if first.isalpha() else text[0]
    return start + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def verdict_sentence(entry: Entry, verdict: Verdict) -> str:
    """The verdict's own words, with the server by its title."""
    return f"{verdict_of(verdict, entry.title)}."
