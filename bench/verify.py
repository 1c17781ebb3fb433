"""Checks that a server answers what the workload expects, before, during and after the load."""

from __future__ import annotations

import http.client
import io
import json
import socket
import string
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import VerifyError
from bench.model.trial import Exchange, SidechannelResult
from bench.render import SAME_AS_BODY, raw, render

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from bench.model.config import Expect
    from bench.model.plan import Workload
    from bench.render import Rendered

_TIMEOUT_S: Final = 10.0
_SHOWN_BYTES: Final = 1000
_DIFFERENCE_CHARS: Final = 120
_PER_KIND: Final = 2
_HEAD_MAX: Final = 64_000_000


class Answer(NamedTuple):
    """A response as received; wire_bytes counts status line and headers too."""

    status: int
    headers: dict[str, str]
    body: bytes
    wire_bytes: int


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


class _Source:
    """What http.client needs of a socket."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self._stream


def ask(
    port: int, request: Rendered, *, host: str = "127.0.0.1", timeout_s: float = _TIMEOUT_S
) -> Answer:
    """Send one rendered request on a connection of its own and read the whole answer.

    Raises:
        VerifyError: no connection, no answer in time, or not HTTP.
    """
    deadline = time.monotonic() + timeout_s
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as sock:
            sock.sendall(raw(request, f"{host}:{port}"))
            counter = _Counting(sock, deadline)
            with http.client.HTTPResponse(
                _Source(io.BufferedReader(counter)),  # type: ignore[arg-type] # only makefile is used
                method=request.method,
            ) as response:  # Python 3.13 complains of one that is left open
                response.begin()
                body = response.read()
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise VerifyError(
            f"{request.method} {request.path}: no usable answer ({reason})", code="no-answer"
        ) from None
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, body, counter.count)


def difference(expect: Expect, answer: Answer) -> str | None:
    """What is wrong with an answer, or None; JSON is compared by meaning."""
    if answer.status != expect.status:
        return f"expected status {expect.status}, got {answer.status}: {_short(answer.body)}"
    for name, value in expect.headers.items():
        got = answer.headers.get(name.lower())
        if got != value:
            return f"expected header {name}: {value}, got {got!r}"
    if expect.text is not None and answer.body != expect.text.encode():
        return f"expected the text {expect.text!r:.{_DIFFERENCE_CHARS}}, got {_short(answer.body)}"
    if not expect.has_json:
        return None
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        return f"expected JSON, got {_short(answer.body)}"
    return json_difference(expect.json_value, value)


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
        return f"{place}: expected {_value(expected)}, got {_value(got)}"
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


def verify(
    port: int,
    workload: Workload,
    rng: random.Random,
    *,
    host: str = "127.0.0.1",
    timeout_s: float = _TIMEOUT_S,
) -> tuple[Exchange, ...]:
    """Ask each request kind twice with random values, so that a constant answer fails.

    A kind whose body is always the same and is to come back is asked a third time with one
    value of the body changed.

    Returns:
        One exchange per kind, with the sizes really sent and received.

    Raises:
        VerifyError: the first wrong answer: request, what was expected, what came.
    """
    exchanges = []
    for kind, spec in enumerate(workload.kinds):
        seen: list[tuple[Rendered, Answer]] = []
        for _ in range(_PER_KIND):
            request = render(workload, kind, rng)
            answer = ask(port, request, host=host, timeout_s=timeout_s)
            wrong = difference(request.expect, answer)
            if wrong:
                raise VerifyError(f"{request.method} {request.path}: {wrong}")
            seen.append((request, answer))
        _check_varied(port, workload, kind, rng, host=host, timeout_s=timeout_s)
        exchanges.append(_exchange(spec.weight, seen))
    return tuple(exchanges)


def _check_varied(
    port: int, workload: Workload, kind: int, rng: random.Random, *, host: str, timeout_s: float
) -> None:
    request = vary(workload, kind, render(workload, kind, rng), rng)
    if request is None:
        return
    answer = ask(port, request, host=host, timeout_s=timeout_s)
    wrong = difference(request.expect, answer)
    if wrong:
        raise VerifyError(
            f"{request.method} {request.path}, with one value of the body changed: {wrong}"
        )


def vary(workload: Workload, kind: int, request: Rendered, rng: random.Random) -> Rendered | None:
    """The request with one value of its body changed to another of its type and length.

    Returns:
        None where values are drawn anyway, or the body is not what must come back.
    """
    spec = workload.kinds[kind]
    if spec.values or len(spec.bodies) != 1 or spec.expect.json_value != SAME_AS_BODY:
        return None
    value = json.loads(request.body)
    if not isinstance(value, dict | list):
        return None
    places = list(_leaves(value))
    if not places:
        return None
    numbers = [(owner, key) for owner, key in places if isinstance(owner[key], int)]
    owner, key = rng.choice(numbers or places)
    owner[key] = _other(owner[key], rng)
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    expect = request.expect.model_copy(update={"json_value": value})
    return request._replace(body=body, expect=expect)


def _leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key) of each number that is no truth value, and of each plain string."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, dict | list):
            yield from _leaves(item)
        elif (isinstance(item, int) and not isinstance(item, bool)) or (
            isinstance(item, str) and item.isalnum()
        ):
            yield value, key


def _other(value: int | str, rng: random.Random) -> int | str:
    if isinstance(value, int):
        digits = len(str(abs(value)))
        return rng.choice([n for n in _draw(digits, rng) if n != value])
    letters = [rng.choice(string.ascii_lowercase) for _ in value]
    return "".join(letters)


def _draw(digits: int, rng: random.Random) -> tuple[int, int]:
    """Two different numbers of that many digits, so that one of them differs from any other."""
    low = 10 ** (digits - 1) if digits > 1 else 0
    first = rng.randrange(low, 10**digits - 1)
    return first, first + 1


def sizes(exchanges: tuple[Exchange, ...]) -> tuple[float, float, float]:
    """(request body, response body, response on the wire) in bytes, weighted by request kind."""
    total = sum(exchange.weight for exchange in exchanges) or 1
    return (
        sum(e.weight * e.request_bytes for e in exchanges) / total,
        sum(e.weight * e.response_bytes for e in exchanges) / total,
        sum(e.weight * e.response_wire_bytes for e in exchanges) / total,
    )


class SideChannel:
    """Asks the server now and then while it is under load, and keeps count of the answers."""

    def __init__(self, port: int, workload: Workload, rng: random.Random) -> None:
        self._port = port
        self._workload = workload
        self._rng = rng
        self._counts = {"right": 0, "wrong": 0, "unanswered": 0}
        self._first_wrong = ""

    def ask(self, timeout_s: float) -> None:
        """Send one random request of the workload and judge its answer.

        An answer later than `timeout_s` counts as unanswered, which is no error: a saturated
        server may be slow.
        """
        weights = [kind.weight for kind in self._workload.kinds]
        kind = self._rng.choices(range(len(weights)), weights)[0]
        request = render(self._workload, kind, self._rng)
        request = vary(self._workload, kind, request, self._rng) or request
        try:
            answer = ask(self._port, request, timeout_s=timeout_s)
        except VerifyError:
            self._counts["unanswered"] += 1
            return
        wrong = difference(request.expect, answer)
        self._counts["wrong" if wrong else "right"] += 1
        if wrong and not self._first_wrong:
            self._first_wrong = f"{request.method} {request.path}: {wrong}"

    def result(self) -> SidechannelResult:
        """The counts so far."""
        return SidechannelResult(
            asked=sum(self._counts.values()), first_wrong=self._first_wrong, **self._counts
        )


def _exchange(weight: int, seen: list[tuple[Rendered, Answer]]) -> Exchange:
    request, answer = seen[0]
    return Exchange(
        weight=weight,
        method=request.method,
        path=request.path,
        request_bytes=round(sum(len(r.body) for r, _ in seen) / len(seen)),
        response_bytes=round(sum(len(a.body) for _, a in seen) / len(seen)),
        response_wire_bytes=round(sum(a.wire_bytes for _, a in seen) / len(seen)),
        status=answer.status,
        request_text=_text(request.body),
        response_text=_text(answer.body),
    )


def _text(body: bytes) -> str:
    shown = body[:_SHOWN_BYTES].decode("utf-8", "replace")
    return shown if len(body) <= _SHOWN_BYTES else f"{shown}... ({len(body):,} bytes)"


def _short(body: bytes) -> str:
    text = body[:_DIFFERENCE_CHARS].decode("utf-8", "replace")
    return repr(text + ("..." if len(body) > _DIFFERENCE_CHARS else ""))


def _value(value: Any) -> str:
    return repr(value)[:_DIFFERENCE_CHARS]
