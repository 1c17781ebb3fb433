"""Connections are counted by asking the kernel, and only the server's ends of them."""

from __future__ import annotations

import socket
import struct
import sys

import pytest

from bench.sampler.linux import sockdiag


def message(kind: int, length: int = 20) -> bytes:
    return struct.pack("=IHHII", length, kind, 2, 1, 0).ljust((length + 3) & ~3, b"\0")


def test_messages_are_counted_up_to_the_end() -> None:
    """Each socket is one message, padded to 4 bytes; the last says that it is the last."""
    data = message(20, 88) + message(20, 90) + message(3)

    assert sockdiag.count_messages(data) == (2, True)
    assert sockdiag.count_messages(message(20, 88)) == (1, False)


def test_a_refusal_is_an_error() -> None:
    """What the kernel refuses is not taken for no connection."""
    with pytest.raises(OSError, match="refused"):
        sockdiag.count_messages(message(2, 36))


def test_a_broken_length_ends() -> None:
    """A length of 0 does not keep the loop going for ever."""
    assert sockdiag.count_messages(message(20, 0) + message(3)) == (1, True)


def test_the_request_names_family_state_and_port() -> None:
    """72 bytes: header, family, protocol, states, port in network order."""
    data = sockdiag.request(socket.AF_INET, 0x1234)

    assert len(data) == 72
    assert struct.unpack_from("=I", data)[0] == 72
    assert data[16:18] == bytes([socket.AF_INET, socket.IPPROTO_TCP])
    assert struct.unpack_from("=I", data, 20)[0] == 2
    assert data[24:26] == b"\x12\x34"


@pytest.mark.real
@pytest.mark.skipif(sys.platform != "linux", reason="netlink")
def test_open_connections_are_seen() -> None:
    """Three connections to a listener are three, whatever else the machine has open."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if sockdiag.count_connections(port) is None:
            pytest.skip("this kernel does not answer sock_diag")
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        servers = [listener.accept()[0] for _ in clients]
        count = sockdiag.count_connections(port)
        for one in (*clients, *servers):
            one.close()

    assert count == 3


def test_a_system_without_netlink_says_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS has no such socket."""
    monkeypatch.delattr(socket, "AF_NETLINK", raising=False)

    assert sockdiag.count_connections(1) is None
