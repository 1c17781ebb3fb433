"""Variants of a matrix are made like arms of `bench ab`, and measured like any server."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.run.helpers import Project

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *words: str) -> None:
    """Git with a name of its own."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Project:
    """A project in a git repository whose branch `costly` burns more CPU time."""
    project = Project(tmp_path)
    project.server("mine")
    git(project.root, "init", "-q")
    git(project.root, "add", ".")
    git(project.root, "commit", "-qm", "one")
    git(project.root, "branch", "same")
    git(project.root, "checkout", "-qb", "costly")
    project.server("mine", "--burn-us=50")
    git(project.root, "commit", "-qam", "two")
    git(project.root, "checkout", "-q", "main")
    return project


def plan(project: Project, *words: str) -> dict[str, Any]:
    """The plan of the matrix as JSON."""
    done = project.bench("plan", "faults", "--json", *words)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def variants(project: Project, *entries: dict[str, Any], **keys: Any) -> None:
    """Write a matrix of variants."""
    path = project.matrix(variants=list(entries), **keys)
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if v != []}))


@pytest.mark.needs("wrk")
def test_each_ref_has_a_folder_of_its_own(repository: Project) -> None:
    """What is planned is what is committed there, outside the user's tree."""
    variants(repository, {"id": "mine", "ref": "main"}, {"id": "mine", "ref": "costly"})
    main, costly = plan(repository)["arms"]

    assert [main["name"], costly["name"]] == ["main", "costly"]
    assert "--burn-us=50" in costly["config"]["run"]
    assert "--burn-us=50" not in main["config"]["run"]
    assert main["folder"] != costly["folder"]
    assert not main["folder"].startswith(f"{repository.root}/")
    assert main["source_hash"] != costly["source_hash"]


@pytest.mark.needs("wrk")
def test_what_lies_uncommitted_is_a_variant(repository: Project) -> None:
    """`worktree: true` takes the files as they are; variables are added on top."""
    repository.server("mine", "--burn-us=7")
    worktree = {"id": "mine", "worktree": True, "env": {"THREADS": "2"}}
    variants(repository, {"id": "mine", "ref": "main"}, worktree)
    arm = plan(repository)["arms"][1]

    assert arm["name"] == "worktree"
    assert "--burn-us=7" in arm["config"]["run"]
    assert arm["env"] == {"THREADS": "2"}


@pytest.mark.needs("wrk")
def test_equal_variants_are_copies(repository: Project) -> None:
    """Two names of one content are the noise floor: a duet adds no third copy."""
    refs = [{"id": "mine", "ref": "main"}, {"id": "mine", "ref": "same"}]
    variants(repository, *refs, design="duet")
    arms = plan(repository)["arms"]

    assert [arm["name"] for arm in arms] == ["main", "same"]
    assert len({(arm["server"], arm["folder"], arm["source_hash"]) for arm in arms}) == 1


@pytest.mark.needs("wrk")
def test_only_what_is_asked_for_is_made(repository: Project) -> None:
    """A ref that is gone does no harm to a command line that leaves it out."""
    variants(repository, {"id": "mine", "ref": "main"}, {"id": "mine", "ref": "gone"})

    assert [arm["name"] for arm in plan(repository, "--servers", "main")["arms"]] == ["main"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            {"ref": "mian"},
            ["faults.yaml:1: variants[0].ref: there is no ref 'mian'", "did you mean main?"],
        ),
        ({"with": "lib==1"}, ["variants[0].with: with lib==1: the build of this server uses none"]),
        ({"ref": "main", "as": "b"}, ["variants[0].id: there is a server mine.b already"]),
    ],
)
@pytest.mark.needs("wrk")
def test_what_cannot_be_made_is_told_with_its_line(
    repository: Project, entry: dict[str, Any], said: list[str]
) -> None:
    """File, line, key, and the words of `bench ab`; exit 2."""
    repository.server("mine.b")
    variants(repository, {"id": "mine", **entry})
    done = repository.bench("plan", "faults")

    assert done.returncode == 2
    assert [words for words in said if words not in done.stderr] == [], done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.needs("wrk")
def test_a_ref_without_a_repository(tmp_path: Path) -> None:
    """The message names the line of the variant and what is missing."""
    project = Project(tmp_path)
    project.server("mine")
    variants(project, {"id": "mine", "ref": "main"})
    done = project.bench("plan", "faults")

    assert done.returncode == 2
    assert "variants[0].ref: " in done.stderr
    assert "not in a git repository" in done.stderr


def test_validate_makes_nothing(repository: Project) -> None:
    """A matrix is right as long as its servers are there; git is not asked."""
    variants(repository, {"id": "mine", "ref": "gone"})
    done = repository.bench("validate")

    assert done.returncode == 0, done.stderr


@pytest.mark.real
@pytest.mark.untraced
@pytest.mark.needs("wrk")
@pytest.mark.parametrize("design", ["blocks", "duet"])
def test_a_run_measures_variants(repository: Project, design: str) -> None:
    """`bench run` measures each ref under its name, and resumes what it made."""
    refs = [{"id": "mine", "ref": "main"}, {"id": "mine", "ref": "costly"}]
    variants(repository, *refs, design=design)
    done = repository.bench("run", "faults", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)

    measured = {trial["server"] for trial in repository.trials()}
    assert "costly" in measured
    assert {cell["server"] for cell in summary["cells"]} >= {"main", "costly"}
    again = repository.bench("run", "--resume", "latest", "--json")
    assert again.returncode == 0, again.stderr
    assert "nothing to go on with" in again.stderr
