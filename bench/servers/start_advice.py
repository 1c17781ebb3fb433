"""What is said of a server that does not get ready, and what else it may speak."""

from __future__ import annotations

import contextlib
import signal
import ssl
from typing import TYPE_CHECKING, Final

from bench.errors import StartError
from bench.process import connect

if TYPE_CHECKING:
    from bench.model.plan import Arm
    from bench.model.target import Target

ADVICE_BUILD: Final = "is it built (`bench build`), and does its `run` command work by hand?"
ADVICE_FOREGROUND: Final = (
    "exit code 0 before it was ready: either it went into the background (keep it in the "
    "foreground; nginx: `daemon off;`), or its command defines a server and starts none"
)
ADVICE_PLAIN: Final = (
    "plain HTTP/1.1 is what it was asked by: start it without a certificate, or with HTTP/1.1 "
    "beside HTTP/2; or name what it speaks in its `protocols`"
)
ADVICE_PROTOCOL: Final = (
    "pass {protocol}, {cert} and {key} to it in `run` or `env`, or take the protocol out of "
    "`protocols` in its server.yaml"
)
ADVICE_SPACE: Final = (
    "; it has a network namespace of its own (`port`): no other program of this machine, such as "
    "a database, can be reached from it"
)
_READY: Final = "check `ready`, `run` and how the port is passed in its server.yaml"
_NAME: Final = "; one that answers only to a name of its own: `ready_headers: {host: NAME}`"
_LEADS: Final = "; `ready` is to be a path that answers 2xx itself: the one to which this leads"
_ASK_S: Final = 1.0
_HTTP2: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
_SETTINGS: Final = b"\x04"


def advice_for(status: int) -> str:
    """What to do about a server whose `ready` path answered with that last; 0 = not at all."""
    if status >= 400:  # noqa: PLR2004 - 4xx, 5xx
        return _READY + _NAME
    return _READY + (_LEADS if status >= 300 else "")  # noqa: PLR2004 - 3xx


def other_protocol(target: Target) -> str:
    """What a server speaks in place of plain HTTP/1.1, in words; "" = neither TLS nor HTTP/2."""
    if _speaks_tls(target):
        return "it speaks TLS (https)"
    return "it speaks HTTP/2 only" if _speaks_http2(target) else ""


def _speaks_tls(target: Target) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        contextlib.suppress(OSError),
        connect(target, _ASK_S) as sock,
        context.wrap_socket(sock, server_hostname="localhost") as secure,
    ):
        return secure.version() is not None
    return False


def _speaks_http2(target: Target) -> bool:
    """Whether a preface of HTTP/2 is answered with a frame of settings."""
    with contextlib.suppress(OSError), connect(target, _ASK_S) as sock:
        sock.sendall(_HTTP2)
        return sock.recv(9)[3:4] == _SETTINGS
    return False


def signal_name(number: int) -> str:
    """Its name; the number where the system has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def not_ready(arm: Arm, target: Target, seen: str, advice: str) -> StartError:
    """What to raise when its time is over."""
    did, _, tail = seen.partition("\n")
    plain = target.protocol == "http"
    speaks = other_protocol(target) if plain else ""
    more = (ADVICE_SPACE if target.space else "") + ("" if plain else f"; {ADVICE_PROTOCOL}")
    return StartError(
        f"{arm.name} was not ready after {arm.config.ready_timeout:g} s: "
        f"GET {arm.config.ready} {did}{speaks and f'; {speaks}'}\n{tail}",
        code="server-not-ready",
        advice=ADVICE_PLAIN if speaks else f"{advice}{more}",
    )
