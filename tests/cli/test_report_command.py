"""`bench report` prints, writes a file, or renews the run's derived files."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bench.cli.report_command import FORMS, command
from bench.errors import UsageError
from bench.reports import REPORTS
from bench.store.run_directory import RunDirectory
from tests.factories import Truth, run_data

if TYPE_CHECKING:
    from pathlib import Path

NAME = "20261123T120000Z-synthetic-abc123"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one finished run."""
    data = run_data({"axum": Truth(), "spikard": Truth(rps=18_000)}, rounds=3)
    run = RunDirectory.create(tmp_path / "reports", NAME)
    run.write_model("run.json", data.info)
    run.write_model("plan.json", data.plan)
    run.write_model("host.json", data.host)
    run.write_model("findings.json", ())
    for trial in data.trials:
        run.append_trial(trial)
    return tmp_path


def test_forms_are_the_reports() -> None:
    """The option offers exactly the reports that there are."""
    assert set(FORMS) == set(REPORTS)


def test_prints_the_terminal_form(project: Path) -> None:
    """Without options the report is for a terminal, and stdout holds nothing else."""
    result = CliRunner().invoke(command, ["latest", "--project", str(project)])

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Synthetic run\n====")


def test_json_is_short_for_as_json(project: Path) -> None:
    """--json prints what --as json prints, and does not go with another form."""
    where = ["--project", str(project)]
    short = CliRunner().invoke(command, ["latest", "--json", *where])
    long = CliRunner().invoke(command, ["latest", "--as", "json", *where])
    both = CliRunner().invoke(command, ["latest", "--json", "--as", "csv", *where])

    assert short.exit_code == 0
    assert short.stdout == long.stdout
    assert isinstance(both.exception, UsageError)


