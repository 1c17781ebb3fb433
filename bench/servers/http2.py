"""One HTTP/2 connection as a client has it: bytes to send, answers received; and a whole exchange.

The protocol itself is the library h2's, which refuses what breaks its rules.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.servers.secure import OtherProtocolError, dial

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Mapping

    from bench.model.target import Target

_RECV: Final = 262_144
_BODY_MAX: Final = 64_000_000
_HOP_BY_HOP: Final = frozenset(
    {"host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}
)
"""Of HTTP/1.1: HTTP/2 has other means for each."""


class Http2Answer(NamedTuple):
    """A whole answer.

    Attributes:
        received: bytes of the connection that came while it was waited for.
        interim: interim answers (1xx) before it.
        closes: the server takes no further request on this connection.
        took_s: from sending the request to the end of the answer, by `exchange`.
        stream_s: from the first byte of the body to its end, by `exchange`.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    received: int
    interim: int
    closes: bool
    took_s: float | None = None
    stream_s: float | None = None


class Http2Talk:
    """The state of one connection, a request at a time; sends and receives nothing itself."""

    def __init__(self, target: Target) -> None:
        from h2.config import H2Configuration  # noqa: PLC0415 - late: most runs have no HTTP/2
        from h2.connection import H2Connection  # noqa: PLC0415 - the same

        self._scheme = target.scheme
        self._authority = target.authority
        self._connection = H2Connection(H2Configuration(header_encoding="utf-8"))
        self._connection.initiate_connection()
        self._stream = 0
        self._left = b""
        self._heard = self._ended = self._closes = False
        self._head: list[tuple[str, str]] = []
        self._body = b""
        self._received = self._interim = 0

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Begin a request; what to send for it.

        Raises:
            ValueError: the connection takes no more requests.
        """
        named = {name.lower(): value for name, value in headers.items()}
        fields = [
            (":method", method),
            (":scheme", self._scheme),
            (":authority", named.get("host", self._authority)),
            (":path", path),
            *((name, value) for name, value in named.items() if name not in _HOP_BY_HOP),
        ]
        if body and "content-length" not in named:
            fields.append(("content-length", str(len(body))))
        self._left, self._body, self._head = body, b"", []
        self._received = self._interim = 0
        self._ended = False
        with _Refusing():
            self._stream = self._connection.get_next_available_stream_id()
            self._connection.send_headers(self._stream, fields, end_stream=not body)
            self._pour()
        return self._outgoing()

    def hear(self, data: bytes) -> bytes:
        """Take in what was received; what to send for it, such as acknowledgments.

        Raises:
            OtherProtocolError: it is HTTP/1.
            ValueError: it breaks the rules of HTTP/2, or ends the request without an answer.
        """
        if not self._heard and data.startswith(b"HTTP/1"):
            raise OtherProtocolError("it answers in HTTP/1, not in HTTP/2")
        self._heard = True
        self._received += len(data)
        with _Refusing():
            for event in self._connection.receive_data(data):
                self._take(event)
            self._pour()
        return self._outgoing()

    @property
    def begun(self) -> bool:
        """Whether a part of the body has come."""
        return bool(self._body)

    def answer(self) -> Http2Answer | None:
        """The answer, where all of it has come.

        Raises:
            ValueError: it has no status.
        """
        if not self._ended:
            return None
        headers: dict[str, str] = {}
        for name, value in self._head:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        status = int(headers.pop(":status", ""))
        return Http2Answer(status, headers, self._body, self._received, self._interim, self._closes)

    def _outgoing(self) -> bytes:
        sent: bytes = self._connection.data_to_send()
        return sent

    def _pour(self) -> None:
        """Hand over as much of the body as the server's window has room for."""
        while self._left:
            room = self._connection.local_flow_control_window(self._stream)
            room = min(room, self._connection.max_outbound_frame_size, len(self._left))
            if room <= 0:
                return
            part, self._left = self._left[:room], self._left[room:]
            self._connection.send_data(self._stream, part, end_stream=not self._left)

    def _take(self, event: Any) -> None:
        kind = type(event).__name__
        if kind == "ConnectionTerminated":
            self._closes = True
            if event.error_code or (event.last_stream_id or 0) < self._stream:
                raise ValueError(f"the server ended the connection (error {event.error_code})")
        if getattr(event, "stream_id", None) != self._stream:
            return
        if kind == "ResponseReceived":
            self._head = _texts(event.headers)
        elif kind == "InformationalResponseReceived":
            self._interim += 1
        elif kind == "DataReceived":
            self._body += event.data or b""
            if len(self._body) > _BODY_MAX:
                raise ValueError("more than 64 MB in one answer")
            taken = event.flow_controlled_length or 0
            self._connection.acknowledge_received_data(taken, self._stream)
        elif kind == "StreamReset":
            raise ValueError(f"the server reset the request (error {event.error_code})")
        elif kind == "StreamEnded":
            self._ended, self._left = True, b""


class _Refusing:
    """Turns what the library raises at broken rules into a ValueError."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        from h2.exceptions import H2Error  # noqa: PLC0415 - late, as above

        if isinstance(error, H2Error):
            raise ValueError(f"no HTTP/2: {str(error) or type(error).__name__}") from None


def _texts(fields: Iterable[Any]) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in fields]


def exchange(
    target: Target,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    timeout_s: float,
) -> Http2Answer:
    """Send one request on a connection of its own and read the whole answer.

    Raises:
        OSError: no connection, no answer in time, or another protocol (OtherProtocolError).
        ValueError: what came is not HTTP/2.
    """
    deadline = time.monotonic() + timeout_s
    with dial(target, timeout_s) as sock:
        talk, began = Http2Talk(target), time.monotonic()
        sock.sendall(talk.ask(method, path, headers, body))
        first: float | None = None
        while (found := talk.answer()) is None:
            sock.sendall(talk.hear(_receive(sock, deadline)))
            first = time.monotonic() if first is None and talk.begun else first
        ended = time.monotonic()
        took_s, stream_s = ended - began, None if first is None else ended - first
        return found._replace(took_s=took_s, stream_s=stream_s)


def _receive(sock: socket.socket, deadline: float) -> bytes:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    sock.settimeout(left)
    data = sock.recv(_RECV)
    if not data:
        raise ConnectionError("closed without an answer")
    return data
