"""Answers are judged by meaning; a wrong, late, endless or constant one is named."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import VerifyError
from bench.model.config import Expect, Generator
from bench.model.plan import RequestKind, Workload
from bench.render import Rendered, render
from bench.verify import Answer, SideChannel, ask, difference, json_difference, sizes, vary, verify

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
def serving(reply: Callable[[bytes], Reply]) -> Iterator[int]:
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
        yield listener.getsockname()[1]
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
        ([{"x": [0]}], [{"x": ["0"]}], "$[0].x[0]: expected 0, got '0'"),
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


@pytest.mark.parametrize(
    ("expect", "answer", "words"),
    [
        (Expect(), Answer(500, {}, b"oops", 4), "expected status 200, got 500: 'oops'"),
        (Expect(text="hi"), Answer(200, {}, b"ho", 2), "expected the text 'hi', got 'ho'"),
        (Expect(json_value=1), Answer(200, {}, b"<p>", 3), "expected JSON, got '<p>'"),
        (
            Expect(headers={"Content-Type": "a/b"}),
            Answer(200, {}, b"", 0),
            "expected header Content-Type: a/b, got None",
        ),
    ],
)
def test_wrong_answers_are_named(expect: Expect, answer: Answer, words: str) -> None:
    """What is wrong is said with what was expected."""
    assert difference(expect, answer) == words


def test_a_null_is_an_expected_value() -> None:
    """`json: null` expects null, no json key expects nothing."""
    assert difference(Expect(json_value=None), Answer(200, {}, b"1", 1)) is not None
    assert difference(Expect(), Answer(200, {}, b"1", 1)) is None


def test_an_echo_passes_with_its_real_sizes() -> None:
    """Sizes of an exchange are those sent and received, headers counted apart."""
    with serving(lambda body: http(body, headers="X-A: b\r\n")) as port:
        (exchange,) = verify(port, workload(echo_kind()), random.Random(1))

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
    with serving(lambda _: chunked) as port:
        answer = ask(port, render(workload(kind), 0, random.Random(1)))

    assert answer.body == b"hello"
    assert answer.wire_bytes == len(chunked)


def test_a_constant_answer_fails() -> None:
    """A server that always sends the right bytes of a fixed body is found out."""
    with (
        serving(lambda _: http(BODY)) as port,
        pytest.raises(VerifyError, match="one value of the body changed"),
    ):
        verify(port, workload(echo_kind()), random.Random(1))


def test_no_answer_has_a_code_of_its_own() -> None:
    """Closing without an answer, or not listening, is `no-answer`, not a wrong one."""
    request = render(workload(echo_kind()), 0, random.Random(1))
    with serving(lambda _: None) as port, pytest.raises(VerifyError) as closed:
        ask(port, request)
    with pytest.raises(VerifyError) as refused:
        ask(port, request)

    assert closed.value.code == refused.value.code == "no-answer"


def test_not_http() -> None:
    """An answer that is not HTTP is no usable answer."""
    request = render(workload(echo_kind()), 0, random.Random(1))
    with serving(lambda _: b"SSH-2.0-x\r\n") as port, pytest.raises(VerifyError, match="no usable"):
        ask(port, request)


@given(st.integers(0, 2**32), st.integers(-(10**9), 10**9), st.text("abcXYZ019", min_size=1))
def test_a_varied_body_differs_in_one_value_of_its_type(seed: int, number: int, text: str) -> None:
    """One value is changed to another of its type; what is expected changes with it."""
    body = json.dumps({"n": number, "t": text, "f": 1.5, "b": False}).encode()
    load = workload(echo_kind(body))
    varied = vary(load, 0, render(load, 0, random.Random(1)), random.Random(seed))

    assert varied is not None
    before, after = json.loads(body), json.loads(varied.body)
    changed = [key for key in before if before[key] != after[key]]
    assert changed == ["n"]
    assert type(after["n"]) is int
    assert json_difference(varied.expect.json_value, after) is None


def test_text_is_varied_where_there_is_no_number() -> None:
    """Without a number a string of letters is changed, keeping its length."""
    load = workload(echo_kind(b'{"a":"hello","b":"not this one"}'))
    varied = vary(load, 0, render(load, 0, random.Random(1)), random.Random(2))

    assert varied is not None
    after = json.loads(varied.body)
    assert len(after["a"]) == 5
    assert after["b"] == "not this one"


@pytest.mark.parametrize(
    "kind",
    [
        echo_kind(b"5"),
        echo_kind(b'{"b":true}'),
        echo_kind(expect=Expect()),
        echo_kind(bodies=(b"1", b"2")),
        echo_kind(b'{"id":"{x}"}', values={"x": Generator(int_range=(1, 9))}),
    ],
)
def test_what_cannot_be_varied_is_left(kind: RequestKind) -> None:
    """Bodies without a value to change, drawn ones, and others than echoes are left alone."""
    load = workload(kind)
    rendered: Rendered = render(load, 0, random.Random(1))

    assert vary(load, 0, rendered, random.Random(1)) is None


def test_side_channel_counts() -> None:
    """Right, wrong and missing answers are counted apart; the first wrong one is quoted."""
    answers = iter([True, False, None])

    def reply(body: bytes) -> Reply:
        kind = next(answers, None)
        return None if kind is None else http(body if kind else b'{"id":0}')

    with serving(reply) as port:
        side = SideChannel(port, workload(echo_kind()), random.Random(3))
        for _ in range(3):
            side.ask(2.0)
        result = side.result()

    assert (result.asked, result.right, result.wrong, result.unanswered) == (3, 1, 1, 1)
    assert "POST /echo" in result.first_wrong
