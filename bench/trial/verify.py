"""Checks that a server answers what the workload expects, before, during and after the load."""

from __future__ import annotations

import http.client
import io
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import VerifyError
from bench.model.trial_record import Exchange
from bench.servers.http2 import exchange
from bench.servers.running import SWITCHING
from bench.servers.secure import OtherProtocolError, dial
from bench.trial.unpacking import unpacked
from bench.workload.body_checks import body_difference
from bench.workload.json_equal import json_difference, json_equal, parse
from bench.workload.requests import raw, render
from bench.workload.vary import Varying

if TYPE_CHECKING:
    import random
    import socket
    from collections.abc import Callable

    from bench.model.plan import Workload
    from bench.model.target import Target
    from bench.model.workload_config import Expect
    from bench.workload.requests import Rendered

_TIMEOUT_S: Final = 10.0
_SHOWN_BYTES: Final = 1000
_DIFFERENCE_CHARS: Final = 120
_PER_KIND: Final = 2
_HEAD_MAX: Final = 64_000_000


class HttpResponse(NamedTuple):
    """A response as received.

    Attributes:
        wire_bytes: status line and headers too, and interim answers before it.
        interim: how many interim answers (1xx) came before it.
        until_close: its body has no length and ends with the connection.
        says_close: it tells the client to close the connection.
        took_s: from sending the request to the end of the answer; None = not measured.
        stream_s: from the first byte of the body to its end, where that is asked for.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    wire_bytes: int
    interim: int = 0
    until_close: bool = False
    says_close: bool = False
    took_s: float | None = None
    stream_s: float | None = None


class _Counting(io.RawIOBase):
    """A socket's receiving side that counts bytes and refuses endless and dripping answers."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        received = self._sock.recv_into(buffer)
        self.count += received
        if self.count > _HEAD_MAX:
            raise OSError("more than 64 MB in one answer")
        return received


class _Response(http.client.HTTPResponse):
    """Skips every interim answer; http.client knows only 100 (Continue)."""

    interim = 0

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc] # not in typeshed
            if status >= 200 or status == SWITCHING:  # noqa: PLR2004 - 1xx is interim
                return version, status, reason
            self.interim += 1
            http.client.parse_headers(self.fp)


