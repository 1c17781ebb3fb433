"""One connection that asks a server beside its load, and waits for nothing."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from typing import TYPE_CHECKING, Final

from bench.process import connect
from bench.servers.http2 import Http2Talk
from bench.servers.secure import WAITS, shake, wrapped
from bench.trial.framing import framed, framed_by_http2

if TYPE_CHECKING:
    from bench.model.target import Target
    from bench.trial.framing import Framed
    from bench.trial.questions import Question

_RECV: Final = 262_144
LATE_S: Final = 1.0
"""A saturated server may be slow: what comes later does not count, and is not an error."""


class Line:
    """One connection, with at most one question under way.

    Attributes:
        life: how many questions it carries before another takes its place.
        served: questions that it carried.
    """

    def __init__(self, target: Target, life: int) -> None:
        self.life = life
        self.served = 0
        self.question: Question | None = None
        self.sent_at = 0.0
        self.closed = False
        self._target = target
        self._unsent = memoryview(b"")
        self._data = b""
        self._talk = Http2Talk(target) if target.http2 else None
        self._shaking = target.tls
        self.sock = connect(target, LATE_S)
        try:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock.setblocking(False)  # noqa: FBT003 - the name of the method says it
            if target.tls:
                self.sock = wrapped(self.sock, target)
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """For a selector."""
        return self.sock.fileno()

    def send(self, question: Question) -> None:
        """Begin to ask."""
        self.question = question
        self.served += 1
        self.sent_at = time.monotonic()
        self._data = b""
        if self._talk is None:
            self._unsent = memoryview(question.sent)
        else:
            asked = question.request
            self._add(self._talk.ask(asked.method, asked.path, asked.headers, asked.body))
        self.push()

    @property
    def sent(self) -> bool:
        """Whether the kernel has taken all of the question; a large one goes in pieces.

        Within a TLS handshake nothing of it can be sent before something was received.
        """
        return self._shaking or not self._unsent

    def _add(self, data: bytes) -> None:
        self._unsent = memoryview(bytes(self._unsent) + data)

    def push(self) -> None:
        """Send what fits in, the TLS handshake first."""
        with contextlib.suppress(*WAITS):
            if self._shaking and isinstance(self.sock, ssl.SSLSocket):
                shake(self.sock, self._target)
                self._shaking = False
            while self._unsent:
                self._unsent = self._unsent[self.sock.send(self._unsent) :]

    def heard(self) -> Framed | None:
        """The answer, where all of it has come.

        Raises:
            OSError: the connection broke.
            ValueError: what came is not HTTP.
        """
        assert self.question is not None  # noqa: S101 - only lines that carry one are read
        self.push()
        data, ended = self._received()
        if self._talk is not None:
            return self._heard_by_http2(self._talk, data, ended=ended)
        self._data += data
        if ended and not self._data:
            raise ConnectionError("closed without an answer")
        return framed(self._data, self.question.request.method, ended=ended)

    def _heard_by_http2(self, talk: Http2Talk, data: bytes, *, ended: bool) -> Framed | None:
        if data:
            self._add(talk.hear(data))
            self.push()
        given = talk.answer()
        if given is None and ended:
            raise ConnectionError("closed without an answer")
        return framed_by_http2(given) if given else None

    def _received(self) -> tuple[bytes, bool]:
        """All that has come, and whether that was the last."""
        parts: list[bytes] = []
        if self._shaking:
            return b"", False
        with contextlib.suppress(*WAITS):
            while data := self.sock.recv(_RECV):
                parts.append(data)
                # TLS gives one record at a time, and a selector knows of no other that has come.
                if len(data) < _RECV and not self._target.tls:
                    break
            else:
                return b"".join(parts), True
        return b"".join(parts), False

    def stays(self) -> bool:
        """Something came while nothing was asked: whether the connection can still be used.

        TLS has tickets and HTTP/2 has settings that come when the server likes.
        """
        if not self._target.tls and self._talk is None:
            return False
        try:
            data, ended = self._received()
            if data and self._talk is not None:
                self._add(self._talk.hear(data))
                self.push()
        except (OSError, ValueError):
            return False
        return not ended and not (data and self._talk is None)

    def close(self) -> None:
        """Hang up."""
        self.closed = True
        self.sock.close()
