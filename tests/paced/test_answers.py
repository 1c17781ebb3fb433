"""What paced makes of answers, over real sockets: counted exactly, whatever they are."""

from __future__ import annotations

import socket
import struct
import time
from typing import TYPE_CHECKING

import pytest

from tests.paced.driving import GET, HEAD, OK, Line, answering, read_request, serving

if TYPE_CHECKING:
    from tests.paced.driving import Paced

pytestmark = [pytest.mark.real, pytest.mark.needs("cc")]

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
)
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"
KEPT = b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok"
GOOD = {
    "length": (OK, 200, 2, True),
    "empty": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0, True),
    "chunked": (CHUNKED, 200, 15, True),
    "interim": (INTERIM + OK, 200, 2, True),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, 0, True),
    "304": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, 0, True),
    "1.0 kept": (KEPT, 200, 2, True),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, 2, False),
    "close": (OK.replace(b"OK", b"OK\r\nConnection: close"), 200, 2, False),
    "line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, 2, True),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good_answer_is_counted(paced: Paced, name: str) -> None:
    """Forty answers: status, bytes, and connections opened as the framing says."""
    answer, status, body, kept = GOOD[name]
    with serving(answering(answer)) as port:
        result = paced.run(port)

    assert result["requests"]["ok"] == result["status"][str(status)] == 40
    assert result["bytes"] == {
        "out_wire": 40 * len(GET), "in_wire": 40 * len(answer), "in_body": 40 * body,
    }  # fmt: skip
    # The one before the start, and with each answer that ends it one more for the next request.
    assert result["connections"]["opened"] == (1 if kept else 40)
    assert result["connections"]["unsolicited"] == 0


def test_answer_that_ends_with_its_connection(paced: Paced) -> None:
    """Without a length the body ends where the connection does."""

    def handle(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")

    with serving(handle) as port:
        result = paced.run(port)

    assert result["requests"]["ok"] == 40
    assert result["bytes"]["in_body"] == 40 * 13


def test_head_has_no_body(paced: Paced) -> None:
    """The length of an answer to HEAD is not waited for, that to GET is; each has its kind."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    lines = (Line(), Line(HEAD, kind=1, head=True, most="0"))
    with serving(answering(OK, head)) as port:
        result = paced.run(port, lines=lines)

    assert [kind["ok"] for kind in result["kinds"]] == [20, 20]
    assert result["connections"]["unsolicited"] == 0


def test_answer_in_single_bytes(paced: Paced) -> None:
    """An answer that comes byte by byte is the same answer."""

    def handle(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while read_request(connection):
            for byte in CHUNKED:
                connection.sendall(bytes([byte]))

    with serving(handle) as port:
        result = paced.run(port, "--rate", "25")

    assert result["requests"]["ok"] == 5
    assert result["bytes"]["in_wire"] == 5 * len(CHUNKED)


def test_new_connection_for_each_request(paced: Paced) -> None:
    """--keep-alive off opens one per request, whatever the answer says."""
    with serving(answering(OK)) as port:
        result = paced.run(port, "--keep-alive", "off", "--connections", "4")

    assert result["requests"]["ok"] == result["connections"]["opened"] == 40


BAD = {
    "status_line": b"HTTP/2 200\r\n\r\n",
    "header": b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
    "head_too_large": b"HTTP/1.1 200 OK\r\nA: " + b"a" * 70000 + b"\r\n\r\n",
    "body_too_large": b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n",
    "no_answer": b"",
    "closed_early": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe",
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_answer_has_its_kind(paced: Paced, kind: str) -> None:
    """A hostile answer is an error of its kind, each time, and ends the connection."""

    def handle(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(BAD[kind])
        if BAD[kind] and kind != "closed_early":
            connection.recv(1)
        else:
            connection.shutdown(socket.SHUT_WR)  # half-closed: it would still read

    with serving(handle) as port:
        result = paced.run(port, "--max-body", "1000")

    assert {name: n for name, n in result["errors"].items() if n} == {kind: 40}


def test_reset_is_a_reset(paced: Paced) -> None:
    """A connection that breaks after the request is counted as reset."""

    def handle(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        time.sleep(0.002)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with serving(handle) as port:
        result = paced.run(port)

    assert result["errors"]["reset"] == 40


def test_nobody_listens(paced: Paced) -> None:
    """Every request to a closed port is one connect error, and the run ends in its time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = paced.run(port)

    assert result["errors"]["connect"] == 40
    assert result["connections"]["opened"] == 0


def test_silence_times_out(paced: Paced) -> None:
    """A request without an answer is a timeout, counted from when it was sent."""

    def handle(connection: socket.socket) -> None:
        while connection.recv(99):
            pass

    with serving(handle) as port:
        result = paced.run(port, "--connections", "2", "--rate", "20", "--timeout", "0.5")

    assert result["errors"]["timeout"] == 4
    assert result["connections"]["opened"] == 4


def test_bytes_that_nobody_asked_for(paced: Paced) -> None:
    """Bytes behind an answer close the connection; the answer counts, the bytes are no answer."""
    with serving(answering(OK + OK)) as port:
        result = paced.run(port)

    assert result["requests"]["ok"] == 40
    assert result["connections"]["unsolicited"] == 40
    assert result["connections"]["opened"] == 40


def test_server_closes_between_requests(paced: Paced) -> None:
    """A connection that is closed while idle is no error, and is opened again when needed."""

    def handle(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(OK)

    with serving(handle) as port:
        result = paced.run(port, "--rate", "20", "--connections", "2")

    assert result["requests"]["ok"] == 4
    assert result["connections"]["opened"] == 4


def test_unexpected_answers_are_told_apart(paced: Paced) -> None:
    """A status or length that is not the expected one is counted per kind, not as ok."""
    lines = (
        Line(status="200"),
        Line(kind=1, status="201"),
        Line(kind=2, least="3", most="9"),
        Line(kind=3),
    )
    teapot = b"HTTP/1.1 418 No\r\nContent-Length: 0\r\n\r\n"
    with serving(answering(OK, OK, OK, teapot)) as port:
        result = paced.run(port, lines=lines)

    assert [kind["ok"] for kind in result["kinds"]] == [10, 0, 0, 0]
    assert [kind["wrong_status"] for kind in result["kinds"]] == [0, 10, 0, 10]
    assert [kind["wrong_length"] for kind in result["kinds"]] == [0, 0, 10, 0]
    assert result["kinds"][3]["status"] == {"418": 10}
    assert result["wrong"]["count"] == 30


def test_ipv6(paced: Paced) -> None:
    """An IPv6 address works like any other."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serving(answering(OK), "::1") as port:
        assert paced.run(port, "--address", "::1")["requests"]["ok"] == 40
