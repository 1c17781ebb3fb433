"""The ground-truth server does what it is told to, and counts it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.run.helpers import wait_until
from tests.servers import ground_truth
from tests.servers.ground_truth import Truth, start

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "server.log"


def ask(server: Truth, times: int, path: str = "/plaintext") -> list[tuple[int, bytes]]:
    """Ask on one connection; status 0 stands for a connection that broke."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    answers = []
    for _ in range(times):
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            answers.append((response.status, response.read()))
        except ConnectionError:
            connection.close()
            answers.append((0, b""))
    connection.close()
    return answers


def post(server: Truth, body: bytes) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", "/json/small", body)
        return connection.getresponse().read()


def silent(server: Truth, for_s: float) -> bool:
    try:
        server.get("/plaintext", timeout=for_s)
    except TimeoutError:
        return True
    return False


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_counts_its_own_work(log: Path) -> None:
    """Every complete request is counted once, with its bytes; its own requests are not."""
    with start(log=log) as server:
        ask(server, 10)
        post(server, b'{"a":1}')
        counts = server.counts()

    assert (counts["requests"], counts["responses"], counts["ok"]) == (11, 11, 11)
    assert (counts["bytes_in"], counts["bytes_out"]) == (7, 10 * 13 + 7)


def test_holds_responses_for_the_delay(log: Path) -> None:
    """A delay of 20 ms is never shortened, and kept to 1 % where no neighbor made it late."""
    with start("--delay-ms=20", log=log) as server:
        ask(server, 100)
        held = server.held()

    assert 20_000 <= held["min"] <= 20_200


def test_holds_a_share_back(log: Path) -> None:
    """A share of late responses is exact, spread evenly, and late by as much as told."""
    with start("--late-share=0.05", "--late-ms=30", log=log) as server:
        durations = []
        for _ in range(100):
            begin = time.monotonic()
            ask(server, 1)
            durations.append(time.monotonic() - begin)
        late = server.counts()["late"]

    assert late == 5
    assert sum(duration >= 0.030 for duration in durations) >= 5
    assert min(durations) < 0.010


def test_fails_a_share(log: Path) -> None:
    """A share of the responses is a 500, exactly."""
    with start("--error-share=0.1", log=log) as server:
        answers = ask(server, 200)
        counts = server.counts()

    assert [status for status, _ in answers].count(500) == 20
    assert (counts["errors"], counts["ok"]) == (20, 180)


@pytest.mark.parametrize(("fault", "broken"), [("--reset-requests=10", 3), ("--close-each", 0)])
def test_breaks_connections(log: Path, fault: str, broken: int) -> None:
    """Resets come every n-th request and are no responses; an announced close breaks nothing."""
    with start(fault, log=log) as server:
        answers = ask(server, 30)
        counts = server.counts()

    assert [status for status, _ in answers].count(0) == broken == counts["resets"]
    assert counts["responses"] == 30 - broken


def test_resets_every_nth_connection(log: Path) -> None:
    """A connection whose number is a multiple of n is reset on its first request."""
    with start("--reset-connections=3", log=log) as server:
        resets = [ask(server, 1)[0][0] for _ in range(9)].count(0)

        assert resets == 3


def test_lies_with_the_right_length(log: Path) -> None:
    """After n requests answers stay valid JSON of the same length and change their meaning."""
    with start("--lie-after=2", log=log) as server:
        answers = [post(server, b'{"id": 7, "tags": []}') for _ in range(3)]
        lies = server.counts()["lies"]

    assert answers[1] == b'{"id": 7, "tags": []}'
    assert json.loads(answers[2]) == {}
    assert len(answers[2]) == len(answers[1])
    assert lies == 1


def test_answers_with_another_status(log: Path) -> None:
    """Every ordinary response has the status asked for; readiness stays 200."""
    with start("--status=422", log=log) as server:
        assert ask(server, 1) == [(422, b"Hello, World!")]
        assert server.get("/health") == (200, b"ok")
        assert server.counts()["errors"] == 1


def test_stops_answering(log: Path) -> None:
    """After n requests none is answered, while the port stays open."""
    with start("--hang-after=1", log=log) as server:
        assert ask(server, 1)[0][0] == 200
        with pytest.raises(TimeoutError):
            server.get("/plaintext", timeout=0.2)
        assert wait_until(lambda: server.counts()["unanswered"] == 1)


def test_never_gets_ready(log: Path) -> None:
    """A server that is never ready listens and leaves /health unanswered."""
    with start("--never-ready", log=log) as server, pytest.raises(TimeoutError):
        server.get("/health", timeout=0.2)


