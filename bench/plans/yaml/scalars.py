"""Says what a plain (unquoted) YAML scalar is, and refuses those that readers disagree about; pure.

YAML 1.1 and 1.2 read `on`, `010`, `1_000` and `1:30` differently. A benchmark must not depend
on who reads its file, so these are problems instead of guesses.
"""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple

Plain = str | int | float | bool | None

_CONSTANTS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_SWITCH: Final = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_OCTAL: Final = re.compile(r"[-+]?0[0-9]+")
_BASED: Final = re.compile(r"[-+]?0([xX][0-9a-fA-F_]+|o[0-7_]+|b[01_]+)")
_UNDERSCORED: Final = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?")
_SEXAGESIMAL: Final = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_NOT_A_NUMBER: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DIGITS_MAX: Final = 18
_NUMBER_MAX: Final = 64


class Scalar(NamedTuple):
    """A value, and what is wrong with the way it is written ("" = nothing).

    Attributes:
        value: as YAML 1.2 reads it; the text itself where something is wrong.
    """

    value: Plain
    problem: str = ""
    advice: str = ""


def plain(text: str) -> Scalar:
    """Read a plain scalar by the rules of YAML 1.2, or say why it is ambiguous."""
    if text in _CONSTANTS:
        return Scalar(_CONSTANTS[text])
    if len(text) > _NUMBER_MAX:
        return Scalar(text)
    if text.lower() in _SWITCH and text in (text.lower(), text.upper(), text.capitalize()):
        return _ambiguous(
            text,
            f"{_SWITCH[text.lower()]} for some readers of YAML and text for others",
            f'{_SWITCH[text.lower()]}, or "{text}"',
        )
    return _number(text)


def _ambiguous(text: str, why: str, instead: str) -> Scalar:
    return Scalar(text, f"{text} without quotes is {why}", f"write {instead}")


def _number(text: str) -> Scalar:
    if _INT.fullmatch(text):
        if len(text.lstrip("+-")) > _DIGITS_MAX:
            return Scalar(
                text, f"the number {text} is too large", f'at most 18 digits, or "{text}" in quotes'
            )
        return Scalar(int(text))
    if _OCTAL.fullmatch(text):
        why = "octal for some readers of YAML and decimal for others"
        return _ambiguous(text, why, f'{text.lstrip("0+-") or "0"}, or "{text}"')
    if _FLOAT.fullmatch(text):
        return _float(text)
    return _odd(text)


def _float(text: str) -> Scalar:
    value = float(text)
    if not math.isfinite(value):
        return Scalar(text, f"the number {text} is too large", f'write "{text}" for text')
    return Scalar(value)


def _odd(text: str) -> Scalar:
    if _SEXAGESIMAL.fullmatch(text):
        why = "a number to the base 60 for some readers of YAML and text for others"
        return _ambiguous(text, why, f'a duration such as 90s, or "{text}"')
    if _BASED.fullmatch(text) or _UNDERSCORED.fullmatch(text):
        why = "a number for some readers of YAML and text for others"
        return _ambiguous(text, why, f'decimal digits, or "{text}"')
    if _NOT_A_NUMBER.fullmatch(text):
        return Scalar(
            text, f"{text} is not a number that can be used here", f'write "{text}" for text'
        )
    return Scalar(text)
