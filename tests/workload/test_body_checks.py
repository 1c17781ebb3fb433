"""Bodies by their hash, by texts in them, and as server-sent events."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from bench.model.workload_config import Expect
from bench.workload.body_checks import body_difference, events_of

SSE = {"content-type": "text/event-stream; charset=utf-8"}
HASH = hashlib.sha256(b"page").hexdigest()


@pytest.mark.parametrize(
    ("expect", "headers", "body"),
    [
        ({}, {}, b"anything"),
        ({"sha256": HASH}, {}, b"page"),
        ({"contains": ["name", "age"]}, {}, b'{"age": 1, "name": 2}'),
        ({"events": ["a", "b"]}, SSE, b"data: a\n\ndata: b\n\n"),
    ],
)
def test_right_bodies(expect: dict[str, Any], headers: dict[str, str], body: bytes) -> None:
    """What is as it should be is not complained of."""
    assert body_difference(Expect.model_validate(expect), headers, body) is None


@pytest.mark.parametrize(
    ("expect", "headers", "body", "words"),
    [
        ({"sha256": HASH}, {}, b"pagE", "4 bytes of "),
        ({"contains": ["name", "age"]}, {}, b'{"name": 2}', "expected 'age' in the body"),
        ({"events": ["a"]}, {}, b"data: a\n\n", "content-type: text/event-stream, got ''"),
        ({"events": ["a", "b"]}, SSE, b"data: a\n\n", "expected 2 events, got 1"),
        ({"events": ["a"]}, SSE, b"data: a\n\ndata: b\n\n", "expected 1 events, got 2"),
        ({"events": ["a", "b"]}, SSE, b"data: a\n\ndata: c\n\n", "event 2 to be 'b', got 'c'"),
    ],
)
def test_wrong_bodies(
    expect: dict[str, Any], headers: dict[str, str], body: bytes, words: str
) -> None:
    """What differs is named."""
    assert words in (body_difference(Expect.model_validate(expect), headers, body) or "")


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"", []),
        (b"data: a\n\n", ["a"]),
        (b"data:a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
        (b"data: a\r\rdata: b\r\r", ["a", "b"]),
        (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
        (b": a comment\n\nid: 7\nevent: tick\ndata: a\nretry: 5\n\n", ["a"]),
        (b"data: one\ndata: two\n\n", ["one\ntwo"]),
        (b"data:  a\n\n", [" a"]),
        (b"data\n\n", [""]),
        (b"data: a\n\ndata: cut", ["a"]),
        (b"data: a\n\ndata: cut\n", ["a"]),
    ],
)
def test_events_are_read_as_browsers_do(stream: bytes, events: list[str]) -> None:
    """Any line end, comments and other fields passed over, an event that is cut off is none."""
    assert events_of(stream) == events