def test_exits_after_n_responses(log: Path) -> None:
    """The n-th response is the last; the counters are in the log."""
    with start("--exit-after=5", log=log) as server:
        assert ask(server, 5)[-1][0] == 200
        assert server.process.wait(60) == 3
        assert ground_truth.counts_in(server.output().decode())["responses"] == 5


def test_exits_at_start(log: Path) -> None:
    """A server can end before it ever listens."""
    with start("--exit-at-start=7", log=log, ready=False) as server:
        assert server.process.wait(60) == 7


def test_replaces_its_worker(log: Path) -> None:
    """After n responses another process answers on the same port; counters go on."""
    with start("--restart-after=5", log=log) as server:
        first = server.counts()["pid"]
        ask(server, 5)
        counts = server.counts()

        assert counts["pid"] not in (first, server.pid)
        assert (counts["restarts"], counts["responses"]) == (1, 5)
        os.kill(server.pid, signal.SIGTERM)
        assert server.process.wait(60) == 0


def test_leaves_for_its_own_session(log: Path) -> None:
    """The process that answers is in another session than the one that was started."""
    with start("--own-session", log=log) as server:
        pid = server.counts()["pid"]

        assert os.getsid(pid) == pid != server.pid


@pytest.mark.parametrize("kind", ["group", "session", "port"])
def test_leaves_a_child_behind(log: Path, kind: str) -> None:
    """A stray child outlives SIGTERM, in or out of the group, with or without the port."""
    with start(f"--stray-child={kind}", log=log) as server:
        stray = server.counts()["stray_pid"]
        # It tells its pid before it has left the group.
        left = wait_until(lambda: os.getpgid(stray) != server.pid, 0.0 if kind == "group" else 60.0)
        os.kill(server.pid, signal.SIGTERM)
        server.process.wait(60)
        still_open = listening(server.port)
        os.kill(stray, signal.SIGKILL)  # raises where it is gone already

    assert left == (kind != "group")
    assert still_open == (kind == "port")


def test_ignores_sigterm(log: Path) -> None:
    """SIGTERM and SIGINT change nothing."""
    with start("--ignore-term", log=log) as server:
        os.kill(server.pid, signal.SIGTERM)
        os.kill(server.pid, signal.SIGINT)

        assert ask(server, 1)[0][0] == 200


def test_stays_half_dead(log: Path) -> None:
    """After SIGTERM it accepts connections and answers none."""
    with start("--half-dead-on-term", log=log) as server:
        os.kill(server.pid, signal.SIGTERM)
        assert wait_until(lambda: silent(server, 0.3))  # the signal may come after a request
        assert silent(server, 2.0)


def test_listens_elsewhere(log: Path) -> None:
    """The port that it was told stays closed; another one opens."""
    with start("--port-offset=1", log=log, ready=False) as server:
        assert wait_until(lambda: listening(server.port + 1))
        assert not listening(server.port)


def test_opens_its_port_late(log: Path) -> None:
    """The port opens only after the delay."""
    begin = time.monotonic()
    with start("--start-delay-ms=300", log=log):
        assert time.monotonic() - begin >= 0.3


def test_floods_its_output(log: Path) -> None:
    """Each response prints so many bytes."""
    with start("--flood=1000", log=log) as server:
        ask(server, 100)
        # The last response may be here before its bytes are.
        wait_until(lambda: len(server.output()) >= 100_000)
        assert len(server.output()) == 100_000


def test_stays_fast_and_even(log: Path) -> None:
    """A request costs it less than 2 ms of CPU time on a slow machine: enough for a load."""
    times = 2_000
    with start(log=log) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n" * times)
        received = 0
        while server.counts()["responses"] < times:
            received += len(client.recv(65536))
        used = psutil.Process(server.pid).cpu_times()

    assert (used.user + used.system) / times < 0.002


def test_is_a_server_of_a_project(tmp_path: Path, log: Path) -> None:
    """write_server writes a server.yaml whose command serves on the port put into it."""
    path = ground_truth.write_server(tmp_path, "liar", "--lie-after=3", stop={"signal": "SIGINT"})
    config = json.loads(path.read_text())
    port = ground_truth.free_port()
    argv = [word.replace("{port}", str(port)) for word in config["run"]]
    with log.open("w+b") as output:
        process = subprocess.Popen(argv, cwd=path.parent, stdout=output, env={})
        wait_until(lambda: listening(port))
        process.send_signal(signal.SIGINT)

        assert process.wait(60) == 0
    assert config["stop"] == {"signal": "SIGINT"}
    assert ground_truth.counts_in(log.read_text())["lies"] == 0


def test_counts_need_an_end_of_its_own() -> None:
    """A log without counters says that the server was killed."""
    with pytest.raises(ValueError, match="was killed"):
        ground_truth.counts_in("nothing\n")
