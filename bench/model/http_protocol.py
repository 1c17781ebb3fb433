"""What a load speaks with a server: HTTP/1.1 or HTTP/2, with or without TLS."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

HttpProtocol = Literal["http", "https", "h2", "h2c"]

PROTOCOL_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "http": "HTTP/1.1",
        "https": "HTTP/1.1 over TLS",
        "h2": "HTTP/2 over TLS",
        "h2c": "HTTP/2 without TLS",
    }
)
"""What each is called in a report."""

WITH_TLS: Final = frozenset({"https", "h2"})
IN_HTTP2: Final = frozenset({"h2", "h2c"})
