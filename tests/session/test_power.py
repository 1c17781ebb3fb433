"""Power source and pressure are read around each window, and what they say reaches the record."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from bench.cli.progress import Progress
from bench.host import QuickState, quick_state
from bench.matrix import Overrides, find_project
from bench.session import Options, plan_matrix, start_run
from bench.trial import life
from tests.session.helpers import Project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]


def test_the_charger_is_pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power source that changes within the window makes the trial suspect, with both named."""
    readings = iter([QuickState("ac"), QuickState("battery", thermal_pressure="moderate")])
    monkeypatch.setattr(life, "quick_state", lambda _cpus: next(readings))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = Project(tmp_path)
    project.server("one")
    project.matrix("one")
    found = find_project(project.root, project.root)
    planned = plan_matrix(found, "faults", Overrides())
    result = start_run(found, planned, Progress(planned.plan), Options())
    trial = result.view.trials[0]

    assert trial.status == "suspect"
    assert {"power-changed", "thermal"} <= set(trial.reasons)
    assert trial.counters.power_source == "battery"
    assert trial.counters.thermal_pressure == "moderate"


def test_reading_is_quick() -> None:
    """Two readings of this machine cost a trial less than 20 ms."""
    quick_state((0,))
    began = time.perf_counter()
    for _ in range(10):
        quick_state((0,))

    assert (time.perf_counter() - began) / 5 < 0.020
