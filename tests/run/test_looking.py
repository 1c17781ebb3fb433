"""Looking inside: show, doctor's short runs, and a profile, on a ground-truth server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bench.cli import doctor_command
from bench.plans import doctor_plans as probes
from tests.run.helpers import Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one finished run."""
    project = Project(tmp_path_factory.mktemp("looking"))
    project.server("good")
    project.matrix("good")
    done = project.bench("run", "faults")
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def trial(measured: Project) -> str:
    """The trial that counts."""
    return str(measured.trials()[-1]["trial"])


def test_a_run_is_shown_trial_by_trial(measured: Project, trial: str) -> None:
    """`bench show RUN` lists every trial with status and rate; --json the same."""
    said = measured.bench("show", "latest")
    data = json.loads(measured.bench("show", "latest", "--json").stdout)

    assert trial in said.stdout
    assert "req/s" in said.stdout
    assert [row["trial"] for row in data["trials"]] == [one["trial"] for one in measured.trials()]


def test_a_trial_is_shown_with_the_commands_that_repeat_it(measured: Project, trial: str) -> None:
    """`bench show RUN TRIAL` prints phases, pinning, commands and the log."""
    said = measured.bench("show", "latest", trial)
    record = json.loads(measured.bench("show", "latest", trial, "--json").stdout)

    assert said.returncode == 0
    assert "overhead" in said.stdout
    assert "wrk -t1 -c8" in said.stdout
    assert "counts {" in said.stdout
    assert record["commands"][1]["argv"][0].endswith("wrk")


def test_an_unknown_trial_names_the_nearest(measured: Project) -> None:
    """A misspelled trial is exit 2 with the nearest name."""
    said = measured.bench("show", "latest", "r01-godo.json-small.wrk-c8")

    assert said.returncode == 2
    assert "r01-good.json-small.wrk-c8" in said.stderr


def test_runs_are_listed(measured: Project) -> None:
    """`bench list runs` says how far each came."""
    assert "1 of 1 trials, finished" in measured.bench("list", "runs").stdout


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`bench doctor` in this process, with shorter windows than a user gets."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(probes, "_NOISE_ROUNDS", 3)
    monkeypatch.setattr(probes, "_CEILING_ROUNDS", 1)
    monkeypatch.setattr(probes, "_WINDOW", {"warmup": "0s", "duration": "1s"})

    def call(project: Project, *words: str) -> Result:
        words = (*words, "--project", str(project.root))
        return CliRunner().invoke(doctor_command.command, words, standalone_mode=False)

    return call


def test_the_noise_floor_of_a_server(tmp_path: Path, doctor: Callable[..., Result]) -> None:
    """`bench doctor --noise` runs two copies and prints what they differ by."""
    project = Project(tmp_path)
    project.server("good")
    said = doctor(project, "--noise", "good")
    unknown = project.bench("doctor", "--noise", "godo")

    assert said.return_value == 0, said.output
    assert "One copy against the other" in said.stdout
    assert unknown.returncode == 2
    assert "no server 'godo'" in unknown.stderr


@pytest.mark.needs("cc")
def test_what_the_load_tool_reaches(tmp_path: Path, doctor: Callable[..., Result]) -> None:
    """`bench doctor --ceiling` prints a row per number of load processes."""
    said = doctor(Project(tmp_path), "--ceiling")

    assert said.return_value == 0, said.output
    assert "1-process" in said.stdout


@pytest.mark.needs("perf", "cc")
def test_a_profile_of_a_server(tmp_path: Path) -> None:
    """`bench profile` says where the time goes, beside a trial without a profiler."""
    project = Project(tmp_path)
    said = project.bench(
        "profile",
        "ceiling",
        "json-small",
        "--seconds",
        "1",
        "--connections",
        "8",
        "--method",
        "perf",
    )
    if said.returncode and "not permitted" in said.stderr:
        pytest.skip(said.stderr.splitlines()[0])

    assert said.returncode == 0, said.stderr
    assert "Where the time goes" in said.stdout
    assert "CPU per request" in said.stdout
    folder = next((project.root / "reports").glob("*-profile-*"))
    assert (folder / "report.md").is_file()
    assert (folder / "report.html").is_file()
    again = project.bench("profile", "ceiling", "json-small", "--from", str(folder))
    assert again.returncode == 0, again.stderr
