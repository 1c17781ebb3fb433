"""Response times of a trial that failed its own tests are not compared; the others are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.analysis import analyze
from bench.analysis.trials import by_cell, shown
from bench.model.finding import finding
from bench.reports.wording.verdict_words import verdict_text
from tests.factories import Truth, open_profile, run_data

if TYPE_CHECKING:
    from bench.model.trial_record import TrialRecord

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


@pytest.mark.parametrize("server", ["axum", "robyn"])
def test_a_server_without_any_is_named(server: str) -> None:
    """In every round the load tool was late: the comparison is there, without an answer."""

    def late(trial: TrialRecord) -> TrialRecord:
        found = (finding("pacer-late", trial.trial, "tail"),) if trial.server == server else ()
        return trial.model_copy(update={"findings": found})

    data = run_data({"axum": Truth(), "robyn": Truth()}, profiles=(open_profile(),), edit=late)
    rows = {row.metric: row.verdict for row in analyze(data)[0].comparisons}

    assert rows["p99_us"].word == "not-comparable"
    assert rows["p99_us"].ratio is None
    assert verdict_text(rows["p99_us"]) == (
        f"not comparable: none of {server}'s trials can be compared (pacer-late)"
    )
    assert rows["p50_us"].word not in {"not-comparable", "too-few-rounds"}


def test_a_percentile_that_nobody_has_makes_no_row() -> None:
    """Too few requests beyond it, in the baseline too: there is nothing to ask about."""

    def short(trial: TrialRecord) -> TrialRecord:
        assert trial.load is not None
        latency = trial.load.latency_us
        assert latency is not None
        kept = latency.model_copy(update={"percentiles": {**latency.percentiles, "99": None}})
        return trial.model_copy(update={"load": trial.load.model_copy(update={"latency_us": kept})})

    data = run_data({"axum": Truth(), "robyn": Truth()}, profiles=(open_profile(),), edit=short)

    assert "p99_us" not in {row.metric for row in analyze(data)[0].comparisons}
