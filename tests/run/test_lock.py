"""One run at a time; two by permission are both marked."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from typing import TYPE_CHECKING, cast

import pytest
from click.testing import CliRunner

from bench.cli import check_command, report_command, run_command
from bench.errors import StoreError, UsageError
from bench.profiling import into_run
from bench.profiling.into_run import add, profile_into, renew_into, write_report
from bench.profiling.profile_run import ProfileOptions
from bench.run.lock import hold_machine, holding
from bench.store.cache import cache_folder
from bench.store.run_directory import RunDirectory
from tests.factories import Truth, run_data
from tests.profiles import profile_run
from tests.run.helpers import Project, wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.plans.project import Project as Servers


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_alone() -> None:
    """A run that nobody joins is not disturbed."""
    with hold_machine() as turn:
        assert not turn.disturbed


def test_a_second_run_is_refused() -> None:
    """The refusal names the first one's process and age, and what lifts it."""
    with (
        hold_machine(),
        pytest.raises(UsageError, match=rf"process {os.getpid()}, for 0 min") as caught,
        hold_machine(),
    ):
        pass

    assert "--allow-concurrent" in caught.value.advice


def test_a_stale_lock_is_taken_over() -> None:
    """What a killed run left in the lock's files holds nobody up and marks nothing."""
    cache_folder().mkdir(parents=True)
    for name in ("run.lock", "run.guests"):
        (cache_folder() / name).write_text("4194304 2026-01-01T00:00:00+00:00\n")
    with hold_machine() as turn:
        assert not turn.disturbed


def test_an_unreadable_lock_is_still_a_lock() -> None:
    """A lock whose content is damaged refuses too, without naming a process."""
    with hold_machine():
        (cache_folder() / "run.lock").write_text("?")
        with pytest.raises(UsageError, match="could not be read"), hold_machine():
            pass


def test_both_learn_of_each_other() -> None:
    """The first run learns of the second, even when the second has ended before it."""
    with hold_machine() as first:
        with hold_machine(allow_concurrent=True) as second:
            assert second.disturbed
            assert first.disturbed

        assert first.disturbed


def test_a_third_learns_of_the_second() -> None:
    """When the first run has ended, the second still counts as one that goes on."""
    guest = hold_machine(allow_concurrent=True)
    with hold_machine():
        guest.__enter__()
    try:
        with pytest.raises(UsageError, match="another run goes on: process"), hold_machine():
            pass
        with hold_machine(allow_concurrent=True) as third:
            assert third.disturbed
    finally:
        guest.__exit__(None, None, None)
    with hold_machine() as fourth:
        assert not fourth.disturbed


# -- one process in a run -------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that was interrupted after its last trial."""
    data = run_data({"axum": Truth(), "spikard": Truth(rps=8_000)})
    directory = RunDirectory.create(tmp_path / "reports", "20260101T000000Z-synthetic-aaaaaa")
    directory.write_model("run.json", data.info.model_copy(update={"finished": None}))
    directory.write_model("plan.json", data.plan)
    directory.write_model("host.json", data.host)
    for trial in data.trials:
        directory.trial_folder(trial.trial)
        directory.append_trial(trial.model_copy(update={"raw_sha256": {}}))
    (tmp_path / "configs").mkdir()
    return directory.path


def test_a_run_is_written_by_one_process(run: Path) -> None:
    """The refusal names the holder; afterwards, or after a holder that was killed, it is free."""
    said = rf"{run.name} is being written: process {os.getpid()}, for 0 min"
    with holding(run), pytest.raises(UsageError, match=said), holding(run):
        pass
    (run / ".lock").write_text("4194304 2026-01-01T00:00:00+00:00\n")
    with holding(run):
        assert str(os.getpid()) in (run / ".lock").read_text()

    assert (run / ".lock").read_bytes() == b""


def test_a_run_that_cannot_be_held(run: Path) -> None:
    """The file that cannot be locked is named."""
    (run / ".lock").mkdir()
    with pytest.raises(StoreError, match=r"cannot lock .*\.lock: Is a directory"), holding(run):
        pass


