"""Asks the Linux kernel over netlink how many connections a port has (sock_diag)."""

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
_TIMEOUT_S: Final = 0.5


def request(family: int, port: int) -> bytes:
    """The message that asks for established TCP sockets whose local port is `port`."""
    body = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, _ESTABLISHED)
    body += struct.pack("!HH", port, 0).ljust(48, b"\0")
    return _HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, _DUMP_REQUEST, 1, 0) + body


def count_messages(data: bytes) -> tuple[int, bool]:
    """Count the sockets in one datagram, and whether it ends the answer.

    Raises:
        OSError: the kernel refuses.
    """
    count = offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, offset)
        if kind == _DONE:
            return count, True
        if kind == _ERROR:
            raise OSError(0, "sock_diag refused")
        count += 1
        offset += max(_HEADER.size, (length + 3) & ~3)
    return count, False


def count_connections(port: int) -> int | None:
    """Established connections whose local end is `port`, IPv4 and IPv6.

    Returns:
        None where the kernel was built without it or does not allow it.
    """
    if sys.platform != "linux":
        return None
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as asking:
            asking.settimeout(_TIMEOUT_S)
            return sum(_ask(asking, family, port) for family in (socket.AF_INET, socket.AF_INET6))
    except (OSError, AttributeError):
        return None


def _ask(asking: socket.socket, family: int, port: int) -> int:
    asking.send(request(family, port))
    total, done = 0, False
    while not done:
        count, done = count_messages(asking.recv(_BUFFER_BYTES))
        total += count
    return total
