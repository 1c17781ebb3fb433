"""`bench check` finds whatever was changed in a run; `bench clean` removes only what is named."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from bench.errors import UsageError
from bench.reports.wording.findings import in_words as told
from bench.run.opening import check_run, open_run
from tests.run.helpers import Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]
_TRIAL = "r01-one.json-small.wrk-c8"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one finished run of two trials."""
    project = Project(tmp_path_factory.mktemp("measured"))
    project.server("one")
    project.matrix("one", rounds=2)
    assert project.bench("run", "faults").returncode == 0
    return project


@pytest.fixture
def run(measured: Project, tmp_path: Path) -> Path:
    """A copy of the run that may be damaged."""
    source = measured.runs()[0]
    return shutil.copytree(source, tmp_path / source.name)


def test_an_untouched_run(run: Path, measured: Project) -> None:
    """Every file of a fresh run is what it should be, wherever the run was copied to."""
    checked, found = check_run(run)
    done = measured.bench("check", "latest", "--json")
    said = json.loads(done.stdout)

    assert found == ()
    assert checked > 10
    assert done.returncode == 0
    assert said["checked"] == checked
    assert said["mismatches"] == []


def _edit(name: str) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        path = next(run.glob(name))
        path.write_bytes(path.read_bytes().replace(b"1", b"2") + b" ")

    return edit


def _remove(name: str) -> Callable[[Path], None]:
    return lambda run: next(run.glob(name)).unlink()


def _tear(run: Path) -> None:
    path = run / "trials.jsonl"
    path.write_bytes(path.read_bytes()[:-100])


DAMAGE: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "raw output": (_edit(f"trials/{_TRIAL}/load-0/wrk.json"), "wrk.json", "its content changed"),
    "log": (_edit(f"trials/{_TRIAL}/server.log"), "server.log", "its content changed"),
    "histogram": (_edit(f"trials/{_TRIAL}/histogram.json"), "histogram.json", "changed"),
    "lost output": (_remove(f"trials/{_TRIAL}/load-0/wrk.json"), "wrk.json", "No such file"),
    "record": (_edit(f"trials/{_TRIAL}/trial.json"), "trial.json", ""),
    "lost record": (_remove(f"trials/{_TRIAL}/trial.json"), "trial.json", "cannot be read"),
    "report": (_edit("report.md"), "report.md", "differs from what the data give now"),
    "summary": (_edit("summary.json"), "summary.json", "differs from what the data give now"),
    "torn line": (_tear, "trials.jsonl", ": torn"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_named(run: Path, kind: str) -> None:
    """What was changed, lost or torn is named with its file and reason."""
    damage, file, reason = DAMAGE[kind]
    damage(run)
    _, found = check_run(run)

    assert any(item.file.endswith(file) and reason in item.reason for item in found), found


def test_a_deleted_report_is_no_damage(run: Path) -> None:
    """Derived files may be deleted: they can be made again, byte for byte."""
    for name in ("report.md", "report.html", "summary.json"):
        (run / name).unlink()
    shutil.rmtree(run / "charts")

    assert check_run(run)[1] == ()


def test_any_prefix_is_a_run(run: Path) -> None:
    """Cut anywhere, trials.jsonl is a run with the whole lines, and the torn one is told."""
    data = (run / "trials.jsonl").read_bytes()
    for size in range(0, len(data), 997):
        (run / "trials.jsonl").write_bytes(data[:size])
        view = open_run(run)
        codes = [item.code for item in view.summary.findings]

        # A record that lacks nothing but its line break is whole.
        whole = size if data[size : size + 1] != b"\n" else size + 1
        assert len(view.trials) == data[:whole].count(b"\n")
        assert ("damaged-record" in codes) == (not data[:whole].endswith(b"\n") and size > 0)


def test_a_damaged_line_is_set_aside(run: Path) -> None:
    """A line in the middle that is no record is told with its number; the others stay."""
    lines = (run / "trials.jsonl").read_bytes().splitlines()
    (run / "trials.jsonl").write_bytes(b'{"trial": 5}\n' + lines[-1] + b"\n")
    view = open_run(run)
    found = next(item for item in view.summary.findings if item.code == "damaged-record")

    assert [trial.round for trial in view.trials] == [2]
    assert told(found).text.startswith("line 1 of trials.jsonl was set aside")


def test_not_a_run(tmp_path: Path) -> None:
    """A folder that is no run directory is an error of usage."""
    with pytest.raises(UsageError, match=r"run.json is missing"):
        check_run(tmp_path)


def test_the_command_fails_on_damage(tmp_path: Path) -> None:
    """`bench check` exits 1 and prints a line for each mismatch."""
    project = Project(tmp_path)
    project.server("one")
    project.matrix("one")
    assert project.bench("run", "faults").returncode == 0
    (project.runs()[0] / "report.md").write_text("better numbers")
    done = project.bench("check", "latest")

    assert done.returncode == 1
    assert "report.md: differs from what the data give now" in done.stdout


def test_clean(measured: Project, tmp_path: Path) -> None:
    """Nothing goes unnamed; a kept run and what is committed stay."""
    project = Project(tmp_path)
    project.server("one", build=[["mkdir", "-p", "target"]])
    reports = project.root / "reports"
    source = measured.runs()[0]
    for day in (1, 2, 3):
        shutil.copytree(source, reports / f"2026010{day}T000000Z-faults-aaaaaa")
    (reports / "RESULTS.md").write_text("committed")
    target = project.root / "servers" / "one" / "target"
    target.mkdir()
    shown = project.bench("clean")
    declined = project.bench("clean", "--runs", "--keep", "1", input="n\n")

    assert shown.returncode == 0
    assert len(project.runs()) == 3
    assert declined.returncode == 0  # "n" is an answer
    assert len(project.runs()) == 3

    done = project.bench("clean", "--runs", "--keep", "1", "--yes")
    assert done.returncode == 0, done.stderr
    assert [run.name[:8] for run in project.runs()] == ["20260103"]
    assert target.is_dir()

    project.bench("clean", "--builds", "--yes")
    assert not target.exists()
    assert (reports / "RESULTS.md").read_text() == "committed"
    assert len(project.runs()) == 1
