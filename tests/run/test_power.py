"""Power source and pressure are read around each window, and what they say reaches the record."""

from __future__ import annotations

import time
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from bench.cli.progress import Progress
from bench.host import QuickState, quick_state
from bench.plans.matrix_plan import plan_matrix
from bench.plans.overrides import Overrides
from bench.plans.project import find_project
from bench.run.start import Options, Result, start_run
from bench.sampler.darwin import platform as darwin
from bench.sampler.linux import system
from bench.trial import life
from tests.run.helpers import Project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]


def run(root: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Run one round of one server in this process."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "cache"))
    project = Project(root)
    project.server("one")
    project.matrix("one")
    found = find_project(project.root, project.root)
    planned = plan_matrix(found, "faults", Overrides())
    return start_run(found, planned, Progress(planned.plan), Options())


def test_the_charger_is_pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power source that changes within the window makes the trial suspect, with both named."""
    # Before and after each window: a trial can be measured again.
    readings = cycle([QuickState("ac"), QuickState("battery", thermal_pressure="moderate")])
    monkeypatch.setattr(life, "quick_state", lambda _cpus: next(readings))
    result = run(tmp_path, monkeypatch)
    trial = result.view.trials[-1]

    assert trial.status == "suspect"
    assert {"power-changed", "thermal"} <= set(trial.reasons)
    assert trial.counters.power_source == "battery"
    assert trial.counters.thermal_pressure == "moderate"


class Slept:
    """The clocks of a laptop whose lid is shut once, within the first window of a run."""

    def __init__(self) -> None:
        self.awake = system.clock_offsets
        self.readings = 0
        self.windows = 0

    def window(self, cpus: tuple[int, ...]) -> QuickState:
        """Power is read right before a window and right after it."""
        self.windows += 1
        return quick_state(cpus)

    def offsets(self) -> tuple[int, int | None]:
        """From the second reading of the clocks in that window on, 30 s are gone."""
        wall_ns, sleep_ns = self.awake()
        self.readings += self.windows > 0
        return wall_ns + (30_000_000_000 if self.readings > 1 else 0), sleep_ns


def test_the_lid_is_shut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial within which the machine slept is invalid, said so, and run again."""
    slept = Slept()
    monkeypatch.setattr(life, "quick_state", slept.window)
    for module in (system, darwin):
        monkeypatch.setattr(module, "clock_offsets", slept.offsets)
    result = run(tmp_path, monkeypatch)
    first, again = result.view.trials
    report = (result.directory.path / "report.md").read_text()

    assert (first.status, "suspended" in first.reasons) == ("invalid", True)
    assert "the clocks ran apart by 30.0 s" in first.detail
    assert again.trial == f"{first.trial}.2"
    assert "suspended" not in again.reasons
    assert first.trial in report
    assert "the clocks ran apart by 30.0 s" in report
    assert result.exit_code == (not again.usable)  # beside other work it can be spoiled too


def test_reading_is_quick() -> None:
    """Two readings of this machine cost a trial less than 20 ms."""
    quick_state((0,))
    began = time.process_time()
    for _ in range(10):
        quick_state((0,))

    assert (time.process_time() - began) / 5 < 0.020
