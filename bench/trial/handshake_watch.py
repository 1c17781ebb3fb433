"""TLS handshakes of a trial in which every request makes one: whole or resumed, and how many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.errors import VerifyError
from bench.model.http_protocol import WITH_TLS
from bench.model.trial_record import Handshakes
from bench.sampler import handshake_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model.plan import LoadProfile
    from bench.model.target import Target
    from bench.sampler import HandshakeCount

_RESUMED: Final = (
    "it took a TLS session up again although {resume} was false: its handshakes are not whole"
)


class HandshakeWatch:
    """Does nothing where connections are kept, or have no TLS.

    Args:
        profile: of the load.
    """

    def __init__(self, profile: LoadProfile) -> None:
        self._wanted = profile.protocol in WITH_TLS and not profile.keepalive
        self._may_resume = profile.resume
        self._resumes: bool | None = None
        self._count: HandshakeCount | None = None
        self._counted: tuple[int | None, int | None] = (None, None)

    def check(self, resumes: Callable[[], bool]) -> None:
        """Try whether the server takes sessions up again.

        Args:
            resumes: tries it from where the load comes from.

        Raises:
            VerifyError: it does, and must not.
        """
        if self._resumes is None and self._wanted:
            self._resumes = resumes()
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
