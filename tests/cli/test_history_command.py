"""`bench history`: keep, show, gate, site."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bench.cli import history_command
from bench.errors import BenchError, GateMetError, UsageError
from bench.store.history_files import write_entry
from tests.analysis.test_shifts import entries
from tests.factories import Truth, run_data, run_view
from tests.reports.test_html import browse, needs_browser

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

COMMITS = "https://example.org/commit/{commit}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in which spikard became slower with the thirteenth of 20 kept runs."""
    (tmp_path / "configs").mkdir()
    for entry in entries(20, lambda run, name: 900 if name == "spikard" and run >= 12 else 1000):
        write_entry(tmp_path / "reports" / "history", entry)
    return tmp_path


def call(project: Path, *words: str) -> Result:
    return CliRunner().invoke(history_command.command, ["--project", str(project), *words])


def test_the_newest_shifts_are_shown(project: Path) -> None:
    """The shift, its ratio, its commits and what it shows against."""
    result = call(project)

    assert result.exit_code == 0
    assert "2 series of up to 20 runs; 1 shift in the last 20" in result.stdout
    assert "slower: 0." in result.stdout
    assert "since 0c0c0c0c0c0c" in result.stdout


def test_json_is_as_documented(project: Path) -> None:
    """Series with points and changes, by the documented keys."""
    found = json.loads(call(project, "--json").stdout)
    series = next(each for each in found["series"] if each["server"] == "spikard")

    assert found["schema_version"] == 1
    assert {"server", "workload", "profile", "metric", "points", "changes"} == set(series)
    keys = {"run_id", "commit", "date", "value", "low", "high", "fingerprint"}
    assert set(series["points"][0]) == keys
    assert {"commit", "ratio", "p"} <= set(series["changes"][0])


def test_the_gate_is_met_by_what_holds(project: Path) -> None:
    """Exit 4 with the series in the message; older shifts than --last do not count."""
    result = call(project, "--fail-on", "slower")

    assert isinstance(result.exception, GateMetError)
    assert "spikard, json-small, requests/s: slower: 0." in str(result.exception)
    assert call(project, "--fail-on", "slower", "--last", "4").exit_code == 0


def test_a_gate_without_data_does_not_pass(tmp_path: Path) -> None:
    """Five runs tell nothing: exit 1, not 0."""
    (tmp_path / "configs").mkdir()
    for entry in entries(5, lambda *_: 1000.0):
        write_entry(tmp_path / "reports" / "history", entry)
    result = call(tmp_path, "--fail-on", "slower")

    assert isinstance(result.exception, BenchError)
    assert not isinstance(result.exception, GateMetError)
    assert "5 runs; from 6 on" in str(result.exception)


def test_nothing_kept_names_the_command(tmp_path: Path) -> None:
    """The first step, not an empty table."""
    (tmp_path / "configs").mkdir()
    result = call(tmp_path)

    assert isinstance(result.exception, UsageError)
    assert "bench history add latest" in str(result.exception)


@pytest.mark.parametrize("damage", [b"", b"{", b'{"run_id": 1}', b"\xff\xfe", b"[]"])
def test_a_damaged_file_is_named_and_left_out(project: Path, damage: bytes) -> None:
    """The others still tell."""
    broken = project / "reports" / "history" / "f00d" / "broken.json"
    broken.write_bytes(damage)
    result = call(project)

    assert result.exit_code == 0
    assert f"left out: {broken}: " in result.stderr
    assert "1 shift in the last 20" in result.stdout


def test_two_machines_are_told_apart(project: Path) -> None:
    """Each has series of its own, and only that of the slower server meets the gate."""
    other = entries(20, lambda *_: 2000.0, fingerprint="beef")
    for entry in other:
        write_entry(project / "reports" / "history", entry)
    shown = call(project)
    gated = call(project, "--fail-on", "slower")
    found = json.loads(call(project, "--json").stdout)["series"]

    calm, slower = shown.stdout.split("a CPU, 2 CPUs (")[1:]
    assert calm.startswith("beef)")
    assert "2 series of up to 20 runs; no shift in the last 20" in calm
    assert "2 series of up to 20 runs; 1 shift in the last 20" in slower
    assert "1 of 4 series stand on a worse level" in str(gated.exception)
    assert {len({point["fingerprint"] for point in each["points"]}) for each in found} == {1}


