"""Where a server is asked: the one value that says so, from the plan to the load tool."""

from __future__ import annotations

import ipaddress
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from bench.model.http_protocol import IN_HTTP2, WITH_TLS, HttpProtocol

LOOPBACK: Final = "127.0.0.1"
LOOPBACK_6: Final = "::1"
_HTTP_PORT: Final = 80
_THIS_MACHINE: Final = {"localhost": LOOPBACK, "0.0.0.0": LOOPBACK, "::": LOOPBACK_6}  # noqa: S104 - nothing is bound


class Target(NamedTuple):
    """A **target**: a running server, as host and port at which it is asked, and what it speaks.

    Attributes:
        host: a name or an address, an IPv6 one without brackets.
        trust: file of the authority that signed its certificate, "" without TLS.
    """

    host: str
    port: int
    protocol: HttpProtocol = "http"
    trust: str = ""

    @classmethod
    def of_url(cls, url: str) -> Target:
        """Read an address such as `http://[::1]:3000`.

        What servers print when they listen on every address (`0.0.0.0`, `[::]`) cannot
        be asked: their loopback address takes its place, as it does for `localhost`.

        Raises:
            ValueError: no host, a port beyond 65535, a bracket that is not closed.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not host or parts.port == 0:
            raise ValueError(f"no server can be asked at {url!r}")
        return cls(_plain(host), parts.port or _HTTP_PORT)

    @property
    def authority(self) -> str:
        """`host:port`, as in a URL and in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def tls(self) -> bool:
        """Whether what is sent there is encrypted."""
        return self.protocol in WITH_TLS

    @property
    def http2(self) -> bool:
        """Whether it is HTTP/2."""
        return self.protocol in IN_HTTP2

    @property
    def scheme(self) -> str:
        """As a URL begins: `http` or `https`."""
        return "https" if self.tls else "http"

    @property
    def origin(self) -> str:
        """`https://127.0.0.1:3000`, what stands before the path in a URL."""
        return f"{self.scheme}://{self.authority}"

    @property
    def space(self) -> int:
        """Process that holds the network namespace of the server; 0 = the machine's network."""
        return 0

    @property
    def on_ipv6(self) -> Target:
        """The same port of the loopback address of IPv6."""
        return Target(LOOPBACK_6, self.port, self.protocol, self.trust)

    @property
    def is_local(self) -> bool:
        """Whether what is sent there stays on this machine's loopback."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


class InnerTarget(Target):
    """A server in a network namespace of its own, where no other program has its port."""

    _space: int

    @classmethod
    def at(
        cls,
        port: int,
        space: int,
        host: str = LOOPBACK,
        *,
        protocol: HttpProtocol = "http",
        trust: str = "",
    ) -> InnerTarget:
        """The loopback inside the namespace that a process holds."""
        made = cls(host, port, protocol, trust)
        made._space = space
        return made

    @property
    def on_ipv6(self) -> InnerTarget:
        """The same port of the namespace's loopback address of IPv6."""
        return InnerTarget.at(
            self.port, self._space, LOOPBACK_6, protocol=self.protocol, trust=self.trust
        )

    @property
    def space(self) -> int:
        """Process that holds the namespace."""
        return self._space


def _plain(host: str) -> str:
    """One spelling of each address; a name is kept."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _THIS_MACHINE.get(host, host)
    mapped = getattr(address, "ipv4_mapped", None)
    text = str(mapped or address)
    return _THIS_MACHINE.get(text, text)