class _Source:
    """What http.client needs of a socket."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self._stream


def ask(target: Target, request: Rendered, *, timeout_s: float = _TIMEOUT_S) -> HttpResponse:
    """Send one rendered request on a connection of its own and read the whole answer.

    Raises:
        VerifyError: no connection, no answer in time, not HTTP, or not the protocol asked for.
    """
    try:
        return (_ask_by_http2 if target.http2 else _ask)(target, request, timeout_s)
    except OtherProtocolError as error:
        raise VerifyError(
            f"{request.method} {request.path}, asked by {target.protocol}: {error}",
            code="other-protocol",
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise VerifyError(
            f"{request.method} {request.path}: no usable answer ({reason})", code="no-answer"
        ) from None


def _ask_by_http2(target: Target, request: Rendered, timeout_s: float) -> HttpResponse:
    given = exchange(
        target, request.method, request.path, request.headers, request.body, timeout_s=timeout_s
    )
    head = given.status, given.headers, given.body, given.received, given.interim
    return HttpResponse(*head, took_s=given.took_s, stream_s=given.stream_s)


def _ask(target: Target, request: Rendered, timeout_s: float) -> HttpResponse:
    deadline = time.monotonic() + timeout_s
    with dial(target, timeout_s) as sock:
        sent_at = time.monotonic()
        sock.sendall(raw(request, target.authority))
        counter = _Counting(sock, deadline)
        with _Response(
            _Source(io.BufferedReader(counter)),  # type: ignore[arg-type] # only makefile is used
            method=request.method,
        ) as response:  # Python 3.13 complains of one that is left open
            response.begin()
            until_close = response.length is None and not response.chunked
            body, began = _body(response, timed=request.expect.min_stream is not None)
            ended = time.monotonic()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return HttpResponse(
        response.status,
        headers,
        body,
        counter.count,
        response.interim,
        until_close,
        response.will_close,
        took_s=ended - sent_at,
        stream_s=None if began is None else ended - began,
    )


def _body(response: _Response, *, timed: bool) -> tuple[bytes, float | None]:
    """The whole body, and when its first byte came where that is to be known."""
    if not timed:
        return response.read(), None
    first = response.read(1)
    began = time.monotonic()
    if not first and response.length:
        raise http.client.IncompleteRead(first, response.length)
    return first + response.read(), began


def difference(expect: Expect, answer: HttpResponse) -> str | None:
    """What is wrong with an answer, or None; JSON is compared by meaning."""
    if answer.status != expect.status:
        leads = answer.headers.get("location")
        where = f" to {leads[:_DIFFERENCE_CHARS]}" if leads else ""
        said = f"{answer.status}{where}: {_short(answer.body)}"
        return f"expected status {expect.status}, got {said}"
    wrong = _headers_wrong(expect, answer) or _early(expect, answer)
    if wrong or not expect.has_body:
        return wrong
    return _body_wrong(expect, answer)


def _headers_wrong(expect: Expect, answer: HttpResponse) -> str | None:
    for name, value in expect.headers.items():
        got = answer.headers.get(name.lower())
        if got != value:
            return f"expected header {name}: {value}, got {got!r}"
    absent = [name for name in expect.has_headers if name.lower() not in answer.headers]
    return f"expected a header {absent[0]}, there is none" if absent else None


def _body_wrong(expect: Expect, answer: HttpResponse) -> str | None:
    body = plain_body(answer)
    if body is None:
        coding = answer.headers.get("content-encoding")
        return f"the body is said to be packed ({coding}), and cannot be unpacked"
    if expect.text is not None and body != expect.text.encode():
        return f"expected the text {expect.text!r:.{_DIFFERENCE_CHARS}}, got {_short(body)}"
    wrong = _json_wrong(expect.json_value, body) if expect.has_json else None
    return wrong or body_difference(expect, answer.headers, body)


def _early(expect: Expect, answer: HttpResponse) -> str | None:
    """Whether a wait was skipped, or a stream held back and sent at once."""
    took, stream = answer.took_s, answer.stream_s
    if expect.min_time is not None and took is not None and took < expect.min_time:
        return (
            f"expected an answer after {_ms(expect.min_time)} or later, it came after {_ms(took)}"
        )
    if expect.min_stream is not None and stream is not None and stream < expect.min_stream:
        return (
            f"expected a body that comes over {_ms(expect.min_stream)} or longer, "
            f"all of it came within {_ms(stream)}"
        )
    return None


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"


def plain_body(answer: HttpResponse) -> bytes | None:
    """What is in the body behind its content coding; None where it cannot be unpacked."""
    return unpacked(answer.headers.get("content-encoding", ""), answer.body)


def _json_wrong(expected: Any, body: bytes) -> str | None:
    if json_equal(expected, body):
        return None
    try:
        value = parse(body)
    except (ValueError, RecursionError):
        return f"expected JSON, got {_short(body)}"
    return json_difference(expected, value)


def verify(
    target: Target,
    workload: Workload,
    rng: random.Random,
    *,
    timeout_s: float = _TIMEOUT_S,
    took: Callable[[float], None] = lambda _: None,
) -> tuple[Exchange, ...]:
    """Ask each request kind twice with random values, so that a constant answer fails.

    A kind whose body is always the same and is to come back is asked a third time with one
    value of the body changed.

    Args:
        target: where the server listens.
        workload: what is asked.
        rng: draws the values.
        timeout_s: of each answer.
        took: given the seconds of each right answer, in order.

    Returns:
        One exchange per kind, with the sizes really sent and received.

    Raises:
        VerifyError: the first wrong answer: request, what was expected, what came.
    """
    exchanges = []
    for kind, spec in enumerate(workload.kinds):
        seen: list[tuple[Rendered, HttpResponse]] = []
        for _ in range(_PER_KIND):
            request = render(workload, kind, rng)
            began = time.monotonic()
            answer, spent_s = ask(target, request, timeout_s=timeout_s), time.monotonic() - began
            if request.expect.min_stream and _early(request.expect, answer):  # or we read it late
                answer = ask(target, request, timeout_s=timeout_s)
            wrong = difference(request.expect, answer)
            if wrong:
                raise VerifyError(f"{request.method} {request.path}: {wrong}")
            took(spent_s)
            _check_then(target, request, timeout_s=timeout_s)
            seen.append((request, answer))
        _check_varied(target, workload, kind, rng, timeout_s=timeout_s)
        exchanges.append(_exchange(spec.weight, seen))
    return tuple(exchanges)


def _check_then(target: Target, request: Rendered, *, timeout_s: float) -> None:
    """What the request wrote is there when it is read again."""
    if request.then is None:
        return
    wrong = difference(request.then.expect, ask(target, request.then, timeout_s=timeout_s))
    if wrong:
        raise VerifyError(
            f"GET {request.then.path}, right after {request.method} {request.path}: {wrong}"
        )


def _check_varied(
    target: Target, workload: Workload, kind: int, rng: random.Random, *, timeout_s: float
) -> None:
    varying = Varying.of(workload, kind, rng)
    if varying is None:
        return
    request = varying.draw(rng)
    answer = ask(target, request, timeout_s=timeout_s)
    wrong = difference(request.expect, answer)
    if wrong:
        raise VerifyError(
            f"{request.method} {request.path}, with one value of the body changed: {wrong}"
        )


def sizes(exchanges: tuple[Exchange, ...]) -> tuple[float, float, float]:
    """(request body, response body, response on the wire) in bytes, weighted by request kind."""
    total = sum(exchange.weight for exchange in exchanges) or 1
    return (
        sum(e.weight * e.request_bytes for e in exchanges) / total,
        sum(e.weight * e.response_bytes for e in exchanges) / total,
        sum(e.weight * e.response_wire_bytes for e in exchanges) / total,
    )


def _exchange(weight: int, seen: list[tuple[Rendered, HttpResponse]]) -> Exchange:
    request, answer = seen[0]
    plain = plain_body(answer)
    return Exchange(
        weight=weight,
        method=request.method,
        path=request.path,
        request_bytes=round(sum(len(r.body) for r, _ in seen) / len(seen)),
        response_bytes=round(sum(len(a.body) for _, a in seen) / len(seen)),
        response_wire_bytes=round(sum(a.wire_bytes for _, a in seen) / len(seen)),
        status=answer.status,
        interim=answer.interim,
        until_close=answer.until_close,
        says_close=answer.says_close,
        request_text=_text(request.body),
        response_text=_text(answer.body if plain is None else plain),
    )


def _text(body: bytes) -> str:
    shown = body[:_SHOWN_BYTES].decode("utf-8", "replace")
    return shown if len(body) <= _SHOWN_BYTES else f"{shown}... ({len(body):,} bytes)"


def _short(body: bytes) -> str:
    text = body[:_DIFFERENCE_CHARS].decode("utf-8", "replace")
    return repr(text + ("..." if len(body) > _DIFFERENCE_CHARS else ""))
