"""Servers that cannot be told their port: namespaces, and where one listens instead."""

from __future__ import annotations

import random
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import StartError
from bench.model.plan import Arm, CpuSplit, Pinning
from bench.model.server_config import ServerConfig
from bench.model.target import Target
from bench.process import SupervisorClient, connect, spaces_allowed
from bench.servers import RunningServer, readiness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CPUS = CpuSplit(
    server=(0,),
    load=(0,),
    housekeeping=(0,),
    server_count=1,
    load_count=1,
    pinning=Pinning(state="none", reason="test"),
)
_FIXED = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "1")
        self.end_headers()
        self.wfile.write(sys.argv[2].encode())

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def supervisor() -> Iterator[SupervisorClient]:
    """One for the test."""
    with SupervisorClient() as made:
        yield made


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def server(supervisor: SupervisorClient, folder: Path, *words: str, **keys: Any) -> RunningServer:
    """A server of that code, not yet entered."""
    run = [sys.executable, "-c", _FIXED, *words]
    config = ServerConfig.model_validate({"title": "S", "run": run, **keys})
    arm = Arm(name="s", server="s", folder=str(folder), config=config)
    return RunningServer(arm, _CPUS, supervisor, random.Random(), folder / f"log-{words[1]}")


def body(running: RunningServer) -> bytes:
    """What the server answers."""
    with connect(running.target, 2.0) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        return b"".join(iter(lambda: sock.recv(4096), b"")).rpartition(b"\r\n\r\n")[2]


@pytest.mark.skipif(not spaces_allowed(), reason="needs network namespaces")
def test_two_servers_of_one_port(supervisor: SupervisorClient, tmp_path: Path, taken: int) -> None:
    """Each has the port to itself, although a third program listens there."""
    first = server(supervisor, tmp_path, str(taken), "a", port=taken)
    second = server(supervisor, tmp_path, str(taken), "b", port=taken)
    with first, second:
        assert (body(first), body(second)) == (b"a", b"b")
        assert first.port == second.port == taken
        first.check_listener()
        second.check_listener()


def test_without_namespaces(
    supervisor: SupervisorClient, tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that another program has is told at once."""
    monkeypatch.setattr("bench.servers.running.spaces_allowed", lambda: False)
    with pytest.raises(StartError, match=f"needs port {taken}") as error:
        server(supervisor, tmp_path, str(taken), "a", port=taken).__enter__()
    assert error.value.code == "port-busy"


def test_another_port_is_named(supervisor: SupervisorClient, tmp_path: Path) -> None:
    """Who answers elsewhere is told so long before the time to get ready is over."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        other = str(listener.getsockname()[1])
    env = {"UNUSED": "{port}"}
    started = server(supervisor, tmp_path, other, "a", env=env, ready_timeout="10m")
    with pytest.raises(StartError, match=f"listens on {other}, not on") as error:
        started.__enter__()
    assert f"port: {other}" in (error.value.advice or "")


@pytest.mark.parametrize(("busy", "at"), [(0.0, 3.0), (0.5, 8.0)])
def test_a_port_that_answers_otherwise(
    monkeypatch: pytest.MonkeyPatch, busy: float, at: float
) -> None:
    """One of figures or probes may be open long before the server's own: while it is at work, it
    may still start."""
    clock = {"now": 100.0}
    config = ServerConfig.model_validate({"title": "S", "run": ["s", "{port}"]})
    looking = readiness.Elsewhere(Arm(name="s", server="s", folder="/", config=config))
    monkeypatch.setattr("bench.servers.readiness.time.monotonic", lambda: clock["now"])
    monkeypatch.setattr("bench.servers.readiness.ports_of", lambda *_: [9090])
    monkeypatch.setattr("bench.servers.readiness.ask_status", lambda *_, **__: 404)
    monkeypatch.setattr(
        "bench.servers.readiness.cpu_seconds", lambda _: 1.0 + busy * (clock["now"] - 100)
    )
    while not looking.certain:
        said = looking.look(Target("127.0.0.1", 3000), lambda: [1], last=False)
        clock["now"] += 0.05

    assert (said, looking.port) == ("9090", 9090)
    assert at - 0.6 < clock["now"] - 100 < at + 0.6
