"""`bench bisect` with real servers: the commit that burns more CPU is named."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from bench.errors import BuildError
from bench.model.bisect import BisectAsked
from bench.plans.project import find_project
from bench.run.bisecting import BisectMeasuring, BisectParts
from bench.run.start import Options
from bench.store.bisect_files import BisectFolder
from tests.cli.test_bisect_command import git
from tests.run.helpers import Project
from tests.servers.ground_truth import TRUTH

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


_NPM = """#!/bin/sh
test "$1" = view && exec echo '["5.0.0", "5.1.0", "5.2.0"]'
for word; do last=$word; done
echo "${last#*@}" > version
"""
_SERVE = """case $(cat version) in 5.2.0) us=1500 ;; *) us=500 ;; esac
exec "$1" "$2" "--port=$3" "--burn-us=$us"
"""


@pytest.mark.real
@pytest.mark.needs("wrk")
def test_bisect_names_the_version_of_a_dependency(tmp_path: Path) -> None:
    """Each version is installed into a copy and served from there; the costlier one is named."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "npm").write_text(_NPM)
    (tools / "npm").chmod(0o755)
    project = Project(tmp_path, path=tools)
    run = ["sh", "serve.sh", sys.executable, str(TRUTH), "{port}"]
    project.server("mine", build=[["npm", "ci"]], run=run)
    folder = project.root / "servers" / "mine"
    (folder / "package.json").write_text('{"dependencies": {"fastify": "^5.0.0"}}')
    (folder / "serve.sh").write_text(_SERVE)
    words = ("mine", "--with", "fastify", "--good", "5.1.0", "--bad", "5.2.0", *_SHORT)
    done = project.bench("bisect", *words, "--detect", "30%")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("fastify 5.2.0: a request costs "), done.stdout
    assert done.stdout.endswith("of what it costs with 5.1.0\n")
    assert not (folder / "version").exists()
    assert project.nothing_left()


def test_a_submodule_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit with one is passed over with the reason; bad itself has to be whole."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = Project(tmp_path)
    library = tmp_path / "library"
    library.mkdir()
    project.server("mine")
    for root in (library, project.root):
        git(root, "init", "-q")
        git(root, "add", ".")
        git(root, "commit", "-q", "--allow-empty", "-m", "first")
    allowed = ("-c", "protocol.file.allow=always")
    git(project.root, *allowed, "submodule", "add", "-q", str(library), "lib")
    git(project.root, "commit", "-qm", "with a library")
    git(project.root, "rm", "-q", "lib")
    git(project.root, "commit", "-qm", "without it")
    good, between, bad = git(project.root, "rev-list", "--reverse", "HEAD").split()
    asked = BisectAsked(
        server="mine",
        good=good,
        bad=bad,
        named=("good", "bad"),
        workload="json-small",
        detect=0.05,
        max_time_s=60,
        connections=8,
        duration="1s",
        warmup="0s",
    )

    def measure(asked: BisectAsked) -> str:
        folder = BisectFolder.create(project.root / "reports", "one", asked)
        found = find_project(project.root, project.root)
        parts = BisectParts(found, asked, folder, Options(), NotImplemented, NotImplemented)
        looked = BisectMeasuring(parts)(between, (good,), 2)
        assert looked is not None
        return looked.failure

    assert measure(asked) == "the submodule lib is not checked out"
    with pytest.raises(BuildError, match="submodule update --init --recursive"):
        measure(asked.model_copy(update={"bad": between}))
