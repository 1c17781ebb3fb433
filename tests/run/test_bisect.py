"""`bench bisect` with real servers: the commit that burns more CPU is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_bisect_command import git
from tests.run.helpers import Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def history(tmp_path: Path) -> Project:
    """Six commits of a server: the third does not build, the fifth burns thrice the CPU time."""
    project = Project(tmp_path)
    git(project.root, "init", "-q")
    (project.root / ".gitignore").write_text("reports\n")
    for number in range(1, 7):
        build = {"build": [["false"]]} if number == 3 else {}
        project.server("mine", f"--burn-us={1500 if number >= 5 else 500}", **build)
        (project.root / "note").write_text(str(number))
        git(project.root, "add", ".")
        git(project.root, "commit", "-qm", f"change {number}")
    git(project.root, "tag", "v1", "main~5")
    return project


_SHORT = ("--workload", "json-small", "--duration", "500ms", "--warmup", "0s", "--connections", "8")


@pytest.mark.real
@pytest.mark.alone
@pytest.mark.needs("wrk")
def test_bisect_names_the_commit_that_burns_more(history: Project) -> None:
    """The end of the time names a range; gone on with, it names the commit, and what it passed.

    The user's tree stays as it was, with what lies there uncommitted.
    """
    (history.root / "note").write_text("not committed")
    words = ("mine", "--good", "v1", "--bad", "main", *_SHORT, "--detect", "30%")
    late = history.bench("bisect", *words, "--max-time", "7s")
    done = history.bench("bisect", "--resume", "latest", "--max-time", "10m", "--json")
    found = json.loads(done.stdout)
    commits = git(history.root, "rev-list", "--reverse", "main").split()

    assert late.returncode == 1, late.stderr
    assert "one of 5: " in late.stdout
    assert done.returncode == 0, done.stderr
    assert (found["culprit"], found["candidates"]) == (commits[4], [commits[4]])
    assert found["low"] > 1.3
    assert [each["commit"] for each in found["skipped"]] == [commits[2]]
    assert found["steps"][-1]["against"] == commits[3]
    assert git(history.root, "status", "--porcelain").split() == ["M", "note"]
    assert (history.root / "note").read_text() == "not committed"
    assert history.nothing_left()
