"""Cuts one HTTP/1 answer out of what has been received so far; nothing is read or sent."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.servers.running import SWITCHING
from bench.trial.verify import HttpResponse

if TYPE_CHECKING:
    from bench.servers.http2 import Http2Answer

_END: Final = b"\r\n\r\n"
_HEAD_MAX: Final = 65_536
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: [^\r\n]*)?")
_BODILESS: Final = frozenset({204, 304})


class Framed(NamedTuple):
    """A whole answer.

    Attributes:
        used: bytes up to its end, interim answers before it included.
        closes: the connection is of no more use behind it.
    """

    answer: HttpResponse
    used: int
    closes: bool


def framed_by_http2(given: Http2Answer) -> Framed:
    """An HTTP/2 answer in the same form."""
    answer = HttpResponse(given.status, given.headers, given.body, given.received, given.interim)
    return Framed(answer, given.received, given.closes)


class _Head(NamedTuple):
    status: int
    headers: dict[str, str]
    closes: bool


def framed(data: bytes, method: str, *, ended: bool) -> Framed | None:
    """The first answer in `data`, None where it is not complete yet.

    Args:
        data: received since the request was sent.
        method: of the request: HEAD is answered without a body.
        ended: nothing more will come.

    Raises:
        ValueError: this is not an HTTP/1 answer, or it ends before it is complete.
    """
    start = interim = 0
    while True:
        end = data.find(_END, start)
        if end < 0:
            if ended or len(data) - start > _HEAD_MAX:
                raise ValueError("the connection ended within an answer" if ended else "no HTTP")
            return None
        head = _head(data[start:end])
        start = end + len(_END)
        if head.status >= 200 or head.status == SWITCHING:  # noqa: PLR2004 - 1xx is interim
            break
        interim += 1
    cut = _body(data, start, head, method, ended=ended)
    if cut is None:
        return None
    body, used, until_close = cut
    answer = HttpResponse(head.status, head.headers, body, used, interim, until_close)
    return Framed(answer, used, head.closes or until_close)


@functools.lru_cache(maxsize=256)
def _head(data: bytes) -> _Head:
    """Status and headers; most answers of a server have the same for a whole second."""
    first, *lines = data.split(b"\r\n")
    match = _STATUS.fullmatch(first)
    if match is None:
        raise ValueError(f"no HTTP: {first[:60]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise ValueError(f"no header: {line[:60]!r}")
        key = name.strip().lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    said = headers.get("connection", "").lower()
    closes = "close" in said or (match[1] == b"0" and "keep-alive" not in said)
    return _Head(int(match[2]), headers, closes)


def _body(
    data: bytes, start: int, head: _Head, method: str, *, ended: bool
) -> tuple[bytes, int, bool] | None:
    """Body, where it ends, and whether only the connection's end says so."""
    if method == "HEAD" or head.status in _BODILESS or head.status == SWITCHING:
        return b"", start, False
    if "chunked" in head.headers.get("transfer-encoding", "").lower():
        chunks = _chunks(data, start)
        if chunks is None and ended:
            raise ValueError("the connection ended within a body")
        return None if chunks is None else (*chunks, False)
    if "content-length" not in head.headers:
        return (data[start:], len(data), True) if ended else None
    stop = start + int(head.headers["content-length"])
    if stop < start:
        raise ValueError("a content-length below 0")
    if len(data) >= stop:
        return data[start:stop], stop, False
    if ended:
        raise ValueError("the connection ended within a body")
    return None


def _chunks(data: bytes, start: int) -> tuple[bytes, int] | None:
    parts: list[bytes] = []
    while True:
        line = data.find(b"\r\n", start)
        if line < 0:
            return None
        size = int(data[start:line].partition(b";")[0], 16)
        start = line + 2
        if size == 0:
            return _after_trailers(data, start, b"".join(parts))
        if len(data) < start + size + 2:
            return None
        parts.append(data[start : start + size])
        start += size + 2


def _after_trailers(data: bytes, start: int, body: bytes) -> tuple[bytes, int] | None:
    if data[start : start + 2] == b"\r\n":
        return body, start + 2
    end = data.find(_END, start)
    return None if end < 0 else (body, end + len(_END))
