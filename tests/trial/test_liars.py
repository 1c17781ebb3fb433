"""Servers that lie now and then are found out: none of their figures is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.run.helpers import Project
from tests.servers import ground_truth

pytestmark = [pytest.mark.real, pytest.mark.untraced, pytest.mark.needs("wrk", "oha", "paced")]

LIARS = {
    "each-tenth": ["--tell-every=10"],
    "hundredth-of-a-connection": ["--lie-on-nth=100"],
    "under-load": ["--lie-above=6"],
}
LOAD = {"connections": 8, "warmup": "0s", "duration": "1s", "timeout": "10s"}
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

    assert any(caught(trial, server) for trial in trials) or (
        # A slow machine does not get as far as to the thousandth request.
        server == "each-thousandth" and not any(lies(others, trial) for trial in trials)
    )


def caught(trial: dict[str, Any], server: str) -> bool:
    """Whether a wrong answer is quoted, or of one in a thousand at least seen by the bytes."""
    quoted = "wrong-response" in trial["reasons"] and "POST /json/small" in trial["detail"]
    seen = server == "each-thousandth" and "bytes-mismatch" in trial["reasons"]
    return trial["status"] in ("invalid", "failed") and (quoted or seen)


def lies(project: Project, trial: dict[str, Any]) -> int:
    """How many the server told in a trial, by its own account."""
    folder = project.runs()[-1] / "trials" / trial["trial"]
    return ground_truth.counts_in((folder / "server.log").read_text())["lies"]


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["wrk", "paced"])
def test_a_lie_to_one_kind_of_a_mix_is_quoted(mix: Project, tool: str) -> None:
    """The kind is named."""
    trials = [trial for trial in of(mix, "one-kind") if trial["profile"] == tool]

    assert any(
        "wrong-response" in trial["reasons"] and "/users/" in trial["detail"] for trial in trials
    )


def of(project: Project, server: str) -> list[dict[str, Any]]:
    """The trials of a server."""
    return [trial for trial in project.trials() if trial["server"] == server]


@pytest.mark.parametrize("server", LIARS)
def test_a_lie_is_quoted(project: Project, server: str) -> None:
    """The trial is not believed, and the reason holds the first wrong answer."""
    quoting = [one for one in of(project, server) if "wrong-response" in one["reasons"]]

    assert quoting
    for trial in quoting:
        assert trial["status"] == "invalid"
        assert trial["sidechannel"]["wrong"] > 0
        assert "POST /json/small (request " in trial["detail"]


def test_an_honest_server_is_believed(project: Project) -> None:
    """Some hundred questions, under load too, and all answers right.

    A slow machine leaves time for one long connection only, and some answers come late.
    """
    trial = of(project, "honest")[-1]
    side = trial["sidechannel"]

    assert trial["status"] in ("valid", "suspect")
    assert side["wrong"] == 0
    assert side["right"] == side["asked"] - side["unanswered"] > 100
    assert 0 < side["under_load"] < side["asked"]


def test_one_lie_spoils_the_cell(project: Project) -> None:
    """A server that was caught once is not believed in its other trials: no rate, no verdict."""
    said = project.bench("report", "latest", "--as", "json")
    cells = json.loads(said.stdout)["cells"]

    assert [cell["server"] for cell in cells if cell["metrics"]["throughput_rps"]] == ["honest"]
