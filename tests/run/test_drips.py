"""An answer that never gets complete is no answer, however steadily it drips."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.errors import VerifyError
from bench.model.target import Target
from bench.model.workload_config import Expect
from bench.plans.workload_files import load_workload
from bench.servers.running import ask_status
from bench.trial.verify import Answer, difference, verify

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def dripping() -> Iterator[int]:
    """Port of a server that sends a byte every 50 ms, forever."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)

        def serve() -> None:
            while not stop.is_set():
                with contextlib.suppress(OSError), listener.accept()[0] as client:
                    client.sendall(b"H")
                    while not stop.wait(0.05):
                        client.sendall(b"x")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        thread.join()


def test_a_dripping_answer_times_out(dripping: int) -> None:
    """The time limit is for the whole answer, not for each byte of it."""
    workload = load_workload(_ROOT / "configs" / "workloads" / "json-small.yaml", _ROOT)
    began = time.monotonic()
    with pytest.raises(VerifyError, match="timed out"):
        verify(Target("127.0.0.1", dripping), workload, random.Random(1), timeout_s=0.4)

    assert time.monotonic() - began < 2


def test_a_dripping_ready_path_is_no_answer(dripping: int) -> None:
    """Waiting for readiness ends in time too: connected, and not answered."""
    began = time.monotonic()

    assert ask_status(Target("127.0.0.1", dripping), "/health", 0.4) == 0
    assert time.monotonic() - began < 2


def test_deeply_nested_json() -> None:
    """An answer nested too deeply to be read is wrong, not a crash."""
    answer = Answer(200, {}, b"[" * 100_000, 0)

    assert "expected JSON" in str(difference(Expect(json_value=[]), answer))
