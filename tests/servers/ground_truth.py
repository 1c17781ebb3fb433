"""The ground-truth server (truth.py, which lists its faults) for use in tests.

By itself, for tests of load tools, sampler and verification::

    with ground_truth.start("--delay-ms=20", "--error-share=0.01") as server:
        ...                                   # load http://127.0.0.1:{server.port}
        assert server.counts()["errors"] == ...

As a server of a project, for tests of `bench run`, `build` and `verify`::

    ground_truth.write_server(project, "liar", "--lie-after=1000")      # servers/liar/server.yaml
    ...                                                                 # bench run ... --project
    ground_truth.counts_in((trial / "server.log").read_text())          # printed when it ended

Any key of server.yaml can be given: `write_server(..., stop={"signal": "SIGINT"})`.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TRUTH = Path(__file__).with_name("truth.py")
_READY_S = 60.0
_STOP_S = 60.0


class Truth:
    """A running ground-truth server.

    Attributes:
        process: the leader of a process group and session of its own.
        log: its stdout and stderr.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
        self.process = process
        self.port = port
        self.log = log

    @property
    def pid(self) -> int:
        return self.process.pid

    def get(self, path: str, timeout: float = 60.0) -> tuple[int, bytes]:
        """Status and body of a GET on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()

    def counts(self) -> dict[str, int]:
        """What the server counted so far, over all its workers."""
        counts: dict[str, int] = json.loads(self.get("/__counts")[1])
        return counts

    def held(self) -> dict[str, float]:
        """How long this worker's responses were held: percentiles in microseconds."""
        held: dict[str, float] = json.loads(self.get("/__held")[1])
        return held

    def output(self) -> bytes:
        """Everything that the server printed."""
        self.log.seek(0)
        return self.log.read()


def free_port() -> int:
    """A port that nobody listens on, outside the usual ephemeral ranges."""
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise RuntimeError("no free port")


@contextlib.contextmanager
def start(*faults: str, log: Path, ready: bool = True) -> Iterator[Truth]:
    """Start a server with `faults`, wait until it listens, and end its whole group afterwards.

    Args:
        faults: options of truth.py, each as one word such as `--delay-ms=20`.
        log: file for its output.
        ready: False where it is not going to listen on its port.
    """
    port = free_port()
    argv = [sys.executable, str(TRUTH), f"--port={port}", *faults]
    with log.open("w+b") as output:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        server = Truth(process, port, output)
        try:
            if ready:
                _wait_until_listening(server)
            yield server
        finally:
            _end(server)


def _wait_until_listening(server: Truth) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port)):
            return
        if server.process.poll() is not None:
            break
        time.sleep(0.01)
    raise RuntimeError(f"the ground-truth server is not there: {server.output()!r}")


def _end(server: Truth) -> None:
    """Kill the group, and what left it but is known by the counters."""
    stray = 0
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        counts = json.loads(server.get("/__counts", timeout=0.5)[1])
        stray = counts["stray_pid"]
        os.kill(counts["pid"], signal.SIGKILL)
    for kill, pid in ((os.killpg, server.pid), (os.kill, stray)):
        with contextlib.suppress(ProcessLookupError):
            if pid:
                kill(pid, signal.SIGKILL)
    server.process.wait(_STOP_S)


def write_server(project: Path, server: str, *faults: str, **keys: Any) -> Path:
    """Write `servers/<server>/server.yaml` into a project and return its path.

    Args:
        project: the project's root; need not exist yet.
        server: the id.
        faults: options of truth.py, each as one word.
        keys: keys of server.yaml, in place of or beside those written here.
    """
    folder = project / "servers" / server
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "title": f"Ground truth {server}",
        "language": "Python",
        "run": [sys.executable, str(TRUTH), "--port={port}", *faults],
        "ready": "/health",
        "ready_timeout": "60s",
        "stop": {"grace": "20s"},  # a killed one prints no counters
        **keys,
    }
    path = folder / "server.yaml"
    path.write_text(json.dumps(config, indent=2))  # JSON is YAML
    return path


def counts_in(log: str) -> dict[str, int]:
    """The counters that a server printed when it ended.

    Raises:
        ValueError: it printed none: it was killed.
    """
    counts: dict[str, int] = _printed(log, "counts ")
    return counts


def held_in(log: str) -> dict[str, float]:
    """How long responses were held, as a server printed it when it ended.

    Raises:
        ValueError: it printed nothing: it was killed.
    """
    held: dict[str, float] = _printed(log, "held ")
    return held


def _printed(log: str, word: str) -> Any:
    lines = [line for line in log.splitlines() if line.startswith(word + "{")]
    if not lines:
        raise ValueError(f"no {word}in the log: the server was killed")
    return json.loads(lines[-1].removeprefix(word))
