"""Answers are judged by meaning; a wrong, late, endless or constant one is named."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import random
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import VerifyError
from bench.model.plan import RequestKind, Workload
from bench.model.target import Target
from bench.model.workload_config import Expect, Generator, Then
from bench.trial.side_channel import SideChannel
from bench.trial.verify import HttpResponse, ask, difference, sizes, verify
from bench.workload.requests import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BODY = b'{"id":12345,"name":"test","active":true,"list":[1,{"deep":"abc"}]}'


def workload(*kinds: RequestKind) -> Workload:
    return Workload(id="w", title="W", kinds=kinds, lua=None, sha256="0")


def echo_kind(body: bytes = BODY, **keys: Any) -> RequestKind:
    expect = keys.pop("expect", Expect(json_value="same-as-body"))
    fields = {
        "weight": 1,
        "method": "POST",
        "path": "/echo",
        "headers": {"content-type": "application/json"},
        "bodies": (body,),
        "values": {},
        "expect": expect,
        **keys,
    }
    return RequestKind(**fields)


Reply = bytes | None


@contextlib.contextmanager
def serving(reply: Callable[[bytes], Reply]) -> Iterator[Target]:
    """A server that answers each request's body with `reply(body)`; None = closes at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        answer = reply(_body(connection))
                        if answer is not None:
                            connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Target(*listener.getsockname()[:2])
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _body(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    ]
    while lengths and len(body) < lengths[0]:
        body += connection.recv(65536)
    return body


def http(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


@pytest.mark.parametrize(
    ("expect", "answer", "words"),
    [
        (Expect(), HttpResponse(500, {}, b"oops", 4), "expected status 200, got 500: 'oops'"),
        (Expect(text="hi"), HttpResponse(200, {}, b"ho", 2), "expected the text 'hi', got 'ho'"),
        (Expect(json_value=1), HttpResponse(200, {}, b"<p>", 3), "expected JSON, got '<p>'"),
        (
            Expect(headers={"Content-Type": "a/b"}),
            HttpResponse(200, {}, b"", 0),
            "expected header Content-Type: a/b, got None",
        ),
        (
            Expect(has_headers=["ETag"]),
            HttpResponse(200, {"etags": "1"}, b"", 0),
            "expected a header ETag, there is none",
        ),
        (
            Expect.model_validate({"min_time": "20ms"}),
            HttpResponse(200, {}, b"", 0, took_s=0.0123),
            "expected an answer after 20 ms or later, it came after 12.3 ms",
        ),
        (
            Expect.model_validate({"min_stream": "40ms"}),
            HttpResponse(200, {}, b"", 0, stream_s=0.0005),
            "expected a body that comes over 40 ms or longer, all of it came within 0.5 ms",
        ),
        (
            Expect(status=422, contains=["email"]),
            HttpResponse(422, {}, b"name", 4),
            "expected 'email' in the body, got 'name'",
        ),
    ],
)
def test_wrong_answers_are_named(expect: Expect, answer: HttpResponse, words: str) -> None:
    """What is wrong is said with what was expected."""
    assert difference(expect, answer) == words


def test_a_null_is_an_expected_value() -> None:
    """`json: null` expects null, no json key expects nothing."""
    assert difference(Expect(json_value=None), HttpResponse(200, {}, b"1", 1)) is not None
    assert difference(Expect(), HttpResponse(200, {}, b"1", 1)) is None


def test_the_first_right_answer_is_timed() -> None:
    """A cold server's first request takes long, and that one is told first."""
    waits = iter([0.15])
    took: list[float] = []

    def reply(body: bytes) -> bytes:
        time.sleep(next(waits, 0.0))
        return http(body)

    with serving(reply) as target:
        verify(target, workload(echo_kind()), random.Random(1), took=took.append)

    assert len(took) == 2
    assert took[0] > 0.15


def test_what_was_written_is_read_again() -> None:
    """A server that answers rightly and keeps nothing is found out by the request that follows."""
    then = Then.model_validate({"path": "/again", "expect": {"text": "kept"}})
    asked: list[bytes] = []

    def reply(body: bytes) -> bytes:
        asked.append(body)
        return http(body or b"kept")

    kinds = workload(echo_kind(then=then))
    with serving(reply) as target:
        verify(target, kinds, random.Random(1))
    assert asked.count(b"") == 2
    with (
        serving(lambda body: http(body or b"lost")) as target,
        pytest.raises(VerifyError) as caught,
    ):
        verify(target, kinds, random.Random(1))
    assert str(caught.value).startswith("GET /again, right after POST /echo: expected the text")


def test_an_echo_passes_with_its_real_sizes() -> None:
    """Sizes of an exchange are those sent and received, headers counted apart."""
    with serving(lambda body: http(body, headers="X-A: b\r\n")) as target:
        (exchange,) = verify(target, workload(echo_kind()), random.Random(1))

    assert (exchange.request_bytes, exchange.response_bytes) == (len(BODY), len(BODY))
    assert exchange.response_wire_bytes == len(http(BODY, headers="X-A: b\r\n"))
    assert exchange.response_text == BODY.decode()
    assert sizes((exchange,)) == (len(BODY), len(BODY), exchange.response_wire_bytes)


def test_a_chunked_answer_is_read_whole() -> None:
    """A chunked answer counts with its decoded body and its bytes on the wire."""
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    )
    kind = echo_kind(expect=Expect(text="hello"))
    with serving(lambda _: chunked) as target:
        answer = ask(target, render(workload(kind), 0, random.Random(1)))

    assert answer.body == b"hello"
    assert answer.wire_bytes == len(chunked)


