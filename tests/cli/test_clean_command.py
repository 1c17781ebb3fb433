"""`bench clean`: what is offered, what is kept, and what happens without an answer."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from bench.store.run_directory import RunDirectory
from tests.factories import Truth, run_data

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Bench

_INFO = run_data({"axum": Truth()}, rounds=1).info
OLD, NEW = "main-run", "20261129T000000Z-x"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an older run that has a name of its own, and a newer one."""
    root = tmp_path / "project"
    (root / "configs").mkdir(parents=True)
    for name, started in ((OLD, "2026-11-01T00:00:00Z"), (NEW, "2026-11-29T00:00:00Z")):
        run = RunDirectory.create(root / "reports", name)
        run.write_model("run.json", _INFO.model_copy(update={"started": started}))
    return root


def test_the_newest_run_is_kept(bench: Bench, project: Path) -> None:
    """By when it began, not by its name."""
    said = bench("clean", "--runs", "--keep", "1", "--yes", "--project", str(project))

    assert said.code == 0, said.err
    assert [path.name for path in (project / "reports").iterdir()] == [NEW]


@pytest.mark.parametrize(
    ("answer", "code", "left"), [("n\n", 0, {OLD, NEW}), ("", 2, {OLD, NEW}), ("y\n", 0, {NEW})]
)
@pytest.mark.parametrize("as_json", [True, False])
def test_the_answer_counts(
    bench: Bench,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    answer: str,
    code: int,
    left: set[str],
    as_json: bool,
) -> None:
    """No is exit 0, no answer is exit 2; the JSON says what was removed in the end."""
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    argv = ["clean", "--runs", "--keep", "1", "--project", str(project)]
    said = bench(*argv, *(["--json"] if as_json else []))

    assert said.code == code, said.err
    assert {path.name for path in (project / "reports").iterdir()} == left
    assert ("give --yes" in said.err) is (code == 2)
    if as_json:
        (row,) = json.loads(said.out)["items"]
        assert row["removed"] is (OLD not in left)


def test_no_stdin_at_all(bench: Bench, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed by the shell (`<&-`): the same as one without an answer."""
    monkeypatch.setattr("sys.stdin", None)
    said = bench("clean", "--runs", "--keep", "0", "--project", str(project))

    assert said.code == 2
    assert "give --yes" in said.err


def test_builds_are_those_of_the_project(
    bench: Bench, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was built of the servers that come with bench is not this project's to remove."""
    shared = tmp_path / "installed"
    (shared / "configs").mkdir(parents=True)
    for root, name in ((shared, "theirs"), (project, "mine")):
        (root / "servers" / name / "target").mkdir(parents=True)
        (root / "servers" / name / "server.yaml").write_text("")
    monkeypatch.setattr("bench.plans.project.builtin_root", lambda _: shared)
    said = bench("clean", "--builds", "--yes", "--json", "--project", str(project))

    assert said.code == 0, said.err
    assert [row["path"] for row in json.loads(said.out)["items"]] == [
        str(project / "servers" / "mine" / "target")
    ]
    assert (shared / "servers" / "theirs" / "target").is_dir()
