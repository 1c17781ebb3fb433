"""A server at another address than 127.0.0.1 is the one that is measured, or it is refused."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import StartError
from bench.loadtools.install.ready import ready
from bench.model.plan import Arm
from bench.model.server_config import ServerConfig
from bench.model.target import Target
from bench.reports.wording.findings import in_words
from bench.run.fitness import beyond_loopback
from bench.servers import ExistingServer
from bench.servers.existing import NOBODY, listener_pid
from bench.trial.side_channel import SideChannel
from bench.trial.verify import verify
from tests.factories import Truth, run_data
from tests.run.helpers import Project
from tests.trial.test_verify import echo_kind, workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKLOAD = "title: Hello\nrequests: [{path: /hello, expect: {text: hello}}]\n"


class Named(ThreadingHTTPServer):
    """Echoes bodies and counts the Host headers that it was asked with."""

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.hosts: Counter[str] = Counter()
        super().__init__((host, port), _Handler)

    @property
    def target(self) -> Target:
        return Target(*self.server_address[:2])  # type: ignore[arg-type] # host and port


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Named

    def do_GET(self) -> None:
        self.server.hosts[self.headers["Host"]] += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"hello"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the base's name

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Not on the test's output."""


@contextlib.contextmanager
def named(host: str, port: int = 0) -> Iterator[Named]:
    """A server at that very address."""
    try:
        server = Named(host, port)
    except OSError as error:
        pytest.skip(f"nothing can listen at {host}: {error}")
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def own_address() -> str:
    """An address of this machine that is not on the loopback, to stand for another host."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError as error:
            pytest.skip(f"no address beyond the loopback: {error}")
        return str(probe.getsockname()[0])


def arm(target: Target) -> Arm:
    """An arm at that address."""
    config = ServerConfig(title="x", run=["-"])
    url = f"http://{target.authority}"
    return Arm(name="x", server="x", folder="", config=config, url=url)


@pytest.mark.parametrize("host", ["127.0.0.2", "::1"])
def test_the_named_address_is_asked(host: str) -> None:
    """Readiness, verification and side channel go there; a neighbor on 127.0.0.1 hears nothing."""
    with named(host) as server, named("127.0.0.1", server.target.port) as neighbor:
        kinds = workload(echo_kind())
        with ExistingServer(arm(server.target)) as existing:
            verify(existing.target, kinds, random.Random(1))
            side = SideChannel(existing.target, kinds, random.Random(1))
            side.ask(3, 2, (1,), time.monotonic() + 2.0)
            side.end()
            existing.check_listener()

        assert existing.pid == os.getpid()
        assert set(server.hosts) == {server.target.authority}
        assert server.hosts.total() >= 4
        assert not neighbor.hosts


@pytest.mark.parametrize("host", ["127.0.0.2", "::1", "192.0.2.1"])
def test_a_server_elsewhere_is_not_taken_for_it(host: str) -> None:
    """What listens on 127.0.0.1 is not who listens at the other address."""
    with named("127.0.0.1") as server:
        assert listener_pid(server.target) == os.getpid()
        assert listener_pid(Target(host, server.target.port)) is None


def test_nobody_at_the_named_address() -> None:
    """A server on 127.0.0.1 does not answer for 127.0.0.2."""
    with named("127.0.0.1") as server:
        elsewhere = Target("127.0.0.2", server.target.port)
        with pytest.raises(StartError, match=r"nobody answers at http://127\.0\.0\.2"):
            ExistingServer(arm(elsewhere)).__enter__()


def test_a_server_for_all_addresses_is_found() -> None:
    """0.0.0.0 in a URL is this machine, and a server that listens there is its process."""
    with named("0.0.0.0") as server:  # noqa: S104 - for the length of the test
        existing = ExistingServer(arm(server.target))
        assert existing.target.host == "127.0.0.1"
        assert existing.pid == os.getpid()


@pytest.mark.skipif(sys.platform != "linux", reason="forks with threads about")
def test_workers_of_one_socket() -> None:
    """The process that forked the others is the one whose family is measured."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code = (
            "import os, sys, time; [os.fork() for _ in range(2)]; print(flush=True); time.sleep(9)"
        )
        family = subprocess.Popen(
            [sys.executable, "-c", code],
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
    with family:
        try:
            assert family.stdout is not None
            for _ in range(4):
                family.stdout.readline()
            assert listener_pid(Target("127.0.0.1", port)) == family.pid
        finally:
            os.killpg(family.pid, signal.SIGKILL)


def test_another_host_is_a_finding() -> None:
    """The reader learns that a network is part of the figures; loopback servers have none."""
    plan = run_data({"axum": Truth()}).plan
    far, near = (arm(Target(host, 80)) for host in ("192.0.2.1", "127.0.0.2"))

    (found,) = beyond_loopback(plan.model_copy(update={"arms": (*plan.arms, near, far)}))

    assert (found.code, found.scope) == ("remote", "x")
    assert "192.0.2.1" in in_words(found).text
    assert ExistingServer(far).pid == NOBODY


@pytest.mark.real
@pytest.mark.needs("wrk")
@pytest.mark.parametrize("host", ["127.0.0.2", "::1", "remote"])
def test_the_load_goes_to_the_named_address(tmp_path: Path, host: str) -> None:
    """A whole run: the server at the address counts the requests, with its Host header."""
    remote = host == "remote"
    tools = [tool for tool in ("wrk", "oha") if (found := ready(tool)) and found.usable]
    load = {"connections": 2, "warmup": "0s", "duration": "1s"}
    with named(own_address() if remote else host) as server:
        project = Project(tmp_path)
        (project.root / "configs" / "workloads").mkdir(exist_ok=True)
        (project.root / "configs" / "workloads" / "hello.yaml").write_text(WORKLOAD)
        url = f"http://{server.target.authority}"
        profiles = [{"tool": tool, **load} for tool in tools]
        there = {"url": url, "as": "there"}
        project.matrix(there, allow_remote=remote, workloads=["hello"], profiles=profiles)
        done = project.bench("run", "faults")

    assert done.returncode == 0, done.stdout + done.stderr
    trials = project.believed()
    assert {trial["load"]["tool"] for trial in trials} == set(tools)
    assert all(trial["load"]["ok"] > 0 for trial in trials)
    assert sum(trial["load"]["ok"] for trial in trials) <= server.hosts[server.target.authority]
    assert set(server.hosts) == {server.target.authority}
    assert ("remote" in project.findings()) is remote
    assert remote or any(trial["counters"]["connections_seen"] for trial in trials)


def test_another_host_is_refused(tmp_path: Path) -> None:
    """Without `allow_remote` nothing is sent beyond the loopback, and the message says why."""
    project = Project(tmp_path)
    project.matrix({"url": "http://192.0.2.1:80", "as": "there"})
    done = project.bench("validate", "--json")

    assert done.returncode != 0
    assert "192.0.2.1 is not this machine" in json.dumps(done.stdout + done.stderr)
