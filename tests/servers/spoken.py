"""A server that speaks what it is asked for, or with a fault something else; test equipment.

Usage::

    python tests/servers/spoken.py PORT PROTOCOL CERT KEY [FAULT]

It answers `POST /json/...` with the body and GET with `{"status": "ok"}`. Faults:
    plain       no TLS, and no HTTP/2, whatever was asked
    fallback    TLS that never chooses h2
    other-cert  a certificate of its own
    no-tickets  no TLS session can be taken up again
    lies        every answer has another meaning
    status-NNN  every answer to POST has this status
    drops       over HTTP/2 every request is reset
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import sys
import threading
from pathlib import Path
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded
from h2.exceptions import H2Error

OK = b'{"status": "ok"}'


class Spoken:
    """What to speak, and how badly."""

    def __init__(self, protocol: str, cert: str, key: str, fault: str) -> None:
        plain = fault == "plain"
        self.fault = fault
        self.http2 = protocol in ("h2", "h2c") and fault not in ("plain", "fallback")
        self.context = None
        if protocol in ("https", "h2") and not plain:
            self.context = self._tls(cert, key, protocol)

    def _tls(self, cert: str, key: str, protocol: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self.fault == "other-cert":
            import trustme  # noqa: PLC0415 - for this fault only

            trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        else:
            context.load_cert_chain(cert, key)
        if self.fault == "no-tickets":
            context.num_tickets = 0
            context.options |= ssl.OP_NO_TICKET
        if protocol == "h2" and self.fault != "fallback":
            context.set_alpn_protocols(["h2"])
        return context

    def status(self, method: str) -> str:
        chosen = self.fault.startswith("status-") and method == "POST"
        return self.fault.removeprefix("status-") if chosen else "200"

    def answer(self, method: str, body: bytes) -> bytes:
        if self.fault == "lies":
            return b'{"id": 0}' if method == "POST" else OK
        return body if method == "POST" else OK


def serve_http1(sock: socket.socket, spoken: Spoken) -> None:
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = sock.recv(65536)
            if not more:
                return
            data += more
            if not data[:1].isupper():  # such as a TLS hello
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
                return
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = {k.strip().lower(): v.strip() for k, _, v in (x.partition(":") for x in lines[1:])}
        length = int(fields.get("content-length", 0))
        while len(data) < length:
            data += sock.recv(65536)
        body, data = data[:length], data[length:]
        if lines[0].startswith("PRI "):
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            return
        close = fields.get("connection", "").lower() == "close"
        method = lines[0].split()[0]
        given = spoken.answer(method, body)
        kept = "close" if close else "keep-alive"
        start = f"HTTP/1.1 {spoken.status(method)} So\r\ncontent-length: {len(given)}\r\n"
        sock.sendall(f"{start}connection: {kept}\r\n\r\n".encode() + given)
        if close:
            return


def serve_http2(sock: socket.socket, spoken: Spoken) -> None:
    talk = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
    talk.initiate_connection()
    sock.sendall(talk.data_to_send())
    asked: dict[int, tuple[str, bytes]] = {}
    left: dict[int, bytes] = {}
    while data := sock.recv(65536):
        for event in talk.receive_data(data):
            take(talk, event, asked, left, spoken)
        pour(talk, left)
        sock.sendall(talk.data_to_send())


def pour(talk: H2Connection, left: dict[int, bytes]) -> None:
    """Send of each answer what the client's windows have room for."""
    for stream in list(left):
        while stream in left:
            room = min(talk.local_flow_control_window(stream), talk.max_outbound_frame_size)
            if not room:
                break
            part, rest = left[stream][:room], left[stream][room:]
            talk.send_data(stream, part, end_stream=not rest)
            left[stream] = rest
            if not rest:
                del left[stream]


def take(
    talk: H2Connection,
    event: Any,
    asked: dict[int, tuple[str, bytes]],
    left: dict[int, bytes],
    spoken: Spoken,
) -> None:
    if isinstance(event, RequestReceived):
        fields = {str(name): str(value) for name, value in event.headers}
        asked[event.stream_id] = (fields[":method"], b"")
    elif isinstance(event, DataReceived):
        method, body = asked[event.stream_id]
        asked[event.stream_id] = (method, body + event.data)
        talk.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
    elif isinstance(event, StreamEnded):
        method, body = asked.pop(event.stream_id)
        if spoken.fault == "drops" and method == "POST":
            talk.reset_stream(event.stream_id, ErrorCodes.INTERNAL_ERROR)
            return
        given = spoken.answer(method, body)
        status = (":status", spoken.status(method))
        talk.send_headers(event.stream_id, [status, ("content-length", str(len(given)))])
        left[event.stream_id] = given


def handle(sock: socket.socket, spoken: Spoken) -> None:
    with contextlib.suppress(OSError, ValueError, H2Error):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if spoken.context is not None:
            sock = spoken.context.wrap_socket(sock, server_side=True)
        with sock:
            (serve_http2 if spoken.http2 else serve_http1)(sock, spoken)


def main() -> None:
    port, protocol, cert, key, *fault = sys.argv[1:]
    spoken = Spoken(protocol, cert, key, fault[0] if fault else "")
    host = os.environ.get("HOST", "127.0.0.1")
    with socket.create_server((host, int(port)), backlog=256) as listener:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=handle, args=(sock, spoken), daemon=True).start()


PROGRAM = Path(__file__)

if __name__ == "__main__":
    main()
