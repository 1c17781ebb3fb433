"""Guesses what was meant by a value of the wrong kind; pure. "" = no guess."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any, Final

from bench.plans.yaml.spelling import argument_list, printable, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.plans.yaml.document import Loc

_COMMANDS: Final = ("run", "version", "build")
_QUOTED_MAX: Final = 200
_QUANTITY: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([A-Za-z]+)")
_VERSION: Final = re.compile(r"\d{1,3}(\.\d{1,3}){0,2}")
_TIME_UNITS: Final = {
    "s": ("sec", "secs", "second", "seconds"),
    "ms": ("msec", "msecs", "millis", "millisecond", "milliseconds"),
    "m": ("min", "mins", "minute", "minutes"),
    "h": ("hr", "hrs", "hour", "hours"),
}
_SIZE_UNITS: Final = {"KB": ("k", "kib", "kb"), "MB": ("m", "mib", "mb"), "GB": ("g", "gib", "gb")}
_THOUSANDS: Final = {"k": 1_000, "m": 1_000_000}


def type_advice(loc: Loc, kind: str, value: Any, source: str | None = None) -> str:
    """What to write instead of a value whose type is wrong.

    Args:
        loc: where it stands.
        kind: pydantic's name for what was expected, such as `list_type`.
        value: what stands there.
        source: how a number or a switch is written there, which is not always how it is shown.
    """
    if kind == "list_type":
        return _list_advice(loc, value)
    if kind == "string_type":
        return _text_advice(loc, value, source)
    if kind == "int_type" and isinstance(value, float) and value.is_integer():
        return f"write {value:.0f}"
    if kind == "int_type" and isinstance(value, str) and re.fullmatch(r"\d{1,9}", value):
        return f"write {value} without quotes"
    if kind == "bool_type" and value in ("true", "false"):
        return f"write {value} without quotes"
    return ""


def _text_advice(loc: Loc, value: Any, source: str | None) -> str:
    if isinstance(value, dict) and list(value.values()) == [None]:
        return printable(f'write "{{{next(iter(value))[:40]}}}" in quotes')
    if loc[-1:] == ("python",) and isinstance(value, int | float):
        return 'write ">=3.11" with quotes'
    if isinstance(value, bool | int | float):
        return f'write "{source or shown(value)}" in quotes'
    if isinstance(value, list) and loc[0] in _COMMANDS:
        return "one command is one list, such as [python, app.py]"
    return ""


def _list_advice(loc: Loc, value: Any) -> str:
    if isinstance(value, dict):
        return "begin each entry with '- '"
    if not isinstance(value, str):
        return ""
    return (
        _command_advice(loc, value) if loc[0] in _COMMANDS else printable(f"write [{value[:60]}]")
    )


def _command_advice(loc: Loc, text: str) -> str:
    """The list form of a command that was written as one text."""
    if loc[0] == "build" and len(loc) > 1 and " " not in text.strip():
        return "build is a list of commands, each a list: [[npm, ci], [npm, run, build]]"
    try:
        words = argument_list(shlex.split(text[:_QUOTED_MAX]))
    except ValueError:
        words = argument_list(text[:_QUOTED_MAX].split())
    form = f"[{words}]" if loc == ("build",) else words
    return f"commands are lists of arguments, no shell reads them: write {form}"


def value_advice(expected: str, value: Any) -> str:
    """The nearest value that could be read.

    Args:
        expected: the words of what was expected, which name the kind of value.
        value: what stands there.
    """
    if isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        guess = _number_with_unit(expected, value) if value > 0 else ""
    else:
        guess = _other_text(expected, value) if isinstance(value, str) else ""
    return f"did you mean {guess}?" if guess else ""


def _other_text(expected: str, text: str) -> str:
    if "in capitals" in expected and text.isalpha():
        return text.upper()
    if "versions of Python" in expected and _VERSION.fullmatch(text):
        return f'">={text}"'
    if "a list of workloads" in expected and text:
        return f"[{printable(text[:60])}]"
    found = _QUANTITY.fullmatch(text.strip())
    return _other_unit(expected, found[1], found[2].lower()) if found else ""


def _number_with_unit(expected: str, value: float) -> str:
    if "a duration such" in expected:
        return f"{value}s"
    if "a size such" in expected:
        return f"{value}MB"
    if "a percentage such" in expected:
        return f"{value * 100 if value < 1 else value:g}%"
    return ""


def _other_unit(expected: str, number: str, unit: str) -> str:
    if "requests per second" in expected and unit in _THOUSANDS:
        return f"{float(number) * _THOUSANDS[unit]:.0f}"
    units = _units(expected).items()
    known = next((name for name, others in units if unit in (*others, name)), None)
    return f"{number}{known}" if known else ""


def _units(expected: str) -> Mapping[str, tuple[str, ...]]:
    if "a duration such" in expected:
        return _TIME_UNITS
    return _SIZE_UNITS if "a size such" in expected else {}
