"""Commands that look at a project: list, plan, build, verify, show."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.cli.common import printable
from bench.cli.show_command import shell_line
from bench.model.trial_record import CommandRecord
from tests.servers import ground_truth

if TYPE_CHECKING:
    from tests.cli.conftest import Bench

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one good server, one workload and one matrix."""
    folder = tmp_path / "project"
    ground_truth.write_server(folder, "good")
    workloads = folder / "configs" / "workloads"
    workloads.mkdir(parents=True)
    bodies = folder / "configs" / "bodies"
    shutil.copytree(_ROOT / "configs" / "bodies", bodies)
    shutil.copy(_ROOT / "configs" / "workloads" / "json-small.yaml", workloads)
    matrix = {"title": "Mine", "servers": ["good"], "workloads": ["json-small"], "rounds": 2}
    (folder / "configs" / "mine.yaml").write_text(json.dumps(matrix))
    return folder


def test_list(bench: Bench, project: Path) -> None:
    """The user's own servers, workloads and matrices are listed with their titles."""
    assert "Ground truth good" in bench("list", "servers", "--project", str(project)).out
    assert "POST /json/small" in bench("list", "workloads", "--project", str(project)).out
    assert "Mine - 1 servers" in bench("list", "matrices", "--project", str(project)).out
    said = bench("list", "runs", "--project", str(project))
    assert (said.code, said.out) == (0, "")
    assert "no runs in" in said.err


def test_list_json(bench: Bench, project: Path) -> None:
    """--json is one object with a schema version."""
    data = json.loads(bench("list", "matrices", "--json", "--project", str(project)).out)

    assert data["schema_version"] == 1
    assert "mine" in [row["id"] for row in data["matrices"]]


def test_a_broken_file_is_listed_with_its_reason(bench: Bench, project: Path) -> None:
    """What cannot be read is listed all the same."""
    (project / "configs" / "broken.yaml").write_text("title: [")

    assert "broken" in bench("list", "matrices", "--project", str(project)).out


def test_plan(bench: Bench, project: Path) -> None:
    """A plan shows cells, CPUs, time and the order of its seed."""
    argv = ("plan", "mine", "--project", str(project), "--seed", "7", "--servers", "good")
    said = bench(*argv)

    assert said.code == 0
    assert "1 cells x 2 rounds = 2, seed 7" in said.out
    assert "round 2: good.json-small.wrk-c50" in said.out
    assert bench(*argv).out == said.out
    assert json.loads(bench(*argv, "--json").out)["seed"] == 7


def test_dry_run_is_the_plan(bench: Bench, project: Path) -> None:
    """`run --dry-run` prints the plan and starts nothing."""
    argv = ("mine", "--seed", "7", "--project", str(project))

    assert bench("run", "--dry-run", *argv).out == bench("plan", *argv).out
    assert not (project / "reports").exists()


def test_unknown_names(bench: Bench, project: Path) -> None:
    """Unknown matrices, servers and runs are exit 2 and name the nearest."""
    where = ("--project", str(project))
    for argv, near in (
        (("run", "mien"), "mine"),
        (("build", "goood"), "good"),
        (("plan", "mine", "--servers", "godo"), "good"),
        (("show", "nothing"), "list runs"),
    ):
        said = bench(*argv, *where)
        assert said.code == 2
        assert near in said.err
        assert "Traceback" not in said.err


def test_which_matrix(bench: Bench, project: Path) -> None:
    """`bench run` alone asks which matrix, and names them."""
    said = bench("run", "--project", str(project))

    assert said.code == 2
    assert "mine" in said.err


def test_a_duration_that_is_none(bench: Bench, project: Path) -> None:
    """A wrong --duration says what one looks like."""
    said = bench("plan", "mine", "--duration", "5", "--project", str(project))

    assert said.code == 2
    assert "--duration '5': expected a duration such as 500ms, 10s or 2m" in said.err


@pytest.mark.real
def test_build_and_verify(bench: Bench, project: Path) -> None:
    """A server without a build is unchanged; a right one verifies, a wrong one is exit 1."""
    without = dict.fromkeys(("db-read", "db-write"), "it has no database")
    ground_truth.write_server(project, "good", cannot=without)
    ground_truth.write_server(project, "liar", "--lie-after=0")
    ground_truth.write_server(project, "absent", needs=["no-such-compiler"])
    where = ("--project", str(project))
    built = json.loads(bench("build", "good", "absent", "--json", *where).out)["builds"]
    said = bench("verify", "good", "absent", *where)
    wrong = bench("verify", "liar", "--json", *where)

    assert [row["built"] for row in built] == [True, False]
    assert said.code == 0
    assert "86 bytes" in said.out
    assert "skipped" in said.out
    assert wrong.code == 1
    results = json.loads(wrong.out)["results"]
    assert {row["ok"] for row in results if row["workload"] == "json-small"} == {False}


def test_shell_line() -> None:
    """A command can be pasted into a shell: environment, pinning, quoting."""
    record = CommandRecord(
        argv=("wrk", "-t1", "http://127.0.0.1:1/a b"), env={"A": "x y"}, cpus=(1, 2), pid=1, rc=0
    )

    assert shell_line(record) == "env 'A=x y' taskset -c 1,2 wrk -t1 'http://127.0.0.1:1/a b'"


def test_control_characters_are_neutralized() -> None:
    """A server's output cannot steer the terminal."""
    assert printable("a\x1b[2Jb\nc\x07") == "a?[2Jb\nc?"
