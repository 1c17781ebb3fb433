"""One run over TLS and HTTP/2, with real load tools: measured, verified, counted, reported."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from bench.sampler import handshake_count
from tests.run.helpers import Project
from tests.servers.spoken import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk", "oha")]
WINDOW = {"connections": 4, "processes": 1, "warmup": "0s", "duration": "1s"}
RUN = [sys.executable, str(PROGRAM), "{port}", "{protocol}", "{cert}", "{key}"]
ALL = ["http", "https", "h2", "h2c"]


def test_every_protocol_is_measured(tmp_path: Path) -> None:
    """By the tools that speak it; a server that does not is left out there and nowhere else."""
    project = Project(tmp_path)
    project.server("one", run=RUN, protocols=ALL, ready_timeout="30s")
    project.server("plain")
    profiles = [
        {"tool": "wrk", "protocol": "https", **WINDOW},
        {"tool": "oha", "protocol": "h2", **WINDOW},
        {"tool": "oha", "protocol": "h2c", **WINDOW},
        {"tool": "oha", "protocol": "https", "keepalive": False, **WINDOW},
        {"tool": "oha", **WINDOW},
    ]
    exclude = [{"server": "one", "profile": "oha-c4"}]
    project.matrix("one", "plain", profiles=profiles, exclude=exclude)

    done = project.bench("run", "faults")
    assert done.returncode == 0, done.stderr
    trials = {(one["server"], one["profile"]): one for one in project.trials()}
    spoken = ["wrk-c4-https", "oha-c4-h2", "oha-c4-h2c", "oha-c4-https-churn", "oha-c4"]
    assert set(trials) == {*(("one", name) for name in spoken[:4]), ("plain", "oha-c4")}
    for trial in trials.values():
        assert trial["status"] in ("valid", "suspect"), trial["detail"]
        assert trial["load"]["ok"] == trial["load"]["requests"] > 20
        assert trial["sidechannel"]["right"] > 20
        assert trial["sidechannel"]["wrong"] == 0
    run = project.runs()[-1]
    summary = json.loads((run / "summary.json").read_text())
    protocols = {cell["profile"]: cell["protocol"] for cell in summary["cells"]}
    assert protocols == dict(zip(spoken, ["https", "h2", "h2c", "https", "http"], strict=True))
    left_out = [name for one in summary["skipped"] for name in one["profiles"]]
    assert sorted(left_out) == sorted(spoken[:4])
    page = (run / "report.md").read_text()
    assert "4 connections, HTTP/2 over TLS, closed loop (oha)" in page
    assert "takes no part in wrk-c4-https" in page
    shakes = trials["one", "oha-c4-https-churn"]["handshakes"]
    assert shakes["resumes"] is True
    assert_counted(shakes, trials["one", "oha-c4-https-churn"]["load"]["requests"], page)


def assert_counted(shakes: dict[str, int | None], requests: int, page: str) -> None:
    """Apart where this user may look at the loopback interface, else said to be unknown."""
    looking = handshake_count(1, 0)
    if looking is None:
        assert (shakes["whole"], shakes["resumed"]) == (None, None)
        assert "TLS handshakes: resumption unknown" in page
        return
    looking.end()
    whole, resumed = shakes["whole"], shakes["resumed"]
    assert whole is not None
    assert resumed is not None
    assert requests <= whole + resumed <= requests + 80  # and those of our own questions
    assert resumed > 0.8 * requests  # oha takes sessions up again
    assert f"TLS handshakes, counted: {whole:,} whole, {resumed:,} resumed" in page


@pytest.mark.needs("h2load")
def test_h2load_checks_oha(tmp_path: Path) -> None:
    """The same requests, the same answers, no finding of its own."""
    project = Project(tmp_path)
    project.server("one", run=RUN, protocols=ALL, ready_timeout="30s")
    project.matrix("one", profiles=[{"tool": "h2load", "protocol": "h2", **WINDOW}])

    done = project.bench("run", "faults")
    assert done.returncode == 0, done.stderr
    (trial,) = project.trials()
    assert trial["status"] in ("valid", "suspect"), trial["detail"]
    assert trial["load"]["status"] == {"200": trial["load"]["requests"]}
    assert trial["load"]["requests"] > 20
    assert trial["load"]["latency_us"]["exact"] is True
    assert not {"bytes-mismatch", "histogram-mismatch"} & {one["code"] for one in trial["findings"]}


def test_a_server_that_resumes_though_it_must_not_is_no_result(tmp_path: Path) -> None:
    """Its handshakes would be counted as whole ones."""
    project = Project(tmp_path)
    project.server("deaf", run=RUN, protocols=ALL, ready_timeout="30s", env={"RESUME": "{resume}"})
    project.server(
        "whole",
        run=[*RUN, "no-tickets"],
        protocols=ALL,
        ready_timeout="30s",
        env={"RESUME": "{resume}"},
    )
    whole = {"tool": "oha", "protocol": "https", "keepalive": False, "resume": False, **WINDOW}
    project.matrix("deaf", "whole", profiles=[whole])

    assert project.bench("run", "faults").returncode == 1
    deaf, good = sorted(project.trials(), key=lambda trial: trial["server"])[-2:]
    assert (deaf["status"], deaf["reasons"]) == ("failed", ["other-protocol"])
    assert "took a TLS session up again" in deaf["detail"]
    assert good["status"] in ("valid", "suspect"), good["detail"]
    assert good["handshakes"]["resumes"] is False
    assert not good["handshakes"]["resumed"]
