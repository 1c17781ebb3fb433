"""`bench validate`: output, exit codes, speed."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner, Result

from bench.cli import bench
from tests.plans.helpers import MATRIX, ROOT, SERVER, write_project

if TYPE_CHECKING:
    import pytest


def _run(*args: str) -> tuple[int, Result]:
    result = CliRunner().invoke(bench, ["validate", *args], standalone_mode=False)
    assert result.exception is None, result.exception
    return result.return_value, result


def test_good_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No problems: nothing on stdout, a summary on stderr, exit code 0."""
    write_project(tmp_path)
    monkeypatch.chdir(tmp_path)

    code, result = _run()

    assert (code, result.stdout) == (0, "")
    assert result.stderr == "4 files checked: no problems\n"


def test_problems_are_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Problems: one a line on stdout as file:line: key: words, exit code 2."""
    write_project(tmp_path, matrix=MATRIX + "roundz: 5\nmargin: 2\n")
    monkeypatch.chdir(tmp_path)

    code, result = _run()

    percentage = "expected a percentage such as 2% or 0.5%"
    assert code == 2
    assert result.stdout.splitlines() == [
        "configs/m.yaml:3: roundz: unknown key (did you mean rounds?)",
        f"configs/m.yaml:4: margin: {percentage}, got 2 (did you mean 2%?)",
    ]
    assert result.stderr == "4 files checked: 2 problems\n"


def test_json(tmp_path: Path) -> None:
    """--json prints one object with every problem's parts."""
    write_project(tmp_path, server=SERVER + "x: 1\n")

    code, result = _run("--json", "--project", str(tmp_path), str(tmp_path / "servers" / "one"))

    assert code == 2
    data = json.loads(result.stdout)
    assert data["schema_version"] == 1
    assert [Path(name).name for name in data["files"]] == ["server.yaml"]
    [problem] = data["problems"]
    assert (problem["line"], problem["key"], problem["message"]) == (2, "x", "unknown key")
    assert problem["advice"].startswith("expected one of build, cannot, env")


def test_files_of_several_projects(tmp_path: Path) -> None:
    """Each file is checked within the project that it lies in."""
    for name in ("a", "b"):
        write_project(tmp_path / name)
    (tmp_path / "b" / "servers" / "two" / "server.yaml").write_text("run: [x]\n")
    loose = tmp_path / "loose.yaml"
    loose.write_text("requests: []\n")

    code, result = _run(
        *(str(tmp_path / name / "configs" / "m.yaml") for name in ("a", "b")), str(loose)
    )

    assert code == 2
    lines = [line.removeprefix(f"{tmp_path}/") for line in result.stdout.splitlines()]
    assert [line.split(": ")[0] for line in lines] == [
        "b/servers/two/server.yaml:1",
        "loose.yaml:1",
    ]


def test_folder_of_a_project(tmp_path: Path) -> None:
    """A folder that is a project is checked as a whole, beside single files."""
    write_project(tmp_path / "p")
    (tmp_path / "p" / "servers" / "two" / "server.yaml").write_text("run: [x]\n")
    write_project(tmp_path / "q")

    code, result = _run(str(tmp_path / "p"), str(tmp_path / "q" / "configs" / "m.yaml"))

    assert code == 2
    assert "p/servers/two/server.yaml:1: run: the server is not given its port" in result.stdout
    assert result.stderr == "5 files checked: 1 problem\n"


def test_one_file_one_problem(tmp_path: Path) -> None:
    """The summary counts in the singular."""
    (tmp_path / "x.yaml").write_text("")

    assert _run(str(tmp_path / "x.yaml"))[1].stderr == "1 file checked: 1 problem\n"


_LOOP = "sum(i * i for i in range(5_000_000))"
"""Takes 0.4 to 0.7 s of CPU time, as fast as the machine is just now."""


def _cpu_s(*words: str) -> float:
    """CPU time of a Python of its own, without coverage, which takes two to three times as long."""
    untraced = {name: text for name, text in os.environ.items() if not name.startswith("COV")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT, env=untraced, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def test_committed_project_soon() -> None:
    """The whole project that comes with bench is good, and checked in a second of CPU time.

    That is three times what a loop takes which is run in turn with it: 1.2 s were seen, of both,
    while this machine was slow.
    """
    rounds = [(_cpu_s("-m", "bench", "validate"), _cpu_s("-c", _LOOP)) for _ in range(3)]

    assert min(ours for ours, _ in rounds) < 3 * min(loop for _, loop in rounds)
