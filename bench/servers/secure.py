"""Connections to a server as its load has them: plain or with TLS, and what is wrong with those."""

from __future__ import annotations

import functools
import ssl
from typing import TYPE_CHECKING, Final

from bench.process import connect

if TYPE_CHECKING:
    import socket

    from bench.model.target import Target

_H2: Final = "h2"
_WORDS: Final = {
    "WRONG_VERSION_NUMBER": "it answers without TLS",
    "HTTP_REQUEST": "it answers without TLS",
    "RECORD_LAYER_FAILURE": "it answers without TLS",
    "PACKET_LENGTH_TOO_LONG": "it answers without TLS",
    "TLSV1_ALERT_NO_APPLICATION_PROTOCOL": "it has no HTTP/2 to offer (ALPN)",
}
WAITS: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""Nothing can be read or written just now."""


class OtherProtocolError(ConnectionError):
    """A server answers and speaks something else: no waiting changes that."""


def dial(target: Target, timeout_s: float, session: ssl.SSLSession | None = None) -> socket.socket:
    """A connection to a target, behind its TLS handshake where it has TLS.

    Raises:
        OtherProtocolError: no TLS, another certificate than the run's, or no HTTP/2 by ALPN.
        OSError: nobody listens there, or not in time.
    """
    sock = connect(target, timeout_s)
    if not target.tls:
        return sock
    try:
        secured = wrapped(sock, target, session)
    except BaseException:
        sock.close()
        raise
    try:
        secured.settimeout(timeout_s)
        shake(secured, target)
    except BaseException:
        secured.close()
        raise
    return secured


def wrapped(
    sock: socket.socket, target: Target, session: ssl.SSLSession | None = None
) -> ssl.SSLSocket:
    """A connection with TLS over another one, its handshake still to be made (`shake`)."""
    context = _context(target.trust, http2=target.http2)
    return context.wrap_socket(
        sock, server_hostname=target.host, do_handshake_on_connect=False, session=session
    )


def shake(sock: ssl.SSLSocket, target: Target) -> None:
    """Make the handshake, or go on with it where the socket does not wait.

    Raises:
        OtherProtocolError: the server speaks something else.
        OSError: among them those of `WAITS`, after which it is to be called again.
    """
    try:
        sock.do_handshake()
    except WAITS:
        raise
    except ssl.SSLCertVerificationError as error:
        raise OtherProtocolError(
            f"it shows another certificate than {{cert}} ({error.verify_message})"
        ) from None
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError):
        raise ConnectionError("it closed the connection within the TLS handshake") from None
    except ssl.SSLError as error:
        reason = str(error.reason or error)
        raise OtherProtocolError(_WORDS.get(reason, f"no TLS handshake: {reason}")) from None
    if target.http2 and sock.selected_alpn_protocol() != _H2:
        chosen = sock.selected_alpn_protocol() or "HTTP/1.1"
        raise OtherProtocolError(f"asked for h2 by ALPN it falls back to {chosen}")


@functools.lru_cache(maxsize=8)
def _context(trust: str, *, http2: bool) -> ssl.SSLContext:
    """As load tools ask: ALPN names h2 alone, and HTTP/1.1 is asked for without any."""
    made = ssl.create_default_context(cafile=trust)
    if http2:
        made.set_alpn_protocols([_H2])
    return made
