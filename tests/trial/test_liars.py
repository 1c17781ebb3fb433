"""Servers that lie now and then are found out: none of their figures is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.run.helpers import Project

pytestmark = [pytest.mark.real, pytest.mark.untraced, pytest.mark.needs("wrk", "oha", "paced")]

LIARS = {
    "each-tenth": ["--tell-every=10"],
    "hundredth-of-a-connection": ["--lie-on-nth=100"],
    "under-load": ["--lie-above=6"],
}
LOAD = {"connections": 8, "warmup": "0s", "duration": "1s", "timeout": "2s"}
PACED = {"tool": "paced", "loop": "open", "rate": 2000}
OTHERS = {
    "each-tenth": ["--tell-every=10"],
    "each-thousandth": ["--tell-every=1000"],
    "hundredth-of-a-connection": ["--lie-on-nth=100"],
    "same-length-under-load": ["--lie-above=6"],
}


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


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same by oha, and by paced at a rate."""
    project = Project(tmp_path_factory.mktemp("others"))
    for name, faults in OTHERS.items():
        project.server(name, *faults)
    profiles = [{"id": "oha", "tool": "oha", **LOAD}, {"id": "paced", **LOAD, **PACED}]
    project.matrix(*OTHERS, profiles=profiles)
    done = project.bench("run", "faults")
    assert done.returncode == 1, done.stderr
    return project


@pytest.fixture(scope="module")
def mix(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A server that lies to one kind of a mix only."""
    project = Project(tmp_path_factory.mktemp("mix"))
    project.server("one-kind", "--tell-every=25", "--lie-path=/users/")
    profiles = [{"id": "wrk", **LOAD}, {"id": "paced", **LOAD, **PACED}]
    project.matrix("one-kind", profiles=profiles, workloads=["mixed"])
    done = project.bench("run", "faults")
    assert done.returncode == 1, done.stderr
    return project


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["oha", "paced"])
@pytest.mark.parametrize("server", OTHERS)
def test_a_lie_to_another_load_tool_is_quoted(others: Project, server: str, tool: str) -> None:
    """Never believed; a wrong answer is quoted, or the bytes of all answers give it away."""
    trials = [trial for trial in of(others, server) if trial["profile"] == tool]

    assert trials
    for trial in trials:
        assert trial["status"] in ("invalid", "failed")
        quoted = "wrong-response" in trial["reasons"] and "POST /json/small" in trial["detail"]
        assert quoted or (server == "each-thousandth" and "bytes-mismatch" in trial["reasons"])


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["wrk", "paced"])
def test_a_lie_to_one_kind_of_a_mix_is_quoted(mix: Project, tool: str) -> None:
    """The kind is named."""
    trials = [trial for trial in of(mix, "one-kind") if trial["profile"] == tool]

    assert trials
    for trial in trials:
        assert "wrong-response" in trial["reasons"]
        assert "/users/" in trial["detail"]


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
