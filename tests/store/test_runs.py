"""Runs are found by name, and the newest is the one that began last, whatever its name."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.errors import UsageError
from bench.store.run_directory import RunDirectory
from bench.store.runs import by_start, closed_folders, find_run, list_runs
from tests.factories import Truth, run_data

if TYPE_CHECKING:
    import os

_INFO = run_data({"axum": Truth()}, rounds=1).info


def made(reports: Path, name: str, started: str) -> Path:
    run = RunDirectory.create(reports, name)
    run.write_model("run.json", _INFO.model_copy(update={"started": started}))
    return run.path


def test_the_newest_is_by_start_time(tmp_path: Path) -> None:
    """A run of the user's own name is older than one that began after it, in any time zone."""
    made(tmp_path, "main-run", "2026-11-01T00:00:00Z")
    made(tmp_path, "20261129T000000Z-x", "2026-11-29T00:00:00+00:00")
    made(tmp_path, "a-zone", "2026-11-29T00:30:00+02:00")

    names = [run.path.name for run in list_runs(tmp_path)]
    assert names == ["main-run", "a-zone", "20261129T000000Z-x"]
    assert find_run("latest", tmp_path).path.name == "20261129T000000Z-x"


def test_a_run_that_does_not_say_when_it_began_is_the_oldest(tmp_path: Path) -> None:
    """It is never taken for the newest; several of them stand by name."""
    made(tmp_path, "good", "2026-11-01T00:00:00Z")
    for name, text in (("z-torn", b"{"), ("y-list", b"[]"), ("x-number", b'{"started": 1}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_bytes(text)

    found = [run.path.name for run in list_runs(tmp_path)]
    assert found == ["x-number", "y-list", "z-torn", "good"]


def test_bisects_stand_among_runs(tmp_path: Path) -> None:
    """By when their file was written."""
    run = made(tmp_path, "zzz", "2020-01-01T00:00:00Z")
    bisect = tmp_path / "bisect"
    bisect.mkdir()
    (bisect / "bisect.json").write_text("{}")

    assert by_start([bisect, run]) == [run, bisect]


def close(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Another user's folder of mode 0700, also for tests that run as root."""
    look = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        if folder in path.parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return look(path, **options)

    monkeypatch.setattr(Path, "stat", stat)


def test_a_run_of_another_user_blocks_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left out, and named where it is the run asked for."""
    mine = made(tmp_path, "mine", "2026-11-01T00:00:00Z")
    foreign = made(tmp_path, "foreign", "2026-11-02T00:00:00Z")
    close(monkeypatch, foreign)

    assert [run.path for run in list_runs(tmp_path)] == [mine]
    assert closed_folders(tmp_path) == {foreign: "Permission denied"}
    assert find_run("latest", tmp_path).path == mine
    with pytest.raises(UsageError, match="did you mean mine"):
        find_run("mime", tmp_path)
    with pytest.raises(UsageError, match="foreign cannot be read: Permission denied"):
        find_run("foreign", tmp_path)


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    """There is no such run; the message does not repeat all of it."""
    with pytest.raises(UsageError, match=r"no run 'a{100}\.\.\.'"):
        find_run("a" * 3000, tmp_path)


def test_trials_that_are_a_folder_cannot_be_read(tmp_path: Path) -> None:
    """The file is named, whatever is asked of it."""
    path = made(tmp_path, "odd", "2026-11-01T00:00:00Z")
    (path / "trials.jsonl").mkdir()
    run = RunDirectory(path)

    for ask in (run.trials, run.trials_sha256, run.repair):
        with pytest.raises(UsageError, match=r"trials\.jsonl cannot be read: Is a directory"):
            ask()
