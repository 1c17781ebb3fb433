"""What came while `bench` stood still is read before the supervisor is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.process import SupervisorClient, client

if TYPE_CHECKING:
    import pytest


def test_an_answer_that_came_meanwhile_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """When `bench` looks again the time is over, and the answer lies in the pipe."""
    with SupervisorClient() as supervisor:
        monkeypatch.setattr(client, "_ANSWER_S", -1.0)
        read = supervisor.pump
        monkeypatch.setattr(supervisor, "pump", lambda _: read(60.0))

        assert supervisor.sweep() == 0