def test_the_run_is_found_from_below(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of the project its runs have their names, as everywhere."""
    (project / "configs").mkdir()
    monkeypatch.chdir(project / "configs")
    result = CliRunner().invoke(command, ["latest"])

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Synthetic run\n====")


def test_help_has_one_example_a_line() -> None:
    """The examples are not run together."""
    said = CliRunner().invoke(command, ["--help"]).stdout

    assert "  bench report latest --as markdown\n" in said


def test_output_chooses_the_form_and_writes_charts(project: Path, tmp_path: Path) -> None:
    """The name after --output says the form; charts stand beside the file."""
    target = tmp_path / "out" / "r.md"
    argv = [NAME, "--output", str(target), "--project", str(project)]
    result = CliRunner().invoke(command, argv)

    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert target.read_text(encoding="utf-8").startswith("# Synthetic run\n")
    assert (target.parent / "charts" / "throughput.svg").is_file()


def test_write_renews_byte_for_byte(project: Path) -> None:
    """Derived files can be deleted and come back as they were."""
    argv = [NAME, "--write", "--project", str(project)]
    page = project / "reports" / NAME / "report.md"
    assert CliRunner().invoke(command, argv).exit_code == 0
    before = page.read_bytes()
    page.unlink()
    assert CliRunner().invoke(command, argv).exit_code == 0

    assert page.read_bytes() == before


def test_unknown_run_is_a_usage_error(tmp_path: Path) -> None:
    """A run that is not there is named, with what to do."""
    result = CliRunner().invoke(command, ["nothing", "--project", str(tmp_path)])

    assert isinstance(result.exception, UsageError)


def test_publish_removes_its_own_old_charts_only(project: Path) -> None:
    """What the report before showed and bench drew goes; other pictures in the folder stay."""
    where = ["latest", "--project", str(project), "--publish", str(project / "docs" / "RESULTS.md")]
    CliRunner().invoke(command, where, catch_exceptions=False)
    charts = project / "docs" / "charts"
    fresh = {path.name: path.read_bytes() for path in charts.iterdir()}
    drawn = fresh["throughput.svg"]
    for name in ("old", "of-another-report"):
        (charts / f"{name}.svg").write_bytes(drawn)
    for name in ("architecture", "mine"):
        (charts / f"{name}.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"></svg>')
    with (project / "docs" / "RESULTS.md").open("a") as report:
        report.write('<img src="charts/old.svg"><img src="charts/mine.svg">')
    CliRunner().invoke(command, where, catch_exceptions=False)

    mine = {"architecture.svg", "mine.svg", "of-another-report.svg"}
    assert {path.name for path in charts.iterdir()} == {*fresh, *mine}
    assert (charts / "throughput.svg").read_bytes() == drawn


@pytest.mark.parametrize("option", ["--output", "--publish"])
def test_a_pipe_is_written_into(project: Path, tmp_path: Path, option: str) -> None:
    """It stays a pipe, its reader gets the report, and no charts lie beside it."""
    pipe = tmp_path / "pipes" / "p"
    pipe.parent.mkdir()
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    where = [NAME, "--project", str(project), option, str(pipe)]
    form = ["--as", "results"] if option == "--output" else []
    result = CliRunner().invoke(command, [*where, *form])
    reader.join(10)

    assert result.exit_code == 0, result.output
    assert got[0].startswith(b"# ")
    assert pipe.is_fifo()
    assert [path.name for path in pipe.parent.iterdir()] == ["p"]


@pytest.mark.parametrize("option", ["--output", "--publish"])
@pytest.mark.parametrize("there", [True, False])
def test_a_symbolic_link_is_followed(
    project: Path, tmp_path: Path, option: str, *, there: bool
) -> None:
    """It stays a link; the file that it leads to is replaced or made."""
    real, link = tmp_path / "elsewhere" / "real.md", tmp_path / "out" / "link.md"
    real.parent.mkdir()
    link.parent.mkdir()
    if there:
        real.write_text("old")
    link.symlink_to(real)
    result = CliRunner().invoke(command, [NAME, "--project", str(project), option, str(link)])

    assert result.exit_code == 0, result.output
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8").startswith("# ")
    assert [path.name for path in real.parent.iterdir()] == ["real.md"]


def test_what_stdout_already_holds_stays(project: Path, tmp_path: Path) -> None:
    """/dev/stdout that the shell sent to a file: the report stands behind what was there."""
    target = tmp_path / "all.txt"
    with target.open("w", encoding="utf-8") as opened:
        opened.write("before\n")
        opened.flush()
        name = f"/dev/fd/{opened.fileno()}"
        argv = [NAME, "--project", str(project), "--output", name]
        result = CliRunner().invoke(command, argv)

    assert result.exit_code == 0, result.output
    assert target.read_text(encoding="utf-8").startswith("before\nSynthetic run\n")


@pytest.mark.parametrize("name", [".", "", "..", "folder", "file/report.md"])
@pytest.mark.parametrize("option", ["--output", "--publish"])
def test_what_names_no_file_is_refused(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, name: str
) -> None:
    """Exit 2, nothing is written."""
    work = tmp_path / "work"
    (work / "folder").mkdir(parents=True)
    (work / "file").write_text("mine")
    monkeypatch.chdir(work)
    result = CliRunner().invoke(command, [NAME, "--project", str(project), option, name])

    assert isinstance(result.exception, UsageError) or result.exit_code == 2
    assert sorted(path.name for path in work.rglob("*")) == ["file", "folder"]
    assert (work / "file").read_text() == "mine"


@pytest.mark.parametrize("option", ["--output", "--publish"])
def test_a_file_in_place_of_charts_is_met_first(project: Path, tmp_path: Path, option: str) -> None:
    """Exit 2, and the old report is as it was."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "charts").write_text("mine")
    (work / "r.md").write_text("old")
    argv = [NAME, "--project", str(project), option, str(work / "r.md")]
    result = CliRunner().invoke(command, argv)

    assert isinstance(result.exception, UsageError)
    assert "charts is not a folder" in str(result.exception)
    assert (work / "r.md").read_text() == "old"