def test_a_constant_answer_fails() -> None:
    """A server that always sends the right bytes of a fixed body is found out."""
    with (
        serving(lambda _: http(BODY)) as target,
        pytest.raises(VerifyError, match="one value of the body changed"),
    ):
        verify(target, workload(echo_kind()), random.Random(1))


def test_no_answer_has_a_code_of_its_own() -> None:
    """Closing without an answer, or not listening, is `no-answer`, not a wrong one."""
    request = render(workload(echo_kind()), 0, random.Random(1))
    with serving(lambda _: None) as target, pytest.raises(VerifyError) as closed:
        ask(target, request)
    with pytest.raises(VerifyError) as refused:
        ask(target, request)

    assert closed.value.code == refused.value.code == "no-answer"


def test_not_http() -> None:
    """An answer that is not HTTP is no usable answer."""
    request = render(workload(echo_kind()), 0, random.Random(1))
    with (
        serving(lambda _: b"SSH-2.0-x\r\n") as target,
        pytest.raises(VerifyError, match="no usable"),
    ):
        ask(target, request)


def test_side_channel_counts() -> None:
    """Right, wrong and missing answers are counted apart; the first wrong one is quoted."""
    answers = iter([True, False, None])

    def reply(body: bytes) -> Reply:
        kind = next(answers, None)
        return None if kind is None else http(body if kind else b'{"id":0}')

    with serving(reply) as target:
        side = SideChannel(target, workload(echo_kind()), random.Random(3))
        for _ in range(3):
            side.ask(1, 1, (1,), time.monotonic() + 2.0)
        side.end()
        result = side.result()

    assert (result.asked, result.right, result.wrong, result.unanswered) == (3, 1, 1, 1)
    assert "POST /echo" in result.first_wrong


def test_an_interim_answer_is_not_the_answer() -> None:
    """103 and 102 are skipped and counted; 101 is an answer of its own."""
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    final = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    request = render(workload(echo_kind(expect=Expect(text="ok"))), 0, random.Random(1))
    with serving(lambda _: early + final) as target:
        answer = ask(target, request)
    with serving(lambda _: b"HTTP/1.1 101 Switching Protocols\r\n\r\n") as target:
        switched = ask(target, request)

    assert (answer.status, answer.body, answer.interim) == (200, b"ok", 2)
    assert answer.wire_bytes == len(early + final)
    assert (switched.status, switched.interim) == (101, 0)


