"""`loop: open` is paced: built on first use, one schedule per round, tested in every trial."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.run.helpers import Project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.needs("cc", "wrk")]


def test_an_open_loop_from_plan_to_report(tmp_path: Path) -> None:
    """Two servers, two processes each, nothing set up: one schedule for both in a round."""
    project = Project(tmp_path)
    shutil.rmtree(tmp_path / "cache" / "bench" / "loadtools", ignore_errors=True)
    project.server("one")
    project.server("two")
    window = {"connections": 8, "processes": 2, "warmup": "0s", "duration": "1s"}
    project.matrix("one", "two", rounds=2, profiles=[{"loop": "open", "rate": 300, **window}])

    done = project.bench("run", "faults")
    assert done.returncode == 0, done.stderr
    trials = project.believed()
    assert {trial["load"]["tool"] for trial in trials} == {"paced"}
    seeds = {(trial["round"], trial["pacing"]["seed"]) for trial in trials}
    assert len(seeds) == 2
    for trial in trials:
        pacing, load = trial["pacing"], trial["load"]
        assert pacing["due"] == pacing["sent"] == load["requests"] == load["latency_us"]["count"]
        assert pacing["arrivals"] == "poisson"
        assert pacing["spin_us"] in (20, 200)  # 200 where each of the two has a CPU of its own
        assert "late_free" not in pacing
        shares = [c["argv"][c["argv"].index("--process") + 1] for c in trial["commands"][1:]]
        assert shares == ["0/2", "1/2"]
    assert len({trial["pacing"]["due"] for trial in trials if trial["round"] == 1}) == 1

    run = project.runs()[-1]
    told = json.loads((run / "summary.json").read_text())
    for cell in told["cells"]:
        assert cell["lateness_us"]["p50"] is not None
        assert 0 < cell["achieved_ratio"] < 1.01  # a neighbor may hold the last ones back
        assert cell["startup_s"] > 0.01  # an interpreter has to start
        assert "memory_slope_bytes_per_s" in cell
    assert "### Start-up and memory" in (run / "report.md").read_text()
    raw = next(run.glob("trials/*/load-0/paced.json"))
    words = ("parse", "paced", str(raw), "--exact", str(raw.with_suffix(".bin")))
    parsed = subprocess.run(
        [sys.executable, "-m", "bench", *words],
        capture_output=True, text=True, check=True, env=project.env,
    )  # fmt: skip
    assert json.loads(parsed.stdout)["latency_us"]["exact"] is True


def test_new_connections_are_not_in_the_window(tmp_path: Path) -> None:
    """What is sent in the 0.3 s after connecting is not counted, nor its CPU time."""
    project = Project(tmp_path)
    project.server("one", "--burn-us=600")
    for warmup, expected in (("1s", True), ("0s", False)):
        load = {"loop": "open", "rate": 1000, "connections": 4, "arrivals": "even"}
        project.matrix("one", profiles=[{**load, "warmup": warmup, "duration": "1s"}])
        done = project.bench("run", "faults")
        assert done.returncode == 0, done.stderr
        (trial,) = project.believed()
        raw = next(project.runs()[-1].glob("trials/*/load-0/paced.json"))

        assert ("--warm-up" in trial["commands"][1]["argv"]) is expected
        assert json.loads(raw.read_text())["warm_up"]["sent"] == (300 if expected else 0)
        assert trial["load"]["requests"] == trial["pacing"]["due"] == 1000
        assert 0.95 < trial["resources"]["server_cpu_s"] / 0.6 < 1.4


def test_what_cannot_be_sent_is_told_with_its_line(tmp_path: Path) -> None:
    """A rate beyond the connections, less than one request, a choice that oha lacks."""
    project = Project(tmp_path)
    project.server("one")
    project.matrix(
        "one",
        profiles=[
            {"id": "a", "loop": "open", "rate": 1_000_000, "connections": 4},
            {"id": "b", "loop": "open", "rate": 0.01},
            {"id": "c", "loop": "open", "rate": 10, "tool": "oha", "arrivals": "even"},
        ],
    )
    said = project.bench("validate")
    project.matrix("one", profiles=[{"id": "d", "arrivals": "even"}])
    closed = project.bench("validate")

    assert (said.returncode, closed.returncode) == (2, 2)
    assert "profiles[0].arrivals: a closed loop has no arrivals" in closed.stdout
    for words in (
        "profiles[0].rate: a rate of 1e+06/s is more than 4 connections can carry",
        "profiles[1].rate: a rate of 0.01/s is less than one request in a window of 10s",
        "profiles[2].arrivals: oha has no choice of arrivals",
    ):
        assert words in said.stdout, said.stdout
