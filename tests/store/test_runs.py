"""Runs are found by name, and the newest is the one that began last, whatever its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.store.run_directory import RunDirectory
from bench.store.runs import by_start, find_run, list_runs
from tests.factories import Truth, run_data

if TYPE_CHECKING:
    from pathlib import Path

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
