"""Servers that lie now and then are found out: none of their figures is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.run.helpers import Project

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]

LIARS = {
    "each-tenth": ["--tell-every=10"],
    "hundredth-of-a-connection": ["--lie-on-nth=100"],
    "under-load": ["--lie-above=6"],
}
LOAD = {"connections": 8, "warmup": "0s", "duration": "1s", "timeout": "2s"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One run of all liars and an honest server."""
    project = Project(tmp_path_factory.mktemp("liars"))
    for name, faults in LIARS.items():
        project.server(name, *faults)
    project.server("honest")
    project.matrix("honest", *LIARS, profiles=[{"id": "wrk", **LOAD}])
    done = project.bench("run", "faults")
    assert done.returncode == 1, done.stderr
    return project


def of(project: Project, server: str) -> list[dict[str, Any]]:
    """The trials of a server."""
    return [trial for trial in project.trials() if trial["server"] == server]


@pytest.mark.parametrize("server", LIARS)
def test_a_lie_is_quoted(project: Project, server: str) -> None:
    """The trial is not believed, and the reason holds the first wrong answer."""
    for trial in of(project, server):
        assert trial["status"] == "invalid"
        assert "wrong-response" in trial["reasons"]
        assert trial["sidechannel"]["wrong"] > 0
        assert "POST /json/small (request " in trial["detail"]


def test_an_honest_server_is_believed(project: Project) -> None:
    """Some hundred questions, under load too, and all answers right."""
    trial = of(project, "honest")[-1]
    side = trial["sidechannel"]

    assert trial["status"] in ("valid", "suspect")
    assert (side["wrong"], side["unanswered"]) == (0, 0)
    assert side["right"] == side["asked"] > 450
    assert 0 < side["under_load"] < side["asked"]


def test_one_lie_spoils_the_cell(project: Project) -> None:
    """A server that was caught once is not believed in its other trials: no rate, no verdict."""
    said = project.bench("report", "latest", "--as", "json")
    cells = json.loads(said.stdout)["cells"]

    assert [cell["server"] for cell in cells if cell["metrics"]["throughput_rps"]] == ["honest"]
