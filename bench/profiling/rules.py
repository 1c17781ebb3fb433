"""Rules that put a stack into a category: data in rules/<runtime>.toml, applied here."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from bench.profiling.stacks import Frame

UNKNOWN: Final = "unknown"
_PATTERNS: Final = ("symbol", "place", "inner", "outer")
_FOLDER: Final = Path(__file__).with_name("rules")


class Rule(NamedTuple):
    """One rule; every pattern that it has must match.

    Attributes:
        category: what the stack is counted as.
        symbol: searched in a frame's function name.
        place: searched in a frame's file.
        kind: of the frame: kernel, native, script.
        inner: searched in the file of the frames that are further in than the matched one.
        outer: likewise of those further out.
    """

    category: str
    symbol: re.Pattern[str] | None
    place: re.Pattern[str] | None
    kind: str | None
    inner: re.Pattern[str] | None
    outer: re.Pattern[str] | None = None

    def fits(self, frames: tuple[Frame, ...], at: int) -> bool:
        """Whether the frame at that position makes the rule hold."""
        frame = frames[at]
        return (
            (self.kind is None or frame.kind == self.kind)
            and (self.symbol is None or bool(self.symbol.search(frame.symbol)))
            and (self.place is None or bool(self.place.search(frame.place)))
            and (self.inner is None or any(self.inner.search(f.place) for f in frames[:at]))
            and (self.outer is None or any(self.outer.search(f.place) for f in frames[at + 1 :]))
        )


class RuleBook(NamedTuple):
    """The rules of one runtime.

    Attributes:
        categories: all of them in the order in which they are shown, "unknown" last.
        anywhere: tried first, in order: a frame anywhere in the stack decides.
        nearest: then the stack is walked outwards; the first frame that fits a rule decides.
        fallback: as anywhere, for stacks that are left.
        notes: category -> what the reader must know about it.
    """

    runtime: str
    categories: tuple[str, ...]
    anywhere: tuple[Rule, ...]
    nearest: tuple[Rule, ...]
    fallback: tuple[Rule, ...]
    notes: dict[str, str]

    def category(self, frames: tuple[Frame, ...]) -> str:
        """The category of one stack, "unknown" where no rule holds."""
        nearest = next(
            (
                rule.category
                for at in range(len(frames))
                for rule in self.nearest
                if rule.fits(frames, at)
            ),
            None,
        )
        first = _first(self.anywhere, frames)
        return first or nearest or _first(self.fallback, frames) or UNKNOWN


def _first(rules: tuple[Rule, ...], frames: tuple[Frame, ...]) -> str | None:
    """The category of the first rule that holds for any frame."""
    for rule in rules:
        if any(rule.fits(frames, at) for at in range(len(frames))):
            return rule.category
    return None


@cache
def rule_book(runtime: str) -> RuleBook:
    """The rules that come with `bench` for python, node or native.

    Raises:
        ValueError: there is no such file, or a rule names a category that is not listed.
    """
    path = _FOLDER / f"{runtime}.toml"
    if not path.is_file():
        raise ValueError(f"no rules for {runtime}")
    return read_rules(runtime, path.read_text("utf-8"))


def read_rules(runtime: str, text: str) -> RuleBook:
    """Rules of a TOML text.

    Raises:
        ValueError: it is not TOML, or a rule is not right.
    """
    data = tomllib.loads(text)
    names = tuple(item["name"] for item in data["category"])
    book = RuleBook(
        runtime,
        (*names, UNKNOWN),
        tuple(_rule(item) for item in data.get("anywhere", ())),
        tuple(_rule(item) for item in data.get("nearest", ())),
        tuple(_rule(item) for item in data.get("fallback", ())),
        {item["name"]: item["note"] for item in data["category"] if "note" in item},
    )
    for rule in (*book.anywhere, *book.nearest, *book.fallback):
        if rule.category not in names:
            raise ValueError(f"{runtime}: a rule names the category {rule.category!r}")
    return book


def _rule(item: dict[str, Any]) -> Rule:
    extra = set(item) - {"category", *_PATTERNS, "kind"}
    if extra or "category" not in item:
        raise ValueError(f"not a rule: {item}")
    symbol, place, inner, outer = (
        re.compile(item[name]) if name in item else None for name in _PATTERNS
    )
    return Rule(item["category"], symbol, place, item.get("kind"), inner, outer)
