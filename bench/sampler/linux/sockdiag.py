"""Asks the Linux kernel over netlink about a port: connections, bytes received (sock_diag)."""

from __future__ import annotations

import socket
import struct
import sys
from typing import Final

_NETLINK_SOCK_DIAG: Final = 4
_BY_FAMILY: Final = 20
_DUMP_REQUEST: Final = 0x301
_DONE: Final = 3
_ERROR: Final = 2
_ESTABLISHED: Final = 1 << 1
_HEADER: Final = struct.Struct("=IHHII")
_BUFFER_BYTES: Final = 1 << 16
_INFO: Final = 2
"""Number of the attribute that holds struct tcp_info."""
_WITH_INFO: Final = 1 << (_INFO - 1)
_MESSAGE_BYTES: Final = 72
_ATTRIBUTE: Final = struct.Struct("=HH")
_BYTES_RECEIVED: Final = (128, struct.Struct("=Q"))
"""Offset of tcpi_bytes_received in struct tcp_info (Linux 4.1 and later), and how to read it."""
_TIMEOUT_S: Final = 0.5


def request(family: int, port: int, *, info: bool = False) -> bytes:
    """The message that asks for established TCP sockets whose local port is `port`.

    Args:
        family: of addresses.
        port: the local one.
        info: ask for the counters of each socket too.
    """
    wanted = _WITH_INFO if info else 0
    body = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, wanted, 0, _ESTABLISHED)
    body += struct.pack("!HH", port, 0).ljust(48, b"\0")
    return _HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, _DUMP_REQUEST, 1, 0) + body


def count_messages(data: bytes) -> tuple[int, bool]:
    """Count the sockets in one datagram, and whether it ends the answer.

    Raises:
        OSError: the kernel refuses.
    """
    sockets, ended = _sockets(data)
    return len(sockets), ended


def received_in(data: bytes) -> tuple[int, bool]:
    """Bytes received by the sockets in one datagram, and whether it ends the answer.

    Raises:
        OSError: the kernel refuses.
    """
    sockets, ended = _sockets(data)
    return sum(_received(data[begin + _MESSAGE_BYTES : end]) for begin, end in sockets), ended


def _sockets(data: bytes) -> tuple[list[tuple[int, int]], bool]:
    """Begin and end of what is said of each socket, and whether the answer ends here."""
    found: list[tuple[int, int]] = []
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, offset)
        if kind == _DONE:
            return found, True
        if kind == _ERROR:
            raise OSError(0, "sock_diag refused")
        found.append((offset + _HEADER.size, offset + length))
        offset += max(_HEADER.size, (length + 3) & ~3)
    return found, False


def _received(attributes: bytes) -> int:
    """Of one socket; 0 where the kernel is too old to tell."""
    at, number = _BYTES_RECEIVED
    offset = 0
    while offset + _ATTRIBUTE.size <= len(attributes):
        length, kind = _ATTRIBUTE.unpack_from(attributes, offset)
        begin = offset + _ATTRIBUTE.size
        if kind == _INFO and length >= _ATTRIBUTE.size + at + number.size:
            return int(number.unpack_from(attributes, begin + at)[0])
        offset += max(_ATTRIBUTE.size, (length + 3) & ~3)
    return 0


def bytes_received(port: int) -> int | None:
    """What the established connections of a port have received since they began.

    Returns:
        None where the kernel does not tell.
    """
    return _over_families(port, info=True)


def count_connections(port: int) -> int | None:
    """Established connections whose local end is `port`, IPv4 and IPv6.

    Returns:
        None where the kernel was built without it or does not allow it.
    """
    return _over_families(port, info=False)


def _over_families(port: int, *, info: bool) -> int | None:
    if sys.platform != "linux":
        return None
    families = (socket.AF_INET, socket.AF_INET6)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as asking:
            asking.settimeout(_TIMEOUT_S)
            return sum(_ask(asking, family, port, info=info) for family in families)
    except (OSError, AttributeError):
        return None


def _ask(asking: socket.socket, family: int, port: int, *, info: bool) -> int:
    asking.send(request(family, port, info=info))
    read = received_in if info else count_messages
    total, done = 0, False
    while not done:
        count, done = read(asking.recv(_BUFFER_BYTES))
        total += count
    return total
