"""Puts what a YAML parser stumbles over into plain words; pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from bench.plans.yaml.spelling import printable

_QUOTE: Final = 'text with special characters needs quotes, such as "{port}" or "a: b"'
_INDENT: Final = "check the indentation, and that entries of a list begin with '- '"
_WORDS: Final[tuple[tuple[str, str, str], ...]] = (
    (r"character '\t'", "a tab stands here: YAML takes only blanks for indentation", ""),
    ("mapping values are not allowed", "a ':' stands where no key can be", _INDENT + "; " + _QUOTE),
    ("could not find expected ':'", "expected a key with a ':' after it", _INDENT),
    ("expected <block end>", "the indentation fits no line above", _INDENT),
    ("did not find expected key", "expected a key here", _INDENT),
    ("did not find expected '-'", "expected an entry of the list here", _INDENT),
    (
        "expected ',' or ']'",
        "expected ',' or ']': the list that begins on line {opened} is not closed",
        _QUOTE,
    ),
    (
        "expected ',' or '}'",
        "expected ',' or a brace: the mapping that begins on line {opened} is not closed",
        _QUOTE,
    ),
    ("found unexpected end of stream", "a quote opens here and is never closed", ""),
    ("found unexpected document separator", "a quote opens here and is never closed", ""),
    ("expected the node content, but found '<stream end>'", "the file ends too early", ""),
    ("expected the node content", "expected a value here", _QUOTE),
    ("unknown escape character", "an unknown \\ escape in double quotes", "use single quotes"),
    ("found character", "this character cannot begin a value", _QUOTE),
    ("sequence entries are not allowed", "an entry of a list cannot stand here", _INDENT),
    ("expected '<document start>'", "the file goes on after its end", _INDENT),
    ("indentation indicator", "a bad indentation digit after | or >", ""),
    ("expected chomping", "expected a line break after | or >", ""),
    ("anchor", "anchors and references are not read", "write the value out"),
    ("alias", "anchors and references are not read", "write the value out"),
    ("tag", "tags such as !name are not read", "remove it"),
    ("directive", "lines that begin with % are not read", "remove it"),
)


class SyntaxFault(NamedTuple):
    """Where a file stops being YAML, and why."""

    line: int
    message: str
    advice: str


def syntax_fault(error: Exception, text: str, line: int) -> SyntaxFault:
    """Say in plain words what a parser could not read."""
    said = " ".join(str(getattr(error, name, None) or "") for name in ("problem", "context"))
    at, opened = _line(error, "problem_mark", line), _line(error, "context_mark", 0)
    message, advice = next(
        ((message, advice) for sign, message, advice in _WORDS if sign in said), ("", _QUOTE)
    )
    if "never closed" in message and opened:
        at = opened
    at = min(at, max(1, len(text.splitlines())))
    words = f"not YAML: {message.format(opened=opened)}" if message else "not YAML"
    return SyntaxFault(at, words + _quote(text, at), advice)


def _line(error: Exception, mark: str, default: int) -> int:
    """1-based line of a parser's mark."""
    found = getattr(error, mark, None)
    return found.line + 1 if found is not None else default


def _quote(text: str, line: int) -> str:
    lines = text.splitlines()
    quoted = lines[line - 1].strip() if line <= len(lines) else ""
    return printable(f": {quoted[:60]}") if quoted else ""
