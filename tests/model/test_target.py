"""An address is read once, and everything that asks a server goes there."""

from __future__ import annotations

import pytest

from bench.model.target import Target


@pytest.mark.parametrize(
    ("url", "authority", "local"),
    [
        ("http://127.0.0.1:3000", "127.0.0.1:3000", True),
        ("http://127.0.0.2", "127.0.0.2:80", True),
        ("http://[::1]:3000/path", "[::1]:3000", True),
        ("http://[0:0:0:0:0:0:0:1]:3000", "[::1]:3000", True),
        ("http://[::ffff:127.0.0.2]:3000", "127.0.0.2:3000", True),
        ("http://LOCALHOST:3000", "127.0.0.1:3000", True),
        ("http://0.0.0.0:3000", "127.0.0.1:3000", True),
        ("http://[::]:3000", "[::1]:3000", True),
        ("http://192.0.2.1:3000", "192.0.2.1:3000", False),
        ("http://[2001:db8::1]:3000", "[2001:db8::1]:3000", False),
        ("http://db.example", "db.example:80", False),
        ("http://127.0.0.1.example", "127.0.0.1.example:80", False),
    ],
)
def test_addresses(url: str, authority: str, local: bool) -> None:  # noqa: FBT001 - of a table
    """The host that was named, spelled in one way, and whether it is on the loopback."""
    target = Target.of_url(url)

    assert target.authority == authority
    assert target.is_local is local


@pytest.mark.parametrize("url", ["", "http://", "http://a:0", "http://a:70000", "http://[::1"])
def test_no_addresses(url: str) -> None:
    """Port 0 and no host are nothing that can be asked."""
    with pytest.raises(ValueError, match=r"."):
        Target.of_url(url)
