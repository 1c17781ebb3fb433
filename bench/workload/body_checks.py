"""Compares an answer's body with its expected hash, texts and server-sent events; pure."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.model.workload_config import Expect

_EVENT_STREAM: Final = "text/event-stream"
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_SHOWN: Final = 80


def body_difference(expect: Expect, headers: Mapping[str, str], body: bytes) -> str | None:
    """What is wrong with a body, None = nothing.

    Args:
        expect: its hash, texts that it contains, its events.
        headers: of the answer, names in lower case.
        body: unpacked.
    """
    if expect.sha256 is not None:
        got = hashlib.sha256(body).hexdigest()
        if got != expect.sha256:
            return f"expected a body of sha256 {expect.sha256}, got {len(body):,} bytes of {got}"
    for text in expect.contains:
        if text.encode() not in body:
            return f"expected {text!r} in the body, got {_shown(body.decode('utf-8', 'replace'))}"
    return _events_wrong(expect.events, headers, body) if expect.events else None


def events_of(body: bytes) -> list[str]:
    """The data of each server-sent event, as the HTML standard reads a stream.

    An event ends with an empty line; one that is cut off before it does not count.
    """
    events: list[str] = []
    data: list[str] = []
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    *lines, _ = _LINE_END.split(text)  # what stands behind the last line end is not a line
    for line in lines:
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            events.append("\n".join(data))
            data = []
    return events


def _events_wrong(wanted: list[str], headers: Mapping[str, str], body: bytes) -> str | None:
    kind = headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != _EVENT_STREAM:
        return f"expected events, so content-type: {_EVENT_STREAM}, got {kind!r}"
    got = events_of(body)
    for number, (right, event) in enumerate(zip(wanted, got, strict=False), start=1):
        if event != right:
            return f"expected event {number} to be {right!r}, got {_shown(event)}"
    if len(got) != len(wanted):
        return f"expected {len(wanted)} events, got {len(got)}"
    return None


def _shown(text: str) -> str:
    return repr(text[:_SHOWN] + ("..." if len(text) > _SHOWN else ""))
