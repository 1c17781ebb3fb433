"""Response times of a trial that failed its own tests are not compared; the others are."""

from __future__ import annotations

import pytest

from bench.analysis.trials import by_cell, shown
from bench.model.finding import finding
from tests.factories import Truth, open_profile, run_data

CASES = {
    "late": (("pacer-late", ""), {"p50_us": False, "p99_us": False, "cpu_us_per_request": True}),
    "late tail": (("pacer-late", "tail"), {"p50_us": True, "p99_us": False}),
    "arrivals": (("arrivals-off", "even"), {"p50_us": False, "p99_us": False}),
    "unsteady": (("not-stationary", "rising"), {"p50_us": False, "p99_us": False}),
    "oha's": (("late-pacer", ""), {"p50_us": True, "p99_us": True}),
}


@pytest.mark.parametrize("name", CASES)
def test_only_what_the_finding_spoils_is_left_out(name: str) -> None:
    """Of five rounds one is marked: four or five are compared."""
    (code, case), kept = CASES[name]
    data = run_data({"axum": Truth()}, rounds=5, profiles=(open_profile(),))
    marked = finding(code, data.trials[0].trial, case)
    first = data.trials[0].model_copy(update={"findings": (marked,)})
    (cell,) = by_cell(data.plan, (first, *data.trials[1:]))

    for metric, whole in kept.items():
        assert len(shown(metric, cell)) == (5 if whole else 4), metric
