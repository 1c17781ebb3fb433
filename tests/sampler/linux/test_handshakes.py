"""The first flight of a server tells whether it takes a TLS session up again."""

from __future__ import annotations

import ssl

import pytest
import trustme

from bench.sampler.linux.handshakes import takes_up

NAME = "127.0.0.1"
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class Pair:
    """A client and a server that talk in memory.

    Args:
        version: of TLS.
        curve: by name, of the server: one that the client did not guess makes it ask again.
    """

    def __init__(self, version: ssl.TLSVersion, *, curve: str = "") -> None:
        authority = trustme.CA()
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(NAME).configure_cert(self.server)
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(self.client)
        self.client.maximum_version = self.client.minimum_version = version
        if curve:
            self.server.set_ecdh_curve(curve)
        self.flights: list[bytes] = []

    def shake(self, session: ssl.SSLSession | None = None) -> ssl.SSLObject:
        """Make a handshake and read one byte, so that the session has come; keeps flights."""
        bio = [ssl.MemoryBIO() for _ in range(4)]
        client = self.client.wrap_bio(bio[0], bio[1], server_hostname=NAME, session=session)
        server = self.server.wrap_bio(bio[2], bio[3], server_side=True)
        self.flights = []
        for _ in range(4):
            _step(client)
            bio[2].write(bio[1].read())
            _step(server)
            flight = bio[3].read()
            self.flights += [flight] if flight else []
            bio[0].write(flight)
        server.write(b"x")
        bio[0].write(bio[3].read())
        assert client.read(1) == b"x"
        return client


def _step(side: ssl.SSLObject) -> None:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_whole_and_resumed(version: ssl.TLSVersion) -> None:
    """As OpenSSL itself says afterwards."""
    pair = Pair(version)
    first = pair.shake()
    whole = takes_up(pair.flights[0])
    second = pair.shake(first.session)

    assert (whole, first.session_reused) == (False, False)
    assert (takes_up(pair.flights[0]), second.session_reused) == (True, True)


def test_a_server_that_asks_for_another_hello_has_not_answered() -> None:
    """HelloRetryRequest looks like a ServerHello; the one that counts comes after it."""
    pair = Pair(ssl.TLSVersion.TLSv1_3, curve="secp521r1")
    pair.shake()

    assert [takes_up(flight) for flight in pair.flights[:2]] == [None, False]


@pytest.mark.parametrize("flight", [b"", b"\x16\x03\x03", b"\x16" * 60, bytes(5000)])
def test_what_is_no_hello_is_not_counted(flight: bytes) -> None:
    """Cut off or nonsense: no exception, and no handshake that resumed."""
    assert takes_up(flight) in (None, False)
