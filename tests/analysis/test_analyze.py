"""The whole way from records to a summary, with good and with bad runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import orjson
import pytest

from bench.analysis import analyze
from bench.model.plan import Skipped
from bench.reports.wording.findings import in_words as told
from bench.reports.wording.verdict_words import verdict_text
from tests.factories import Truth, as_read, closed_profile, open_profile, run_data, with_status

if TYPE_CHECKING:
    from bench.model.finding import Finding
    from bench.model.summary import Summary
    from bench.model.trial_record import TrialRecord

FIVE = {
    "axum": Truth(),
    "spikard": Truth(rps=17_000),
    "fastapi": Truth(rps=7_000),
    "robyn": Truth(rps=12_000),
    "fastify": Truth(rps=30_000),
}


def _find(summary: Summary, code: str) -> list[Finding]:
    return [each for each in summary.findings if each.code == code]


def test_the_same_records_give_the_same_bytes() -> None:
    """Analysis is a pure function of the run."""
    first, again = (analyze(run_data(FIVE)) for _ in range(2))

    assert first[0].model_dump_json() == again[0].model_dump_json()
    assert first[1] == again[1]


def test_details_come_in_the_order_of_cells() -> None:
    """One detail per cell, also where cells are sorted by rate."""
    for baseline in ("axum", "nobody"):
        summary, details = analyze(run_data(FIVE, baseline=baseline, workloads=["x", "y"]))

        assert [(c.server, c.workload) for c in summary.cells] == [
            (d.server, d.workload) for d in details
        ]


def test_what_the_run_is_stands_in_the_summary() -> None:
    """Identity, seed, margin, skipped servers, findings of the run."""
    odd = as_read("governor", "host", "the governor is powersave")
    skipped = Skipped(server="robyn", reason="uv is missing")
    summary, _ = analyze(run_data(FIVE, findings=(odd,), skipped=(skipped,), margin=0.05))

    assert summary.baseline == "axum"
    assert summary.margin == 0.05
    assert summary.seed == 7
    assert summary.skipped == (skipped,)
    assert odd in summary.findings


def test_one_round_has_rates_but_no_intervals() -> None:
    """The table is there; verdicts and intervals are not, and the report says why."""
    summary, _ = analyze(run_data(FIVE, rounds=1))
    (said,) = _find(summary, "too-few-rounds")
    metric = summary.cells[1].metrics.throughput_rps

    assert "only 1 usable round" in told(said).text
    assert metric is not None
    assert (metric.low, metric.high, metric.n) == (None, None, 1)
    assert metric.verdict is not None
    assert metric.verdict.word == "too-few-rounds"
    assert metric.verdict.ratio == pytest.approx(17 / 60, rel=0.1)
    assert verdict_text(metric.verdict) == "not enough rounds for an interval (1 of 3)"


def test_two_rounds_are_too_few_as_well() -> None:
    """The bound is three."""
    (said,) = _find(analyze(run_data(FIVE, rounds=2))[0], "too-few-rounds")

    assert "only 2 usable rounds" in told(said).text


def test_one_server_needs_no_comparison() -> None:
    """Estimates without rows, and nothing is missing."""
    summary, _ = analyze(run_data({"axum": Truth()}))

    assert summary.comparisons == ()
    assert summary.findings == ()
    assert summary.cells[0].metrics.throughput_rps is not None


def test_all_trials_failed() -> None:
    """Every cell is there with its counts; nothing is made up."""
    edit = with_status("failed", "server-not-ready", where=lambda _: True)
    summary, details = analyze(run_data(FIVE, edit=edit))
    cell = summary.cells[0]

    assert len(details) == 5
    assert cell.trials.failed == 5
    assert (cell.success_rate, cell.latency_us, cell.bytes_per_s) == (None, None, None)
    assert (cell.total_requests, cell.bound) == (None, "unknown")
    assert (cell.errors, cell.errors_excluded) == (None, None)
    assert cell.findings == ("server-not-ready",)
    assert told(_find(summary, "baseline-missing")[0]).text == (
        "nothing to compare with: the baseline axum has no result, "
        "no usable trial (failed: server-not-ready)"
    )
    assert summary.comparisons == ()


def test_a_failed_baseline_leaves_a_list_sorted_by_rate() -> None:
    """Ratios and verdicts null, finding, the fastest first."""
    edit = with_status("failed", "build-failed", where=lambda t: t.server == "axum")
    summary, _ = analyze(run_data(FIVE, edit=edit))

    assert [cell.server for cell in summary.cells] == [
        "fastify",
        "spikard",
        "robyn",
        "fastapi",
        "axum",
    ]
    assert summary.comparisons == ()
    assert len(_find(summary, "baseline-missing")) == 1
    assert all(
        metric.verdict is None for cell in summary.cells for _, metric in cell.metrics if metric
    )


def test_a_baseline_that_failed_in_one_workload_is_told_for_that_one() -> None:
    """The others are compared as ever."""
    edit = with_status(
        "failed", "verify-failed", where=lambda t: (t.server, t.workload) == ("axum", "y")
    )
    summary, _ = analyze(run_data(FIVE, workloads=["x", "y"], edit=edit))
    (said,) = _find(summary, "baseline-missing")

    assert "nothing to compare with in y (wrk-c50)" in told(said).text
    assert {row.workload for row in summary.comparisons} == {"x"}


def test_a_baseline_that_is_not_in_the_run() -> None:
    """Skipped, or left out by --servers."""
    (said,) = _find(analyze(run_data(FIVE, baseline="go"))[0], "baseline-missing")

    assert told(said).text.endswith("the baseline go has no result, it is not part of this run")


def test_a_skipped_baseline_is_told_with_its_reason() -> None:
    """It takes no part in the plan any more."""
    skipped = (Skipped(server="go", reason="go is missing"),)
    (said,) = _find(analyze(run_data(FIVE, baseline="go", skipped=skipped))[0], "baseline-missing")

    assert told(said).text.endswith("the baseline go has no result, it was skipped: go is missing")


def test_trials_left_out_after_two_failures_are_not_missing() -> None:
    """A resumed run would not try them again either."""
    fails = with_status("failed", "server-died", where=lambda t: t.server == "axum")

    def edit(trial: TrialRecord) -> TrialRecord | None:
        return None if (trial.server, trial.round > 2) == ("axum", True) else fails(trial)

    summary, _ = analyze(run_data(FIVE, edit=edit))

    assert _find(summary, "missing-trials") == []
    assert summary.cells[-1].trials.model_dump() == {
        "planned": 5,
        "valid": 0,
        "suspect": 0,
        "invalid": 0,
        "failed": 2,
        "interrupted": 0,
    }


def test_missing_cells_are_counted() -> None:
    """Half a run: what is there is analyzed, what is not is said."""
    summary, _ = analyze(run_data(FIVE, edit=lambda t: t if t.round < 4 else None))
    (said,) = _find(summary, "missing-trials")

    assert told(said).text == "10 of 25 planned trials have no record"
    assert summary.cells[0].trials.planned == 5
    assert summary.cells[0].trials.valid == 3


def test_no_trials_at_all() -> None:
    """A run that was stopped before its first trial."""
    summary, details = analyze(run_data(FIVE, edit=lambda _: None))

    assert len(summary.cells) == len(details) == 5
    assert {each.code for each in summary.findings} == {"missing-trials", "baseline-missing"}


def test_findings_of_trials_are_told_once_per_cell() -> None:
    """Three of five trials with steal make one finding that says so."""

    def edit(trial: TrialRecord) -> TrialRecord:
        if trial.server != "axum" or trial.round > 3:
            return trial
        said = as_read("steal", trial.trial, f"steal {trial.round} %")
        return trial.model_copy(
            update={"status": "suspect", "reasons": ("steal",), "findings": (said,)}
        )

    summary, _ = analyze(run_data(FIVE, edit=edit))
    (said,) = _find(summary, "steal")

    assert said.scope == "axum.json-small.wrk-c50"
    assert told(said).text.startswith("3 of 5 trials, such as r0")
    assert told(said).text.endswith(" %")
    assert summary.cells[0].findings == ("steal",)


def test_what_a_cell_tells_as_a_whole_is_not_told_by_its_trials_too() -> None:
    """A closed loop's limit is that of most trials; an open loop's is told trial by trial."""

    def edit(trial: TrialRecord) -> TrialRecord:
        said = as_read("client-bound", trial.trial, "the load tool used 97% of its CPU")
        return trial.model_copy(update={"findings": (said,)})

    data = run_data({"a": Truth()}, profiles=[closed_profile(), open_profile()], edit=edit)
    closed, opened = analyze(data)[0].cells

    assert closed.findings == ()
    assert opened.findings == ("client-bound",)


def test_a_single_finding_names_its_trial() -> None:
    """There is no `such as` where there is only one; its own severity is kept."""

    def edit(trial: TrialRecord) -> TrialRecord:
        if trial.trial != "r02-axum.json-small.wrk-c50":
            return trial
        said = as_read("errors", trial.trial, "12 of 300 requests failed", severity="warning")
        return trial.model_copy(
            update={"status": "invalid", "reasons": ("errors",), "findings": (said,)}
        )

    (said,) = _find(analyze(run_data(FIVE, edit=edit))[0], "errors")

    assert told(said).text == "r02-axum.json-small.wrk-c50: 12 of 300 requests failed"
    assert said.severity == "warning"


def test_a_reason_without_finding_is_told_by_the_trials_sentence() -> None:
    """No exclusion without a word."""
    edit = with_status("invalid", "window-off", where=lambda t: t.trial.startswith("r01-axum"))
    (said,) = _find(analyze(run_data(FIVE, edit=edit))[0], "window-off")

    assert told(said).text == "r01-axum.json-small.wrk-c50: window-off"


def test_equal_findings_are_told_once() -> None:
    """The host's finding may come in twice."""
    odd = as_read("governor", "host", "the governor is powersave")

    assert len(_find(analyze(run_data(FIVE, findings=(odd, odd)))[0], "governor")) == 1


