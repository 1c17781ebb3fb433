"""`bench run` with a database beside the server: counted apart, and named when it dies."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from bench.servers.postgres_found import find_postgres
from bench.trial.thresholds import DATABASE_LEAST_US
from tests.run.helpers import Project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.real,
    pytest.mark.needs("wrk"),
    pytest.mark.skipif(find_postgres() is None, reason="PostgreSQL is not here"),
]


def test_a_database_that_is_not_asked_is_told(tmp_path: Path) -> None:
    """It stands beside the server, its CPU time apart, and answers without it are noticed."""
    project = Project(tmp_path)
    project.server("one", services=["postgres"], env={"URL": "{postgres_url}"})
    project.matrix("one")

    done = project.bench("run", "faults")
    assert done.returncode == 0, done.stderr
    (trial,) = project.believed()
    beside = trial["server_process"]["database"]
    assert beside["pool"] == 8 * len(trial["server_process"]["cpus"] or [0])
    assert "fsync=off" in beside["settings"]
    assert trial["server_process"]["env"]["URL"].startswith("postgresql://bench:***@127.0.0.1:")
    used_s = trial["resources"]["database_cpu_s"]
    assert 0 <= used_s < 0.5 * trial["resources"]["server_cpu_s"]
    # What it does by itself is shared by fewer answers where the machine is slow.
    idle = used_s * 1e6 / trial["load"]["ok"] < DATABASE_LEAST_US
    assert ("database-idle" in [each["code"] for each in trial["findings"]]) == idle
    page = (project.runs()[-1] / "report.md").read_text()
    assert ("answers from elsewhere than its database" in page) == idle
    assert "### Start-up and memory" in page
    assert trial["startup_s"] > 0


def test_a_database_that_dies_in_the_window_is_the_cause(tmp_path: Path) -> None:
    """The trial is invalid, whatever the server said to that."""
    project = Project(tmp_path)
    project.server("one", services={"postgres": ["json-small"]})
    # Its death ends the trial: the window is only as long as a busy machine may need.
    profile = {"connections": 4, "warmup": "0s", "duration": "60s", "timeout": "10s"}
    project.matrix("one", profiles=[profile])
    with project.running("run", "faults") as process:
        killed: set[psutil.Process] = set()
        for _ in range(2):  # the trial, and its second try
            database = _first_postgres(process.pid, killed)
            database.kill()
            killed.add(database)
        _, said = process.communicate(timeout=300)
    assert process.returncode == 1, said
    trials = project.trials()
    assert [one["reasons"][0] for one in trials] == ["database-down"] * 2
    assert {one["status"] for one in trials} == {"invalid"}
    assert "PostgreSQL, the server's database, died" in trials[0]["detail"]
    assert json.loads((project.runs()[-1] / "run.json").read_text())["exit_code"] == 1


def _first_postgres(bench: int, killed: set[psutil.Process]) -> psutil.Process:
    """The database of the trial whose load goes on now."""
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        family = psutil.Process(bench).children(recursive=True)
        names = {}
        for one in family:
            try:
                names[one] = one.name()
            except psutil.Error:
                continue
        databases = [p for p, name in names.items() if name == "postgres" and p not in killed]
        found = [p for p in databases if _first(p)]
        if found and "wrk" in names.values():
            time.sleep(1.0)
            return found[0]
        time.sleep(0.05)
    raise AssertionError("no trial began")


def _first(process: psutil.Process) -> bool:
    """Whether it is the postmaster: its helpers call themselves "postgres: walwriter" and such.

    Its parent would not tell: helpers whose postmaster was killed are handed to `bench`.
    """
    try:
        return not process.cmdline()[0].startswith("postgres:")
    except (psutil.Error, IndexError):
        return False
