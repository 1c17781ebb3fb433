"""A connection per request: sent, verified, counted and told the same way by every tool."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.run.helpers import Project
from tests.servers import ground_truth

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk", "oha", "cc")]
CHURN = {"connections": 4, "processes": 1, "warmup": "0s", "duration": "1s", "keepalive": False}


def test_each_request_has_its_own_connection(tmp_path: Path) -> None:
    """The server counts as many connections as requests, whichever tool sends them."""
    project = Project(tmp_path)
    project.server("one")
    profiles = [
        {"tool": "wrk", **CHURN},
        {"tool": "oha", **CHURN},
        {"loop": "open", "rate": 100, **CHURN},
    ]
    project.matrix("one", profiles=profiles)

    done = project.bench("run", "faults")
    assert done.returncode == 0, done.stderr
    run = project.runs()[-1]
    for trial in project.believed():
        log = (run / "trials" / trial["trial"] / "server.log").read_text()
        counts = ground_truth.counts_in(log)
        assert trial["status"] in ("valid", "suspect"), trial["detail"]
        assert trial["load"]["requests"] > 20
        assert counts["requests"] >= trial["load"]["requests"]
        assert counts["connections"] >= counts["requests"]
        assert not {"little", "connections-short"} & {each["code"] for each in trial["findings"]}
        assert all(exchange["says_close"] for exchange in trial["exchanges"])
    page = (run / "report.md").read_text()
    assert page.count("leaves connecting out of its latencies") == 1
    assert "wrk leaves connecting out" in page
    names = [profile["id"] for profile in json.loads((run / "plan.json").read_text())["profiles"]]
    assert names == ["wrk-c4-churn", "oha-c4-churn", "paced-c4-churn-r100"]


def test_a_server_that_keeps_connections_is_no_churn_for_wrk(tmp_path: Path) -> None:
    """wrk would go on with the old connection, and the figure be one of kept connections."""
    project = Project(tmp_path)
    project.server("one", "--ignore-close")
    project.matrix("one", profiles=[{"tool": "wrk", **CHURN}])

    assert project.bench("run", "faults").returncode == 1
    (trial, *_) = project.trials()
    assert (trial["status"], trial["reasons"]) == ("failed", ["tool-failed"])
    assert "does not say `Connection: close`" in trial["detail"]
