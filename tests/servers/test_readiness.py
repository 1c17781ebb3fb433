"""When a server counts as ready, and what is said of one that does not get there."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import StartError
from bench.model.plan import Arm, CpuSplit, Pinning
from bench.model.server_config import ServerConfig
from bench.model.target import Target
from bench.process import SupervisorClient
from bench.servers import RunningServer
from bench.servers.running import ask_status
from bench.servers.server_log import last_words
from bench.servers.start_advice import advice_for, other_protocol
from tests.trial.test_verify import serving

if TYPE_CHECKING:
    from pathlib import Path

_CPUS = CpuSplit(
    server=(0,),
    load=(0,),
    housekeeping=(0,),
    server_count=1,
    load_count=1,
    pinning=Pinning(state="none", reason="test"),
)
_NAMED = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.headers["host"] == "api.example.org" else 421)
        self.send_header("content-length", "0")
        self.end_headers()

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
_BACKGROUND = """
import os, socket, sys, time
os.fork() and os._exit(0)
os.setsid()
os.fork() and os._exit(0)
time.sleep(0.3)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(10)
"""

_IPV6 = """
import socket, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

class Six(HTTPServer):
    address_family = socket.AF_INET6

Six(("::1", int(sys.argv[1])), Handler).serve_forever()
"""
_TLS = """
import ssl, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

server = HTTPServer(("127.0.0.1", int(sys.argv[1])), BaseHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
_CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
    "-subj /CN=localhost -keyout cert.pem -out crt.pem"
)


def started(folder: Path, code: str, **keys: Any) -> RunningServer:
    """A server of that Python code, not yet entered."""
    run = [sys.executable, "-c", code, "{port}"]
    config = ServerConfig.model_validate({"title": "S", "run": run, "ready_timeout": "3s", **keys})
    arm = Arm(name="s", server="s", folder=str(folder), config=config)
    return RunningServer(arm, _CPUS, SUPERVISORS[-1], random.Random(), folder / "log")


SUPERVISORS: list[SupervisorClient] = []


@pytest.fixture(autouse=True)
def supervisor() -> Any:
    """One supervisor for the test."""
    with SupervisorClient() as made:
        SUPERVISORS.append(made)
        yield
        SUPERVISORS.pop()


@pytest.mark.parametrize("hints", [1, 3])
def test_an_interim_answer_is_none(hints: int) -> None:
    """103 comes before the answer; the answer is what counts."""
    head = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n" * hints
    with serving(lambda _: head + b"HTTP/1.1 204 No Content\r\n\r\n") as target:
        assert ask_status(Target(*target), "/") == 204
    with serving(lambda _: head) as target:
        assert ask_status(Target(*target), "/") == 0


def test_a_server_that_answers_to_a_name(tmp_path: Path) -> None:
    """`ready_headers` are sent; without them the message names the key."""
    with started(tmp_path, _NAMED, ready_headers={"host": "api.example.org"}) as server:
        assert server.ready_s > 0
        assert server.answered(1.0)

    with pytest.raises(StartError, match="last answered 421") as error:
        started(tmp_path, _NAMED, ready_timeout="700ms").__enter__()
    assert "ready_headers: {host: NAME}" in (error.value.advice or "")


def test_a_program_that_goes_into_the_background(tmp_path: Path) -> None:
    """Exit code 0 before it is ready is no failed build; nothing of it is left."""
    server = started(tmp_path, _BACKGROUND)
    with pytest.raises(StartError, match="exit code 0") as error:
        server.__enter__()

    assert "background" in (error.value.advice or "")
    assert "daemon off" in (error.value.advice or "")
    assert "is it built" not in (error.value.advice or "")
    time.sleep(0.6)  # by then it would listen
    with pytest.raises(ConnectionRefusedError), socket.create_connection(server.target[:2], 1):
        pass


@pytest.mark.skipif(not socket.has_ipv6, reason="without IPv6")
@pytest.mark.parametrize("port", [None, 18_471])
def test_a_server_that_listens_on_ipv6_alone(tmp_path: Path, port: int | None) -> None:
    """`localhost` is ::1 first to some; in a network namespace of its own too."""
    keys = {} if port is None else {"port": port}
    with started(tmp_path, _IPV6, **keys) as server:
        assert server.target.host == "::1"
        assert server.answered(1.0)
        assert server.check_listener() == 0


@pytest.mark.needs("openssl")
def test_a_server_that_speaks_tls(tmp_path: Path) -> None:
    """It is told so, and not that it does not answer only."""
    subprocess.run(_CERTIFICATE.split(), cwd=tmp_path, check=True, capture_output=True)
    with (tmp_path / "cert.pem").open("a") as file:
        file.write((tmp_path / "crt.pem").read_text())
    with pytest.raises(StartError, match="it speaks TLS") as error:
        started(tmp_path, _TLS, ready_timeout="1s").__enter__()

    assert "without a certificate" in (error.value.advice or "")


@pytest.mark.parametrize(
    ("answer", "words"),
    [(b"\0\0\0\x04\0\0\0\0\0", "it speaks HTTP/2 only"), (b"HTTP/1.1 400 x\r\n\r\n", "")],
)
def test_a_server_that_speaks_http2_only(answer: bytes, words: str) -> None:
    """It answers the preface with its settings, and no greeting of TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    if connection.recv(4096).startswith(b"PRI "):
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert other_protocol(Target(*listener.getsockname()[:2])) == words
        thread.join(5)


def test_a_ready_path_that_leads_elsewhere() -> None:
    """Redirects are not followed: the path that answers is to be named."""
    assert "the one to which this leads" in advice_for(307)
    assert "leads" not in advice_for(404) + advice_for(0)


@pytest.mark.parametrize("cause", ["TypeError: x.y is not a function", "panic: no port", "E [A]"])
def test_the_cause_before_a_long_stack_is_shown(cause: str) -> None:
    """Node and Go say first what is wrong: the line is kept, though the stack is cut."""
    log = ["listening soon", cause, *(f"    at step {number}" for number in range(20))]

    assert (last_words(log)[0] == cause) == (": " in cause)
    assert last_words(log)[-1] == "    at step 19"
    assert last_words(["a", "b"]) == ["a", "b"]
