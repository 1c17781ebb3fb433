"""An answer that never gets complete is no answer, however steadily it drips."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from bench.errors import VerifyError
from bench.model.target import Target
from bench.model.workload_config import Expect
from bench.plans.workload_files import load_workload
from bench.servers.running import ask_status
from bench.trial.verify import HttpResponse, difference, verify

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parents[2]


_MOST = 1200


class Dripping(NamedTuple):
    """A server that sends a byte every 50 ms, for a minute if nobody hangs up."""

    port: int
    sent: list[bytes]


@pytest.fixture
def dripping() -> Iterator[Dripping]:
    sent: list[bytes] = []
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)

        def serve() -> None:
            while not stop.is_set():
                with contextlib.suppress(OSError), listener.accept()[0] as client:
                    client.sendall(b"H")
                    while len(sent) < _MOST and not stop.wait(0.05):
                        client.sendall(b"x")
                        sent.append(b"x")

        thread = threading.Thread(target=serve)
        thread.start()
        yield Dripping(listener.getsockname()[1], sent)
        stop.set()
        thread.join()


def test_a_dripping_answer_times_out(dripping: Dripping) -> None:
    """The time limit is for the whole answer, not for each byte of it."""
    workload = load_workload(_ROOT / "configs" / "workloads" / "json-small.yaml", _ROOT)
    with pytest.raises(VerifyError, match="timed out"):
        verify(Target("127.0.0.1", dripping.port), workload, random.Random(1), timeout_s=0.4)

    assert 0 < len(dripping.sent) < _MOST


def test_a_dripping_ready_path_is_no_answer(dripping: Dripping) -> None:
    """Waiting for readiness ends in time too: connected, and not answered."""
    assert ask_status(Target("127.0.0.1", dripping.port), "/health", 0.4) == 0
    assert 0 < len(dripping.sent) < _MOST


def test_deeply_nested_json() -> None:
    """An answer nested too deeply to be read is wrong, not a crash."""
    answer = HttpResponse(200, {}, b"[" * 100_000, 0)

    assert "expected JSON" in str(difference(Expect(json_value=[]), answer))
