"""The CPU time of a request between server and database, wherever there was one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.model.database import DatabaseRecord
from tests.factories import Truth, run_data, run_view
from tests.reports import samples

if TYPE_CHECKING:
    from bench.model.trial_record import TrialRecord

BESIDE = DatabaseRecord(version="15.10", port=15432, pid=77, pool=8, settings=("fsync=off",))


def with_database(trial: TrialRecord) -> TrialRecord:
    """30 us of each request in the database, of axum's requests alone."""
    if trial.server != "axum":
        return trial
    assert trial.load is not None
    assert trial.server_process is not None
    used = trial.resources.model_copy(update={"database_cpu_s": trial.load.ok * 30e-6})
    process = trial.server_process.model_copy(update={"database": BESIDE})
    return trial.model_copy(update={"resources": used, "server_process": process})


def test_the_split_is_told_in_text_and_json() -> None:
    """Server with driver, database, both together, with pool and settings."""
    truth = Truth(cpu_us=10.0, noise=0.0)
    run = run_view(run_data({"axum": truth, "robyn": truth}, edit=with_database))
    page = samples.text(run)

    (line,) = (one for one in page.splitlines() if one.startswith("| Json small | Axum (Rust) |"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[2:] == ["10.0 us", "30.0 us", cells[4], "40.0 us", "75%"]
    assert "8 connections for each server" in page
    assert "fsync=off" in page
    axum, robyn = json.loads(samples.text(run, "json"))["cells"]
    assert axum["database"]["cpu_us"] == pytest.approx(30)
    assert axum["metrics"]["cpu_us_per_request"]["value"] == pytest.approx(10)
    assert "database" not in robyn
    assert "database_cpu_us_per_request" in samples.text(run, "csv")


def test_without_a_database_nothing_is_said() -> None:
    """No table, no column."""
    run = run_view(run_data({"axum": Truth()}))

    assert "server and database" not in samples.text(run)
    assert "database" not in samples.text(run, "csv").splitlines()[0]
