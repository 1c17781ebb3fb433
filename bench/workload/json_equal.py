"""Compares JSON by meaning: key order and number spelling mean nothing; pure."""

from __future__ import annotations

import json
from typing import Any, Final

import orjson

_SHOWN_CHARS: Final = 120
_QUOTED: Final = ", the same as a string: {NAME:text} expects a value like that"


def json_equal(expected: Any, body: bytes) -> bool:
    """Whether a body surely means what was expected; False also where only a closer look tells.

    A tenth of the cost of `json_difference` for a large body, since nothing of it is a loop in
    Python. The answer is compared twice because neither comparison is enough by itself:
    Python's holds True and 1 for equal, and orjson writes what JSON has no form for as null.
    """
    try:
        got = orjson.loads(body)
        return bool(expected == got) and _canonical(expected) == _canonical(got)
    except (ValueError, TypeError, RecursionError):
        return False


def _canonical(value: Any) -> bytes:
    """One text for one meaning, apart from 1 and 1.0; TypeError for whole numbers over 64 bits."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def parse(body: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: the text is not JSON; NaN and Infinity, which Python accepts, are rejected too.
        RecursionError: it is nested too deeply.
    """
    return json.loads(body, parse_constant=_refuse)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def json_difference(expected: Any, got: Any, place: str = "$") -> str | None:
    """The first place at which two JSON values differ in meaning, or None.

    Key order and number spelling (1 and 1.0) mean nothing; true and 1 differ.
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        return _dict_difference(expected, got, place)
    if isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            return f"{place}: expected {len(expected)} items, got {len(got)}"
        pairs = enumerate(zip(expected, got, strict=True))
        found = (json_difference(a, b, f"{place}[{i}]") for i, (a, b) in pairs)
        return next((text for text in found if text), None)
    if isinstance(expected, bool) != isinstance(got, bool) or expected != got:
        same = isinstance(got, str) and not isinstance(expected, str) and str(expected) == got
        return f"{place}: expected {_value(expected)}, got {_value(got)}{_QUOTED if same else ''}"
    return None


def _dict_difference(expected: dict[str, Any], got: dict[str, Any], place: str) -> str | None:
    for key in expected:
        if key not in got:
            return f"{place}: key {key!r} is missing"
    for key in got:
        if key not in expected:
            return f"{place}: key {key!r} was not expected"
    found = (json_difference(expected[key], got[key], f"{place}.{key}") for key in expected)
    return next((text for text in found if text), None)


def _value(value: Any) -> str:
    return repr(value)[:_SHOWN_CHARS]


def is_json_type(content_type: str) -> bool:
    """Whether a content type promises one JSON document: not x-ndjson, json-seq or jsonlines."""
    media = content_type.partition(";")[0].strip().lower()
    return media.endswith(("/json", "+json"))
