"""Trials sorted into cells, and the metrics of one trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.analysis.trials import by_cell, compared, shown
from bench.model.cpu_profile import ProfileRecord
from bench.model.metric_names import METRICS
from bench.model.trial_record import Resources, TrialRecord, cpu_us_per_request
from bench.store.run_directory import RunDirectory
from tests.factories import Truth, closed_profile, open_profile, run_data, with_status
from tests.profiles import profile_run

if TYPE_CHECKING:
    from pathlib import Path


def _rerun(trial: TrialRecord, status: str) -> TrialRecord:
    return trial.model_copy(update={"trial": f"{trial.trial}.2", "status": status})


def test_cells_come_in_the_order_of_the_plan() -> None:
    """The random order of trials does not show."""
    data = run_data({"b": Truth(), "a": Truth()}, workloads=["w2", "w1"])

    found = by_cell(data.plan, data.trials)

    assert tuple(each.cell for each in found) == data.plan.cells
    assert all([trial.round for trial in each.final] == [1, 2, 3, 4, 5] for each in found)


def test_a_re_run_stands_in_place_of_what_it_repeats() -> None:
    """Both records stay, one counts."""
    data = run_data({"a": Truth()}, rounds=3)
    first = data.trials[0].model_copy(update={"status": "invalid"})
    (cell,) = by_cell(data.plan, (first, _rerun(first, "valid"), *data.trials[1:]))

    assert len(cell.recorded) == 4
    assert cell.final[0].trial.endswith(".2")
    assert cell.counts.model_dump() == {
        "planned": 3,
        "valid": 3,
        "suspect": 0,
        "invalid": 0,
        "failed": 0,
        "interrupted": 0,
    }


def test_every_status_is_counted() -> None:
    """n = valid + suspect; the others are counted beside."""
    statuses = {1: "valid", 2: "suspect", 3: "invalid", 4: "failed", 5: "interrupted"}

    def edit(trial: TrialRecord) -> TrialRecord:
        return trial.model_copy(update={"status": statuses[trial.round]})

    data = run_data({"a": Truth()}, edit=edit)
    (cell,) = by_cell(data.plan, data.trials)

    assert cell.counts.model_dump() == dict.fromkeys(statuses.values(), 1) | {"planned": 5}
    assert [trial.round for trial in cell.usable] == [1, 2]


def test_rounds_that_were_added_are_planned_ones() -> None:
    """A record of a round that the plan does not list counts as planned."""
    data = run_data({"a": Truth()}, rounds=3)
    later = data.trials[0].model_copy(update={"round": 4, "trial": "r04-a.json-small.wrk-c50"})
    (cell,) = by_cell(data.plan, (*data.trials, later))

    assert cell.counts.planned == 4


def test_records_of_unknown_cells_are_left_out() -> None:
    """A calibration or a foreign record makes no cell."""
    data = run_data({"a": Truth()}, rounds=3)
    foreign = data.trials[0].model_copy(update={"server": "else"})

    assert len(by_cell(data.plan, (*data.trials, foreign))) == 1


def test_rates_are_compared_closed_and_latencies_open() -> None:
    """All other metrics are compared in both loops."""
    closed = {metric for metric in METRICS if compared(metric, closed_profile())}
    opened = {metric for metric in METRICS if compared(metric, open_profile())}

    assert set(METRICS) - closed == {"p50_us", "p99_us"}
    assert set(METRICS) - opened == {"throughput_rps"}


def test_a_percentile_that_one_trial_lacks_is_not_shown() -> None:
    """Too few requests beyond it in one trial: in none."""

    def edit(trial: TrialRecord) -> TrialRecord:
        if trial.round != 2 or trial.load is None or trial.load.latency_us is None:
            return trial
        latency = trial.load.latency_us.model_copy(update={"percentiles": {"50": 400.0}})
        return trial.model_copy(
            update={"load": trial.load.model_copy(update={"latency_us": latency})}
        )

    data = run_data({"a": Truth()}, profiles=[open_profile()], edit=edit)
    (cell,) = by_cell(data.plan, data.trials)

    assert len(shown("p50_us", cell)) == 5
    assert shown("p99_us", cell) == {}


def test_failed_trials_have_no_values() -> None:
    """A metric is read from usable trials alone."""
    data = run_data(
        {"a": Truth()}, edit=with_status("failed", "server-died", where=lambda t: t.round < 3)
    )
    (cell,) = by_cell(data.plan, data.trials)

    assert set(cell.values("throughput_rps")) == {3, 4, 5}


class TestCpuPerRequest:
    @pytest.mark.parametrize(
        ("span_s", "expected"), [(5.0, 20.0), (2.5, 40.0), (6.0, 20.0), (None, 20.0), (0.0, 20.0)]
    )
    def test_requests_are_those_of_the_span(self, span_s: float | None, expected: float) -> None:
        """Half the window's clocks pay for half its requests; a longer span holds no more."""
        trial = run_data({"a": Truth()}, rounds=1).trials[0]
        assert trial.load is not None
        resources = Resources(server_cpu_s=20e-6 * trial.load.ok, span_s=span_s)

        found = cpu_us_per_request(trial.model_copy(update={"resources": resources}))

        assert found == pytest.approx(expected)

    def test_what_was_not_measured_is_none(self) -> None:
        """No clock, a clock that did not move, or no load: no cost, not 0."""
        trial = run_data({"a": Truth()}, rounds=1).trials[0]

        for resources in (Resources(), Resources(server_cpu_s=0.0)):
            assert cpu_us_per_request(trial.model_copy(update={"resources": resources})) is None
        assert cpu_us_per_request(trial.model_copy(update={"load": None})) is None

    def test_instructions_are_per_request_too(self) -> None:
        """Where the machine counts them."""

        def edit(trial: TrialRecord) -> TrialRecord:
            assert trial.load is not None
            resources = trial.resources.model_copy(update={"instructions": 50_000 * trial.load.ok})
            return trial.model_copy(update={"resources": resources})

        data = run_data({"a": Truth()}, edit=edit)
        (cell,) = by_cell(data.plan, data.trials)

        assert list(cell.values("instructions_per_request").values()) == pytest.approx([5e4] * 5)
        (plain,) = by_cell(data.plan, run_data({"a": Truth()}).trials)
        assert plain.values("instructions_per_request") == {}


def test_a_profile_and_a_cell_mean_the_same_by_cpu_per_request(tmp_path: Path) -> None:
    """Per successful request in both, also where a tenth of the responses are errors."""

    def edit(trial: TrialRecord) -> TrialRecord:
        assert trial.load is not None
        load = trial.load.model_copy(update={"ok": round(0.9 * trial.load.requests)})
        return trial.model_copy(update={"load": load})

    data = run_data({"a": Truth()}, rounds=1, edit=edit)
    trial = data.trials[0]
    (cell,) = by_cell(data.plan, data.trials)
    run = RunDirectory(profile_run(tmp_path))
    record = run.read_model("profiles/spikard.json", ProfileRecord)
    profile = record.model_copy(update={"plain": trial, "again": None})

    assert profile.cpu_us == pytest.approx(cell.values("cpu_us_per_request")[1])