@pytest.mark.parametrize(
    ("head", "until_close"),
    [("connection: close", True), ("content-length: 2", False), ("x: y", True)],
)
def test_an_answer_that_ends_with_the_connection(head: str, *, until_close: bool) -> None:
    """It is read whole, and its shape is kept: some load tools cannot count it."""
    kind = echo_kind(expect=Expect(text="ok"))
    with serving(lambda _: f"HTTP/1.1 200 OK\r\n{head}\r\n\r\nok".encode()) as target:
        (exchange,) = verify(target, workload(kind), random.Random(1))

    assert (exchange.response_bytes, exchange.until_close) == (2, until_close)


def test_a_packed_answer_is_judged_by_what_is_in_it() -> None:
    """gzip is unpacked for the comparison; its sizes stay those on the wire."""
    packed = gzip.compress(b"ok")
    answer = HttpResponse(200, {"content-encoding": "gzip"}, packed, 0)

    assert difference(Expect(text="ok"), answer) is None
    assert "got 'ok'" in (difference(Expect(text="no"), answer) or "")
    broken = difference(Expect(text="ok"), answer._replace(body=b"junk"))
    assert broken == "the body is said to be packed (gzip), and cannot be unpacked"


def test_a_hash_is_of_the_unpacked_body() -> None:
    """Packed or not, it is the same file."""
    expect = Expect(sha256=hashlib.sha256(b"page").hexdigest())
    packed = HttpResponse(200, {"content-encoding": "gzip"}, gzip.compress(b"page"), 4)

    assert difference(expect, packed) is None
    assert difference(expect, HttpResponse(200, {}, b"page", 4)) is None
    assert difference(expect, packed._replace(body=gzip.compress(b"other"))) is not None


def test_a_stream_is_timed_from_its_first_byte() -> None:
    """One that comes in two parts takes the time between them; one in one part none."""
    parts = iter([http(b"ab"), http(b"ab")[:-1]])

    def reply(_: bytes) -> Reply:
        return next(parts)

    kind = echo_kind(expect=Expect.model_validate({"min_stream": "1ms"}))
    request = render(workload(kind), 0, random.Random(1))
    with serving(reply) as target:
        at_once = ask(target, request)
        with pytest.raises(VerifyError, match="no usable answer"):
            ask(target, request)  # cut short, not a short stream

    assert at_once.body == b"ab"
    assert at_once.stream_s is not None
    assert 0 <= at_once.stream_s < (at_once.took_s or 0.0)
    assert difference(request.expect, at_once._replace(stream_s=0.002)) is None


def test_a_question_larger_than_any_buffer_arrives_whole() -> None:
    """The side channel sends a large upload piece by piece, while the server reads slowly."""
    values = {"file": Generator.model_validate({"random": "4MB"})}
    expect = Expect.model_validate({"json": {"sha256": "{file:sha256}"}})
    kind = echo_kind(b"{file}", values=values, expect=expect, headers={})

    def reply(body: bytes) -> Reply:
        return http(json.dumps({"sha256": hashlib.sha256(body).hexdigest()}).encode())

    with serving(reply) as target:
        side = SideChannel(target, workload(kind), random.Random(1))
        side.ask(3, 1, (1,), time.monotonic() + 5)
        side.end()

    assert side.result().right > 0
    assert side.result().wrong == 0


def test_a_redirect_says_where_it_leads() -> None:
    """A path without its last slash is the usual mistake."""
    answer = HttpResponse(307, {"location": "/items/"}, b"", 0)

    assert "got 307 to /items/" in (difference(Expect(), answer) or "")
