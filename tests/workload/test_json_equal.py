"""JSON is compared by meaning, the quick way and the slow one alike."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.workload.json_equal import is_json_type, json_difference, json_equal, parse


def test_key_order_and_number_spelling_mean_nothing() -> None:
    """JSON is compared by meaning."""
    assert json_difference({"a": 1, "b": [2.0]}, {"b": [2], "a": 1.0}) is None


@pytest.mark.parametrize(
    ("expected", "got", "place"),
    [
        ({"a": 1}, {"a": 2}, "$.a: expected 1, got 2"),
        ({"a": 1}, {}, "$: key 'a' is missing"),
        ({}, {"a": 1}, "$: key 'a' was not expected"),
        ([1, 2], [1], "$: expected 2 items, got 1"),
        ([{"x": [0]}], [{"x": ["1"]}], "$[0].x[0]: expected 0, got '1'"),
        (True, 1, "$: expected True, got 1"),
        (0, False, "$: expected 0, got False"),
        (None, 0, "$: expected None, got 0"),
        ("a", ["a"], "$: expected 'a', got ['a']"),
    ],
)
def test_the_first_difference_is_named(expected: Any, got: Any, place: str) -> None:
    """A difference names its place, what was expected and what came."""
    assert json_difference(expected, got) == place


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(json_values)
def test_everything_equals_itself(value: Any) -> None:
    """A value that went through JSON is equal to itself."""
    assert json_difference(value, json.loads(json.dumps(value))) is None


numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | numbers | st.text(max_size=3) | st.sampled_from([0, 1, 1.0])
mixed = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)


@given(mixed, mixed)
def test_the_quick_way_never_overlooks_a_difference(expected: Any, got: Any) -> None:
    """What the quick comparison holds for the same, the slow one does too."""
    body = json.dumps(got).encode()

    if json_equal(expected, body):
        assert json_difference(expected, parse(body)) is None


@given(mixed)
def test_the_quick_way_sees_the_same_text(value: Any) -> None:
    """A body that is what was expected, to the byte, needs no closer look up to 64 bits."""
    body = json.dumps(value).encode()
    wide = any(len(word) > 18 for word in body.replace(b",", b" ").replace(b"]", b" ").split())

    assert wide or json_equal(value, body)


@pytest.mark.parametrize(
    ("expected", "body"),
    [
        (True, b"1"),
        (False, b"0.0"),
        (None, b"NaN"),
        (None, b"1e999"),
        ([None], b"[Infinity]"),
        (2**64 + 1, b"18446744073709551616"),
        (2**64, b"18446744073709551617"),
        (0.1, b'"0.1"'),
        ({}, b"[]"),
        ({"a": 1}, b'{"a": 1'),
        ("\ud800", b'"\\ud801"'),
        ([], b"[" * 100_000),
    ],
)
def test_lookalikes_are_not_taken_for_the_same(expected: Any, body: bytes) -> None:
    """Values that one of the two quick comparisons confuses are left to the slow one."""
    assert not json_equal(expected, body)


@pytest.mark.parametrize("text", [b"NaN", b"[Infinity]", b'{"a": -Infinity}', b"", b"{"])
def test_what_is_no_json(text: bytes) -> None:
    """NaN and Infinity are no JSON, whatever Python says."""
    with pytest.raises(ValueError, match=r"not JSON|Expecting"):
        parse(text)


@pytest.mark.parametrize(
    ("content_type", "is_json"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("text/json", True),
        ("application/problem+json", True),
        ("application/x-ndjson", False),
        ("application/jsonlines", False),
        ("application/json-seq", False),
        ("multipart/form-data; boundary=json", False),
        ("", False),
    ],
)
def test_content_types_of_one_json_document(content_type: str, *, is_json: bool) -> None:
    """The type counts, not that the word stands somewhere in it."""
    assert is_json_type(content_type) == is_json


def test_a_number_that_came_as_a_string_is_said() -> None:
    """The difference is easily overlooked: the form that expects it is named."""
    assert "{NAME:text}" in str(json_difference({"id": 7}, {"id": "7"}))
    assert "{NAME:text}" not in str(json_difference({"id": 7}, {"id": "8"}))
    assert "{NAME:text}" not in str(json_difference({"id": "7"}, {"id": 7}))
