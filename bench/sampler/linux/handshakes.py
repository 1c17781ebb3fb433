"""Counts the TLS handshakes of a server as they pass by: whole ones, and sessions taken up again.

A ServerHello is not encrypted, and says which of the two it begins. It is read from the loopback
interface, whatever server and load tool there are; Linux as root only, elsewhere it is not known.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from typing import TYPE_CHECKING, Final

from bench.process import socket_in

if TYPE_CHECKING:
    from collections.abc import Iterable

_ETH_IP: Final = 0x0800
_ATTACH_FILTER: Final = 26
_RECEIVE_BUFFER: Final = 33  # SO_RCVBUFFORCE
_BUFFER: Final = 64_000_000
_SOL_PACKET: Final = 263
_STATISTICS: Final = 6
_CUT: Final = 4096
_HELLO_AND_LEAST: Final = 44
_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""What stands in place of random bytes where a server asks for another hello: no answer yet."""
_TLS13: Final = 43
_PSK: Final = 41
_CERTIFICATE: Final = 11


class HandshakeCount:
    """A socket that hears every ServerHello from one port; read now and then, closed at the end.

    Attributes:
        whole: handshakes in which the server showed its certificate.
        resumed: those in which it took an earlier session up again.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.whole = self.resumed = 0
        self._sock = sock

    def read(self) -> None:
        """Take in what has passed since; waits for nothing."""
        with contextlib.suppress(BlockingIOError):
            while True:
                resumed = takes_up(_payload(self._sock.recv(_CUT)))
                if resumed is not None:
                    self.whole += not resumed
                    self.resumed += resumed

    def end(self) -> bool:
        """Read the last and close; whether none was missed."""
        try:
            self.read()
            seen = self._sock.getsockopt(_SOL_PACKET, _STATISTICS, 8)
            return not struct.unpack("II", seen)[1]
        except OSError:
            return False
        finally:
            self._sock.close()


def count_handshakes(port: int, space: int) -> HandshakeCount | None:
    """Begin to count; None where this user cannot.

    Args:
        port: of the server, on 127.0.0.1.
        space: of its network namespace, 0 = the machine's network.
    """
    if sys.platform != "linux":  # what follows is Linux's alone
        return None
    kind = (socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_IP))
    try:
        sock = socket_in(space, *kind) if space else socket.socket(*kind)
    except OSError:
        return None
    try:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _RECEIVE_BUFFER, _BUFFER)
        program = _program(_hellos_from(port))
        sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program[1])
        sock.setblocking(False)  # noqa: FBT003 - the name of the method says it
        count = HandshakeCount(sock)
        _forget(sock)
    except OSError:
        sock.close()
        return None
    return count


def _forget(sock: socket.socket) -> None:
    """Drop what came before the filter was there, and its statistics."""
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.recv(1)
    sock.getsockopt(_SOL_PACKET, _STATISTICS, 8)


def _hellos_from(port: int) -> Iterable[tuple[int, int, int, int]]:
    """A filter for segments from a port that begin with a ServerHello, seen as they arrive.

    Each line: code, jump if true, jump if false, operand; the last line drops a packet.
    """
    return (
        (0x20, 0, 0, 0xFFFFF004),  # the kind of packet ...
        (0x15, 0, 16, 0),  # ... one that arrives: over loopback each is seen leaving, too
        (0x30, 0, 0, 9),
        (0x15, 0, 14, socket.IPPROTO_TCP),
        (0x28, 0, 0, 6),
        (0x45, 12, 0, 0x1FFF),  # a later fragment
        (0xB1, 0, 0, 0),  # X = length of the IP header
        (0x48, 0, 0, 0),
        (0x15, 0, 9, port),
        (0x50, 0, 0, 12),
        (0x54, 0, 0, 0xF0),
        (0x74, 0, 0, 2),  # length of the TCP header
        (0x0C, 0, 0, 0),
        (0x07, 0, 0, 0),  # X = begin of the payload
        (0x50, 0, 0, 0),
        (0x15, 0, 2, 0x16),  # a handshake record ...
        (0x50, 0, 0, 5),
        (0x15, 1, 0, 2),  # ... with a ServerHello
        (0x06, 0, 0, 0),
        (0x06, 0, 0, _CUT),
    )


def _program(lines: Iterable[tuple[int, int, int, int]]) -> tuple[object, bytes]:
    """A filter as the kernel wants it, and the memory that it points to."""
    import ctypes  # noqa: PLC0415 - late: needed by few

    packed = b"".join(struct.pack("=HBBI", *line) for line in lines)
    memory = ctypes.create_string_buffer(packed)
    return memory, struct.pack("HL", len(packed) // 8, ctypes.addressof(memory))


def _payload(packet: bytes) -> bytes:
    """What TCP carries in an IP packet."""
    ip = (packet[0] & 0x0F) * 4 if packet else 0
    if len(packet) < ip + 13:
        return b""
    return packet[ip + (packet[ip + 12] >> 4) * 4 :]


def takes_up(flight: bytes) -> bool | None:
    """Whether the first flight of a server takes a session up again; None = it cannot be seen.

    In TLS 1.3 the hello then names a pre-shared key; before that no certificate follows it.
    """
    begins = flight[:1] == b"\x16" and flight[5:6] == b"\x02"
    if not begins or len(flight) < _HELLO_AND_LEAST or flight[11:43] == _RETRY:
        return None
    end = 9 + int.from_bytes(flight[6:9])
    at = 43 + 1 + flight[43] + 3 + 2
    kinds = set()
    while at + 4 <= min(end, len(flight)):
        kind, length = struct.unpack_from(">HH", flight, at)
        kinds.add(kind)
        at += 4 + length
    if _TLS13 in kinds:
        return _PSK in kinds
    record_end = 5 + int.from_bytes(flight[3:5])
    after = end if end < record_end else record_end + 5
    if len(flight) <= after:
        return None
    return flight[after] != _CERTIFICATE or (end >= record_end and flight[record_end] != 0x16)  # noqa: PLR2004 - a handshake record
