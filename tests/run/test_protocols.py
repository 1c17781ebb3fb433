"""One run over TLS and HTTP/2, with real load tools: measured, verified, counted, reported."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

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


def test_each_protocol_by_a_tool_that_speaks_it(tmp_path: Path) -> None:
    """A server that does not speak it is left out there, and nowhere else."""
    project = Project(tmp_path)
    project.server("one", run=RUN, protocols=ALL, ready_timeout="60s")
    project.server("plain")
    profiles = [
        {"tool": "wrk", "protocol": "https", **WINDOW},
        {"tool": "oha", "protocol": "h2", **WINDOW},
        {"tool": "oha", **WINDOW},
    ]
    exclude = [{"server": "one", "profile": "oha-c4"}]
    project.matrix("one", "plain", profiles=profiles, exclude=exclude)

    summary, page = measured(project)
    spoken = {"wrk-c4-https": "https", "oha-c4-h2": "h2", "oha-c4": "http"}
    assert {cell["profile"]: cell["protocol"] for cell in summary["cells"]} == spoken
    left_out = [(one["server"], one["profiles"]) for one in summary["skipped"]]
    assert left_out == [("plain", ["wrk-c4-https"]), ("plain", ["oha-c4-h2"])]
    assert "4 connections, HTTP/2 over TLS, closed loop (oha)" in page
    assert "takes no part in wrk-c4-https" in page


def test_handshakes_are_counted_apart(tmp_path: Path) -> None:
    """Whole ones and resumed ones, beside the number; connections without TLS have none."""
    project = Project(tmp_path)
    project.server("one", run=RUN, protocols=ALL, ready_timeout="60s")
    profiles = [
        {"tool": "oha", "protocol": "h2c", **WINDOW},
        {"tool": "oha", "protocol": "https", "keepalive": False, **WINDOW},
    ]
    project.matrix("one", profiles=profiles)

    _, page = measured(project)
    kept, churn = sorted(project.believed(), key=lambda trial: len(trial["profile"]))
    assert kept["handshakes"] is None
    assert churn["handshakes"]["resumes"] is True
    assert_counted(churn["handshakes"], churn["load"]["requests"], page)


def measured(project: Project) -> tuple[dict[str, Any], str]:
    """Run it: every trial is usable and verified; summary and report."""
    done = project.bench("run", "faults")
    assert done.returncode == 0, done.stderr
    for trial in project.believed():
        assert trial["status"] in ("valid", "suspect"), trial["detail"]
        assert trial["load"]["ok"] == trial["load"]["requests"] > 0
        assert trial["sidechannel"]["right"] > 0
        assert trial["sidechannel"]["wrong"] == 0
    run = project.runs()[-1]
    return json.loads((run / "summary.json").read_text()), (run / "report.md").read_text()


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
    assert resumed > 0  # oha takes sessions up again
    assert f"TLS handshakes, counted: {whole:,} whole, {resumed:,} resumed" in page


@pytest.mark.needs("h2load")
def test_h2load_checks_oha(tmp_path: Path) -> None:
    """The same requests, the same answers, no finding of its own."""
    project = Project(tmp_path)
    project.server("one", run=RUN, protocols=ALL, ready_timeout="60s")
    project.matrix("one", profiles=[{"tool": "h2load", "protocol": "h2", **WINDOW}])

    measured(project)
    (trial,) = project.believed()
    assert trial["load"]["status"] == {"200": trial["load"]["requests"]}
    assert trial["load"]["latency_us"]["exact"] is True
    assert not {"bytes-mismatch", "histogram-mismatch"} & {one["code"] for one in trial["findings"]}


@pytest.mark.needs("h2load")
def test_what_is_expected_is_a_success_over_http2(tmp_path: Path) -> None:
    """A 404 that is expected counts for oha and h2load alike, though h2load calls it failed."""
    project = Project(tmp_path)
    project.server("one", run=[*RUN, "status-404"], protocols=ALL, ready_timeout="60s")
    path = project.root / "configs" / "workloads" / "gone.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("requests: [{method: POST, path: /json/small, expect: {status: 404}}]\n")
    profiles = [{"tool": tool, "protocol": "h2c", **WINDOW} for tool in ("oha", "h2load")]
    project.matrix("one", profiles=profiles, workloads=["gone"])

    _, page = measured(project)
    trials = project.believed()
    assert {trial["load"]["tool"] for trial in trials} == {"oha", "h2load"}
    assert all(set(trial["load"]["status"]) == {"404"} for trial in trials)
    assert "100%" in page


def test_a_server_that_resumes_though_it_must_not_is_no_result(tmp_path: Path) -> None:
    """Its handshakes would be counted as whole ones."""
    project = Project(tmp_path)
    project.server("deaf", run=RUN, protocols=ALL, ready_timeout="60s", env={"RESUME": "{resume}"})
    project.server(
        "whole",
        run=[*RUN, "no-tickets"],
        protocols=ALL,
        ready_timeout="60s",
        env={"RESUME": "{resume}"},
    )
    whole = {"tool": "oha", "protocol": "https", "keepalive": False, "resume": False, **WINDOW}
    project.matrix("deaf", "whole", profiles=[whole])

    assert project.bench("run", "faults").returncode == 1
    deaf, good = sorted(project.believed(), key=lambda trial: str(trial["server"]))
    assert (deaf["status"], deaf["reasons"]) == ("failed", ["other-protocol"])
    assert "took a TLS session up again" in deaf["detail"]
    assert good["status"] in ("valid", "suspect"), good["detail"]
    assert good["handshakes"]["resumes"] is False
    assert not good["handshakes"]["resumed"]
