"""Takes a body out of its content coding: gzip, deflate, br, zstd, or several of them."""

from __future__ import annotations

import gzip
import sys
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_RAW: Final = -15


def unpacked(coding: str, body: bytes) -> bytes | None:
    """The body as it was before it was packed; None where that cannot be undone.

    Args:
        coding: as the header Content-Encoding has it; "" = not packed.
        body: as received.
    """
    names = [name.strip() for name in coding.lower().split(",")]
    for name in reversed(names):
        if not body or name in ("", "identity"):
            continue
        unpack = _UNPACKERS.get(name)
        found = unpack(body) if unpack else None
        if found is None:
            return None
        body = found
    return body


def _gzip(body: bytes) -> bytes | None:
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return None


def _deflate(body: bytes) -> bytes | None:
    """With the header of zlib, as it should be, or without it, as some servers send it."""
    for form in (zlib.MAX_WBITS, _RAW):
        try:
            return zlib.decompress(body, wbits=form)
        except zlib.error:
            continue
    return None


def _br(body: bytes) -> bytes | None:
    import brotli  # noqa: PLC0415 - late: few servers are asked for it

    try:
        found: bytes = brotli.decompress(body)
    except brotli.error:
        return None
    return found


def _zstd(body: bytes) -> bytes | None:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - late: few servers are asked for it
    else:
        from backports import zstd  # noqa: PLC0415 - the same, for an older Python

    try:
        return zstd.decompress(body)
    except zstd.ZstdError:
        return None


_UNPACKERS: Final[dict[str, Callable[[bytes], bytes | None]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _br,
    "zstd": _zstd,
}