def git(folder: Path, *words: str) -> str:
    argv = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
    return subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in git, and a run that any name opens."""
    (tmp_path / "configs").mkdir()
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first <b>change</b>")
    view = run_view(run_data({"axum": Truth(), "spikard": Truth(rps=17_000)}))
    monkeypatch.setattr(
        "bench.store.runs.find_run",
        lambda name, _: type("Run", (), {"path": name}),
    )
    monkeypatch.setattr("bench.run.opening.open_run", lambda _: view)
    return tmp_path


def test_a_run_is_kept_by_its_commit(repository: Path) -> None:
    """A small file; the same run again takes its place."""
    head = git(repository, "rev-parse", "HEAD").strip()
    first, again = (call(repository, "add", "some", "--commit", "HEAD") for _ in range(2))
    (file,) = (repository / "reports" / "history").glob("*/*.json")
    kept = json.loads(file.read_bytes())

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert (kept["commit"], kept["subject"]) == (head, "first <b>change</b>")
    assert file.stat().st_size < 10_000
    assert str(repository) not in file.read_text()


def test_a_commit_that_was_rebased_away_is_kept(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its hash, without a subject: what it was called nobody knows any more."""
    view = run_view(run_data({"axum": Truth(), "spikard": Truth(rps=17_000)}))
    info = view.info.model_copy(update={"commit": "ab" * 20})
    monkeypatch.setattr(
        "bench.run.opening.open_run", lambda _: view.model_copy(update={"info": info})
    )
    done = call(repository, "add", "some")
    (file,) = (repository / "reports" / "history").glob("*/*.json")
    kept = json.loads(file.read_bytes())

    assert (done.exit_code, kept["commit"], kept["subject"]) == (0, "ab" * 20, "")
    assert "abababababab" in call(repository, "--json").stdout


def test_a_run_that_knows_no_commit_asks_for_one(repository: Path) -> None:
    """Never a guess: what lies there now need not be what was measured."""
    result = call(repository, "add", "some")

    assert isinstance(result.exception, UsageError)
    assert "--commit REF" in str(result.exception)


def test_a_commit_without_a_repository(repository: Path) -> None:
    """The advice is about what was asked, not about another command."""
    shutil.rmtree(repository / ".git")
    result = call(repository, "add", "some", "--commit", "HEAD")

    assert isinstance(result.exception, UsageError)
    assert "has no commits that --commit can name: not in a git repository" in str(result.exception)
    assert "bench history --project FOLDER add RUN --commit REF" in str(result.exception)
    assert "bench ab" not in str(result.exception)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://example.org/"])
def test_an_address_of_commits_is_checked(project: Path, url: str) -> None:
    """It becomes a link on every page."""
    result = call(project, "--site", str(project / "site"), "--commit-url", url)

    assert isinstance(result.exception, UsageError)
    assert not (project / "site").exists()


def test_the_site_is_complete_in_itself(project: Path) -> None:
    """An overview and a page per server, no address but those of commits."""
    result = call(project, "--site", str(project / "site"), "--commit-url", COMMITS)
    pages = {path.name: path.read_text() for path in (project / "site").iterdir()}

    assert result.exit_code == 0
    assert set(pages) == {"index.html", "axum.html", "spikard.html"}
    for page in pages.values():
        outside = set(re.findall(r"https?://[^\s\"<`]+", page))
        assert outside <= {COMMITS, "http://www.w3.org/2000/svg"}
        assert "default-src 'none'" in page


@needs_browser
def test_the_site_draws_its_charts(project: Path, tmp_path: Path) -> None:
    """In a real browser: a line, a mark at the shift, its commit as a link, no complaint."""
    call(project, "--site", str(project / "site"), "--commit-url", COMMITS)
    page, console = browse((project / "site" / "spikard.html").read_text(), tmp_path)
    overview, _ = browse((project / "site" / "index.html").read_text(), tmp_path)

    assert console == ""
    assert page.count('<polyline class="line"') == 1
    assert page.count('class="mark worse"') == 1
    assert COMMITS.replace("{commit}", "0c" * 20) in page
    assert '<a href="spikard.html">spikard</a>' in overview
