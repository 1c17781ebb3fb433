"""What servers are started with: environment, placeholders, ports."""

from __future__ import annotations

import os
import random
import socket

import pytest

from bench.model.secrets import is_secret
from bench.servers import ports
from bench.servers.environment import base_environment, fill_all, redacted
from bench.servers.ports import choose_port, is_free, listeners, listening_inodes


@pytest.mark.parametrize(
    "name", ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "API_KEY", "MY_CREDENTIALS"]
)
def test_secrets_are_kept_away(name: str) -> None:
    """Secrets of the user do not reach a server, and are hidden in records."""
    assert is_secret(name)
    assert name not in base_environment({name: "x", "PATH": "/bin"})
    assert redacted({name: "x"}) == {name: "***"}


@pytest.mark.parametrize("name", ["KEYBOARD", "TOKIO_WORKER_THREADS", "PATH", "AUTHOR"])
def test_other_names_are_no_secrets(name: str) -> None:
    """Names that only look like secrets are passed on."""
    assert not is_secret(name)


def test_python_variables_are_dropped() -> None:
    """A server must not run in our own Python environment."""
    env = base_environment({"PYTHONPATH": "/x", "VIRTUAL_ENV": "/y", "LANG": "C", "PATH": "/bin"})

    assert set(env) == {"LANG", "PATH"}


def test_placeholders() -> None:
    """Each placeholder is replaced wherever it stands in a word."""
    values = {"port": "80", "cpus": "2"}

    assert fill_all(["a", "--p={port}x{cpus}"], values) == ("a", "--p=80x2")


def test_a_chosen_port_is_free_and_not_ephemeral() -> None:
    """A port is drawn below the ephemeral range and is free."""
    port = choose_port(random.Random(1))

    assert 1024 < port < 49_152
    assert is_free(port)


def test_two_processes_draw_different_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of one seed at the same time do not meet; what is drawn later stays the same."""
    ports_and_next = []
    for process in (101, 102):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        rng = random.Random(5)
        ports_and_next.append((choose_port(rng), rng.random()))
    answers = iter([False, False, True])
    monkeypatch.setattr(ports, "is_free", lambda _: next(answers))
    rng = random.Random(5)
    choose_port(rng)
    (first, after), (second, after_too) = ports_and_next

    assert first != second
    assert after == after_too == rng.random()


def test_a_port_in_use_is_seen() -> None:
    """A port with a listener is not free, and its listener is known."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert not is_free(port)
        assert listeners(port, [os.getpid()]) == ({os.getpid()}, False)
        assert listeners(port, []) == (set(), True)


def test_listening_inodes() -> None:
    """Only sockets in state LISTEN on the port count, of IPv4 and IPv6."""
    head = "  sl  local_address rem_address st tx rx tr tm retr uid timeout inode\n"
    row = "   0: {} 00000000:0000 {} 00000000:00000000 00:00000000 00000000 0 0 {} 1\n"
    table = head + row.format("0100007F:1F90", "0A", 11) + row.format("0100007F:1F90", "01", 12)
    table6 = head + row.format("0" * 32 + ":1F90", "0A", 13) + row.format("0:1F91", "0A", 14)

    assert listening_inodes(8080, [table, table6]) == {"11", "13"}
