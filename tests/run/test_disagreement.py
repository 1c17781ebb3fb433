"""What does not fit together is said: bytes and responses, connections, and the ceiling."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.run.helpers import Project

pytestmark = [pytest.mark.real, pytest.mark.alone, pytest.mark.needs("wrk")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One run of all servers; the delay makes rates those of the delay, not of the machine."""
    project = Project(tmp_path_factory.mktemp("disagreement"))
    servers = {
        "honest": ["--delay-ms=50"],
        "padding": ["--delay-ms=50", "--pad-after=60"],
        "crowded": ["--delay-ms=50", "--most-connections=3"],
        "half": ["--delay-ms=150"],
        "ceiling": ["--delay-ms=50"],
    }
    for name, faults in servers.items():
        project.server(name, *faults)
    project.matrix("honest", "padding", "crowded", "half", ceiling=True)
    done = project.bench("run", "faults")
    # 1: where none of the eight got in, its cell has no usable trial, and says so all the same.
    assert done.returncode in (0, 1), done.stderr
    return project


def found(project: Project, server: str) -> dict[str, dict[str, Any]]:
    """Findings of one server's trials, by code; one that was invalid was run again."""
    trials = [trial for trial in project.trials() if trial["server"] == server]
    return {found["code"]: found for trial in trials for found in trial["findings"]}


def test_longer_answers_under_load_are_noticed(project: Project) -> None:
    """Answers that mean the same but are longer than those verified: the bytes tell."""
    assert "bytes-mismatch" in found(project, "padding")
    assert "bytes-mismatch" not in found(project, "honest")


def test_connections_that_were_never_opened_are_counted(project: Project) -> None:
    """A server that lets three in at most has fewer than the eight asked for."""
    told = found(project, "crowded")["connections-short"]

    assert 0 <= told["evidence"]["seen"] < told["evidence"]["asked"] == 8
    assert "connections-short" not in found(project, "honest")


def test_as_fast_as_the_ceiling_is_a_lower_bound(project: Project) -> None:
    """A cell at the rate of the ceiling server is marked, one at a third of it is not."""
    said = project.bench("report", "latest", "--as", "json")
    cells = {cell["server"]: cell["findings"] for cell in json.loads(said.stdout)["cells"]}

    assert "near-ceiling" in cells["honest"]
    assert "near-ceiling" not in cells["half"]
    assert "near-ceiling" not in cells["ceiling"]