class TestTools:
    def test_cells_that_differ_by_tool_are_held_against_each_other(self) -> None:
        """One finding per server, with the interval."""
        profiles = [closed_profile(), closed_profile("oha-c50", tool="oha")]
        summary, _ = analyze(run_data({"a": Truth(), "b": Truth()}, profiles=profiles))
        found = _find(summary, "tools-differ")

        assert [each.scope for each in found] == [
            "a.json-small.wrk-c50",
            "b.json-small.wrk-c50",
        ]
        assert told(found[0]).text.startswith("oha measures ")
        assert "than wrk (95 % interval " in told(found[0]).text

    def test_one_round_tells_the_difference_without_interval(self) -> None:
        """A bare number."""
        profiles = [closed_profile(), closed_profile("oha-c50", tool="oha")]
        (found,) = _find(
            analyze(run_data({"a": Truth()}, profiles=profiles, rounds=1))[0], "tools-differ"
        )

        assert told(found).text.endswith("than wrk")

    @pytest.mark.parametrize(
        "other",
        [
            open_profile(),
            closed_profile("wrk-c100", connections=100),
            closed_profile("oha-c100", tool="oha", connections=100),
        ],
    )
    def test_other_differences_are_no_cross_check(self, other: object) -> None:
        """Another loop or number of connections measures something else."""
        data = run_data({"a": Truth()}, profiles=[closed_profile(), other])  # type: ignore[list-item] # the test gives what the type would not

        assert _find(analyze(data)[0], "tools-differ") == []

    def test_nothing_measured_is_no_difference(self) -> None:
        """All failed under one tool."""
        profiles = [closed_profile(), closed_profile("oha-c50", tool="oha")]
        edit = with_status("failed", "tool-failed", where=lambda t: t.profile == "oha-c50")
        data = run_data({"a": Truth()}, profiles=profiles, edit=edit)

        assert _find(analyze(data)[0], "tools-differ") == []


@pytest.mark.slow
def test_a_thousand_trials_take_seconds() -> None:
    """10 servers x 10 workloads x 10 rounds, written as summary.json."""
    data = run_data(
        {f"s{k}": Truth(rps=5_000.0 * (k + 1)) for k in range(10)},
        workloads=[f"w{k}" for k in range(10)],
        rounds=10,
    )
    analyze(run_data(FIVE, rounds=3))  # what is imported late is imported now
    begun = time.process_time()
    summary, _ = analyze(data)
    orjson.dumps(summary.model_dump(mode="json"))

    assert len(data.trials) == 1000
    assert time.process_time() - begun < 6.0  # one second here
