"""Whether a server takes up TLS sessions again: asked, since no load tool tells what it got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.servers.http2 import Http2Talk
from bench.servers.secure import dial
from bench.workload.requests import raw, render

if TYPE_CHECKING:
    import random
    import socket
    import ssl

    from bench.model.plan import Workload
    from bench.model.target import Target

_TIMEOUT_S: Final = 2.0
_TRIES: Final = 4
"""A server of several processes may know only the sessions of the one that is asked."""


def resumes(target: Target, workload: Workload, rng: random.Random) -> bool:
    """Ask over a few connections, each of which offers the session of the one before."""
    session: ssl.SSLSession | None = None
    for _ in range(_TRIES):
        try:
            with dial(target, _TIMEOUT_S, session) as sock:
                if getattr(sock, "session_reused", False):
                    return True
                _ask(sock, target, workload, rng)
                session = getattr(sock, "session", None)
        except OSError:
            continue
    return False


def _ask(sock: socket.socket, target: Target, workload: Workload, rng: random.Random) -> None:
    """Send a request and wait for what comes first: in TLS 1.3 sessions come with the answer."""
    request = render(workload, 0, rng)
    if target.http2:
        asked = request.method, request.path, request.headers, request.body
        sock.sendall(Http2Talk(target).ask(*asked))
    else:
        sock.sendall(raw(request, target.authority))
    sock.recv(65536)
