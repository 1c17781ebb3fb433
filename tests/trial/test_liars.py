"""Servers that lie now and then are found out: none of their figures is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.run.helpers import Project

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk", "oha")]

LIARS = {
    "each-tenth": ["--tell-every=10"],
    "one-of-200": ["--tell-every=200"],
    "same-length": ["--lie-every=100"],
    "hundredth-of-a-connection": ["--lie-on-nth=100"],
    "under-load": ["--lie-above=6"],
}
LOAD = {"connections": 8, "warmup": "1s", "duration": "1s", "timeout": "2s"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One run of all liars and an honest server, with each load tool."""
    project = Project(tmp_path_factory.mktemp("liars"))
    for name, faults in LIARS.items():
        project.server(name, *faults)
    project.server("honest")
    profiles = [{"id": "wrk", **LOAD}, {"id": "oha", "tool": "oha", **LOAD}]
    project.matrix("honest", *LIARS, profiles=profiles)
    done = project.bench("run", "faults")
    assert done.returncode == 1, done.stderr
    return project


def of(project: Project, server: str, profile: str) -> list[dict[str, Any]]:
    """The trials of a cell."""
    return [t for t in project.trials() if (t["server"], t["profile"]) == (server, profile)]


@pytest.mark.parametrize("profile", ["wrk", "oha"])
@pytest.mark.parametrize("server", LIARS)
def test_a_lie_is_quoted(project: Project, server: str, profile: str) -> None:
    """The trial is not believed, and the reason holds the first wrong answer."""
    for trial in of(project, server, profile):
        assert trial["status"] == "invalid"
        assert "wrong-response" in trial["reasons"]
        assert trial["sidechannel"]["wrong"] > 0
        assert "POST /json/small (request " in trial["detail"]


@pytest.mark.parametrize("profile", ["wrk", "oha"])
def test_an_honest_server_is_believed(project: Project, profile: str) -> None:
    """Some hundred questions, under load too, and all answers right."""
    trial = of(project, "honest", profile)[-1]
    side = trial["sidechannel"]

    assert trial["status"] in ("valid", "suspect")
    assert (side["wrong"], side["unanswered"]) == (0, 0)
    assert side["right"] == side["asked"] > 450
    assert side["under_load"] > 50


def test_one_lie_spoils_the_cell(project: Project) -> None:
    """A server that was caught once is not believed in its other trials: no rate, no verdict."""
    said = project.bench("report", "latest", "--as", "json")
    cells = json.loads(said.stdout)["cells"]

    assert [cell["server"] for cell in cells if cell["metrics"]["throughput_rps"]] == ["honest"] * 2
