"""`bench list runs` shows what cannot be read beside what can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.store.run_directory import RunDirectory
from tests.factories import Truth, run_data

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.cli.conftest import Bench


def test_unreadable_runs_are_listed_with_the_reason(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose trials are a folder, and one that belongs to another user; exit 0."""
    (tmp_path / "configs").mkdir()
    data = run_data({"axum": Truth()}, rounds=1)
    for name in ("good", "odd"):
        run = RunDirectory.create(tmp_path / "reports", name)
        run.write_model("run.json", data.info)
        run.write_model("plan.json", data.plan)
    (tmp_path / "reports" / "odd" / "trials.jsonl").mkdir()
    foreign = {tmp_path / "reports" / "foreign": "Permission denied"}
    monkeypatch.setattr("bench.store.runs.closed_folders", lambda _: foreign)
    said = bench("list", "runs", "--project", str(tmp_path))
    lines = {line.split()[0]: line for line in said.out.splitlines()}

    assert said.code == 0, said.err
    assert "cannot be read: Permission denied" in lines["foreign"]
    assert "trials.jsonl cannot be read: Is a directory" in lines["odd"]
    assert "0 of " in lines["good"]


def test_the_run_asked_for_cannot_be_read(bench: Bench, tmp_path: Path) -> None:
    """Exit 2, with the file."""
    (tmp_path / "configs").mkdir()
    data = run_data({"axum": Truth()}, rounds=1)
    run = RunDirectory.create(tmp_path / "reports", "odd")
    run.write_model("run.json", data.info)
    run.write_model("plan.json", data.plan)
    run.write_model("host.json", data.host)
    (run.path / "trials.jsonl").mkdir()
    said = bench("report", "latest", "--project", str(tmp_path))

    assert said.code == 2
    assert "trials.jsonl cannot be read" in said.err
