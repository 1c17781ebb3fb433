"""Plain YAML scalars: what they are, and which ones are refused because readers disagree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.plans.yaml.scalars import plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("-17", -17),
        ("+5", 5),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("axum", "axum"),
        ("2026-11-23", "2026-11-23"),
        ("10s", "10s"),
        ("50%", "50%"),
        ("y", "y"),
        ("nope", "nope"),
        ("oN", "oN"),
        ("8080:80", "8080:80"),
        ("_1", "_1"),
        ("x" * 100, "x" * 100),
    ],
)
def test_reads_as_yaml_1_2(text: str, value: object) -> None:
    """A scalar that all readers agree about is that value, of that type."""
    scalar = plain(text)

    assert (scalar.value, scalar.problem) == (value, "")
    assert type(scalar.value) is type(value)


@pytest.mark.parametrize(
    ("text", "problem", "advice"),
    [
        ("on", "on without quotes is true for some", 'true, or "on"'),
        ("OFF", "OFF without quotes is false for some", 'false, or "OFF"'),
        ("Yes", "is true for some readers", 'true, or "Yes"'),
        ("no", "is false for some readers", 'false, or "no"'),
        ("010", "octal for some readers", '10, or "010"'),
        ("-007", "octal for some readers", '7, or "-007"'),
        ("00", "octal for some readers", '0, or "00"'),
        ("0o17", "a number for some readers", "decimal digits"),
        ("0xff", "a number for some readers", "decimal digits"),
        ("0b1", "a number for some readers", "decimal digits"),
        ("1_000", "a number for some readers", "decimal digits"),
        ("1:30", "base 60", "a duration such as 90s"),
        ("22:22:22", "base 60", "a duration"),
        (".inf", "not a number that can be used", '".inf" for text'),
        ("-.Inf", "not a number that can be used", ""),
        (".NaN", "not a number that can be used", ""),
        ("9" * 19, "is too large", "at most 18 digits"),
        ("1e999", "is too large", ""),
    ],
)
def test_ambiguous_is_refused(text: str, problem: str, advice: str) -> None:
    """A scalar that readers disagree about is a problem, and says how to write it."""
    scalar = plain(text)

    assert scalar.value == text
    assert problem in scalar.problem
    assert advice in scalar.advice


@given(st.text(max_size=80))
def test_any_text_has_an_answer(text: str) -> None:
    """Every text is a value or a problem."""
    scalar = plain(text)

    assert scalar.problem or scalar.value is None or isinstance(scalar.value, str | int | float)