@pytest.mark.parametrize("words", [["--allow-concurrent"], ["--force-resume"], []])
def test_a_held_run_is_not_resumed(run: Path, words: list[str]) -> None:
    """No permission lifts it, and nothing in the directory changes."""
    place = ["--project", str(run.parents[1])]
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with holding(run):
        refused = CliRunner().invoke(run_command.command, ["--resume", run.name, *words, *place])

    assert isinstance(refused.exception, UsageError)
    assert f"process {os.getpid()}" in str(refused.exception)
    after = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert after == {**before, run / ".lock": b""}


def test_nothing_else_writes_in_a_held_run(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither renewed reports nor profiles; one after the other they do."""
    profiled = profile_run(tmp_path)
    sizes = profile_run(tmp_path / "more")
    monkeypatch.setattr(into_run, "profile_servers", lambda *_: profiled)
    monkeypatch.setattr(into_run, "measure_conversion", lambda *_: sizes)
    no_project = cast("Servers", None)
    writers: list[Callable[[], object]] = [
        lambda: renew_into(run),
        lambda: write_report(run),
        lambda: add(profiled, run),
        lambda: profile_into(no_project, run, ProfileOptions(), lambda _: None),
    ]
    with holding(run):
        for write in writers:
            with pytest.raises(UsageError, match="is being written"):
                write()
    assert not (run / "report.md").exists()

    for write in writers:
        write()
    assert "## Where the time goes" in (run / "report.md").read_text()


def test_a_lock_left_behind_is_no_mismatch(run: Path) -> None:
    """`bench check` does not look at it, and `bench report --write` works beside it."""
    place = ["--project", str(run.parents[1])]
    (run / ".lock").write_text("4194304 2026-01-01T00:00:00+00:00\n")
    CliRunner().invoke(
        report_command.command, [str(run), "--write", *place], catch_exceptions=False
    )
    checked = CliRunner().invoke(check_command.command, [str(run), *place], standalone_mode=False)

    assert checked.return_value == 0
    assert " 0 mismatches" in checked.stdout


@contextlib.contextmanager
def held_after_a_trial(project: Project, run: subprocess.Popen[str]) -> Iterator[None]:
    """A run of five rounds stands still after its first trial, and then goes on to its end.

    So it goes on as long as the others need, however slow the machine is.
    """
    assert wait_until(project.trials)
    run.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        run.send_signal(signal.SIGCONT)
    run.communicate(timeout=200)


@pytest.mark.real
@pytest.mark.untraced
@pytest.mark.needs("wrk")
def test_a_run_that_goes_on_is_not_resumed_beside_itself(tmp_path: Path) -> None:
    """The second process exits 2 naming the first, whose trials all stay."""
    project = Project(tmp_path)
    project.server("one")
    project.matrix("one", rounds=5)
    with project.running("run", "faults") as first, held_after_a_trial(project, first):
        resumed = project.bench("run", "--resume", "latest", "--allow-concurrent")
        renewed = project.bench("report", "latest", "--write")

    assert (resumed.returncode, renewed.returncode) == (2, 2)
    for refused in (resumed, renewed):
        assert re.search(rf"process {first.pid}, for \d+ min", refused.stderr)
    assert first.returncode in (0, 1)
    assert len({trial["round"] for trial in project.trials()}) == 5
    assert project.bench("check", "latest").returncode == 0


@pytest.mark.real
@pytest.mark.untraced
@pytest.mark.needs("wrk")
def test_two_runs(tmp_path: Path) -> None:
    """A second run exits 2 naming the first; with permission both reports are marked."""
    project = Project(tmp_path)
    project.server("one")
    project.matrix("one", rounds=5)
    project.matrix("one", name="beside", rounds=1)
    with project.running("run", "faults") as first, held_after_a_trial(project, first):
        refused = project.bench("run", "beside")
        beside = project.bench("run", "beside", "--allow-concurrent")

    assert refused.returncode == 2
    assert re.search(rf"process {first.pid}, for \d+ min", refused.stderr)
    assert first.returncode in (0, 1)
    assert beside.returncode in (0, 1)
    for run in project.runs():
        assert "concurrent-run" in (run / "findings.json").read_text(), run
    assert len(project.runs()) == 2
