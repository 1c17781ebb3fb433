"""Servers are asked by what the load speaks; one that speaks something else is named at once."""

from __future__ import annotations

import contextlib
import random
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import StartError, VerifyError
from bench.model.plan import Arm
from bench.model.server_config import ServerConfig
from bench.model.workload_config import Expect
from bench.process import SupervisorClient
from bench.servers import RunningServer
from bench.trial.resumption import resumes
from bench.trial.side_channel import SideChannel
from bench.trial.verify import verify
from tests.servers.spoken import PROGRAM
from tests.servers.test_readiness import _CPUS
from tests.trial.test_verify import echo_kind, workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real
ECHO = workload(echo_kind(path="/json/small"))
LARGE = workload(echo_kind(b'{"text": "%s"}' % (b"x" * 300_000), path="/json/large"))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that a busy machine holds back counts all the same."""
    monkeypatch.setattr("bench.trial.side_channel.LATE_S", 60.0)
    monkeypatch.setattr("bench.trial.side_line.LATE_S", 60.0)
    monkeypatch.setattr("bench.trial.resumption._TIMEOUT_S", 60.0)


@pytest.fixture
def supervisor() -> Iterator[SupervisorClient]:
    """One for the test."""
    with SupervisorClient() as made:
        yield made


def spoken(
    folder: Path, supervisor: SupervisorClient, protocol: Any, fault: str = "", **how: Any
) -> RunningServer:
    """A server of tests/servers/spoken.py, not yet started."""
    run = [sys.executable, str(PROGRAM), "{port}", "{protocol}", "{cert}", "{key}", fault]
    config = ServerConfig.model_validate({"title": "S", "run": run, "ready_timeout": "60s"})
    arm = Arm(name="s", server="s", folder=str(folder), config=config)
    log = folder / "log"
    return RunningServer(arm, _CPUS, supervisor, random.Random(), log, protocol=protocol, **how)


@pytest.mark.parametrize("protocol", ["http", "https", "h2", "h2c"])
def test_each_protocol_is_verified_and_questioned(
    tmp_path: Path, supervisor: SupervisorClient, protocol: str
) -> None:
    """Before the load on connections of their own, beside it on kept and on fresh ones."""
    with spoken(tmp_path, supervisor, protocol) as server:
        (exchange,) = verify(server.target, ECHO, random.Random(1))
        verify(server.target, LARGE, random.Random(1))
        assert (exchange.status, exchange.response_bytes) == (200, exchange.request_bytes)
        side = SideChannel(server.target, ECHO, random.Random(1))
        asked = side.ask(60, 8, (20, 1), time.monotonic() + 100)
        side.glance(2, 4)
        side.end()
        assert server.answered(60.0)

    found = side.result()
    assert (asked, found.wrong) == (60, 0)
    assert found.right >= asked


@pytest.mark.parametrize("protocol", ["https", "h2", "h2c"])
def test_a_liar_is_caught_in_any_protocol(
    tmp_path: Path, supervisor: SupervisorClient, protocol: str
) -> None:
    """The same judgment as over plain HTTP/1.1."""
    with spoken(tmp_path, supervisor, protocol, "lies") as server:
        with pytest.raises(VerifyError, match="json/small"):
            verify(server.target, ECHO, random.Random(1))
        side = SideChannel(server.target, ECHO, random.Random(1))
        side.ask(8, 2, (4,), time.monotonic() + 100)
        side.end()

    assert (side.result().wrong, side.result().right) == (8, 0)


@pytest.mark.parametrize("protocol", ["http", "h2c"])
@pytest.mark.parametrize(("given", "good"), [(404, True), (201, True), (302, True), (200, False)])
def test_a_status_is_right_where_it_is_expected(
    tmp_path: Path, supervisor: SupervisorClient, protocol: str, given: int, *, good: bool
) -> None:
    """To the verification and to the questions beside the load; a 200 in place of a 404 is not."""
    expect = Expect(status=given if good else 404, json_value="same-as-body")
    asked = workload(echo_kind(path="/json/small", expect=expect))
    with spoken(tmp_path, supervisor, protocol, f"status-{given}") as server:
        caught = contextlib.nullcontext() if good else pytest.raises(VerifyError, match="404, got")
        with caught:
            verify(server.target, asked, random.Random(1))
        side = SideChannel(server.target, asked, random.Random(1))
        side.ask(8, 2, (4,), time.monotonic() + 100)
        side.end()

    assert (side.result().right, side.result().wrong) == ((8, 0) if good else (0, 8))


@pytest.mark.parametrize(
    ("protocol", "fault", "words"),
    [
        ("https", "plain", "answers without TLS"),
        ("h2", "plain", "answers without TLS"),
        ("h2", "fallback", "falls back to HTTP/1.1"),
        ("h2c", "plain", "answers in HTTP/1, not in HTTP/2"),
        ("https", "other-cert", "shows another certificate than"),
        ("h2", "other-cert", "shows another certificate than"),
    ],
)
def test_another_protocol_is_named_without_waiting(
    tmp_path: Path, supervisor: SupervisorClient, protocol: str, fault: str, words: str
) -> None:
    """It will not get ready for what was asked: which it is stands in the message."""
    with (
        pytest.raises(StartError, match=words) as caught,
        spoken(tmp_path, supervisor, protocol, fault),
    ):
        pass

    assert caught.value.code == "other-protocol"
    assert protocol in str(caught.value)


def test_a_reset_request_is_no_answer(tmp_path: Path, supervisor: SupervisorClient) -> None:
    """The connection lives on; the verification does not."""
    with (
        spoken(tmp_path, supervisor, "h2c", "drops") as server,
        pytest.raises(VerifyError, match="reset the request"),
    ):
        verify(server.target, ECHO, random.Random(1))


@pytest.mark.parametrize("protocol", ["http", "h2c"])
def test_a_stream_that_is_held_back_is_named(
    tmp_path: Path, supervisor: SupervisorClient, protocol: str
) -> None:
    """Sent at once, where it was to come over some time."""
    expect = Expect.model_validate({"min_stream": "5s"})
    with (
        spoken(tmp_path, supervisor, protocol) as server,
        pytest.raises(VerifyError, match="all of it came within"),
    ):
        verify(server.target, workload(echo_kind(expect=expect)), random.Random(1))


@pytest.mark.parametrize(("fault", "expected"), [("", True), ("no-tickets", False)])
def test_whether_sessions_are_taken_up_again_is_tried(
    tmp_path: Path, supervisor: SupervisorClient, fault: str, *, expected: bool
) -> None:
    """By connections that offer the session of the one before."""
    with spoken(tmp_path, supervisor, "https", fault) as server:
        assert resumes(server.target, ECHO, random.Random(1)) is expected
