"""TLS handshakes of a trial in which every request makes one: whole or resumed, and how many.

Whether a server takes up sessions again is asked, since no load tool tells what it got.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.errors import VerifyError
from bench.model.http_protocol import WITH_TLS
from bench.model.trial_record import Handshakes
from bench.sampler import handshake_count
from bench.servers.http2 import Http2Talk
from bench.servers.secure import dial
from bench.workload.requests import raw, render

if TYPE_CHECKING:
    import random
    import socket
    import ssl

    from bench.model.plan import LoadProfile, Workload
    from bench.model.target import Target
    from bench.sampler import HandshakeCount

_RESUMED: Final = (
    "it took a TLS session up again although {resume} was false: its handshakes are not whole"
)


_TIMEOUT_S: Final = 2.0
_TRIES: Final = 4
"""A server of several processes may know only the sessions of the one that is asked."""


class HandshakeWatch:
    """Does nothing where connections are kept, or have no TLS."""

    def __init__(self, profile: LoadProfile) -> None:
        self._wanted = profile.protocol in WITH_TLS and not profile.keepalive
        self._may_resume = profile.resume
        self._resumes: bool | None = None
        self._count: HandshakeCount | None = None
        self._counted: tuple[int | None, int | None] = (None, None)

    def check(self, target: Target, workload: Workload, rng: random.Random) -> None:
        """Try whether the server takes sessions up again.

        Raises:
            VerifyError: it does, and must not.
        """
        if self._resumes is None and self._wanted:
            self._resumes = resumes(target, workload, rng)
        if self._resumes and not self._may_resume:
            raise VerifyError(_RESUMED, code="other-protocol")

    def begin(self, target: Target) -> None:
        """The window begins."""
        if self._wanted and target.is_local:
            self._count = handshake_count(target.port, target.space)

    def read(self) -> None:
        """The window goes on."""
        if self._count:
            self._count.read()

    def end(self) -> None:
        """The window has ended; asked again it does nothing."""
        count, self._count = self._count, None
        if count and count.end():
            self._counted = (count.whole, count.resumed)

    def result(self) -> Handshakes | None:
        """What was seen; None where no request made a handshake."""
        self.end()
        if self._resumes is None:
            return None
        whole, resumed = self._counted
        return Handshakes(whole=whole, resumed=resumed, resumes=self._resumes)


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
