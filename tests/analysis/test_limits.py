"""Whose limit was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.analysis import analyze
from bench.analysis.limits import bound_of, ceiling_arms
from bench.analysis.trials import by_cell
from bench.model.finding import finding
from bench.reports.wording.findings import in_words as told
from bench.reports.wording.verdict_words import verdict_text
from tests.factories import Truth, closed_profile, open_profile, run_data

if TYPE_CHECKING:
    from bench.model.plan import LoadProfile
    from bench.model.summary import Summary
    from bench.model.trial_record import Bound, TrialRecord


def _codes(summary: Summary) -> dict[str, tuple[str, ...]]:
    return {cell.server: cell.findings for cell in summary.cells}


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (["server"] * 5, "server"),
        (["client", "client", "client", "server", "server"], "client"),
        (["client", "client", "server", "server", "neither"], "client"),
        (["server", "server", "neither", "neither", "unknown"], "server"),
        (["neither", "unknown", "unknown", "unknown", "unknown"], "neither"),
        (["unknown"] * 5, "unknown"),
    ],
)
def test_the_cell_has_the_limit_of_most_trials(bounds: list[Bound], expected: Bound) -> None:
    """In doubt the load tool, since that makes the weaker claim; unknown counts only alone."""

    def edit(trial: TrialRecord) -> TrialRecord:
        return trial.model_copy(update={"bound": bounds[trial.round - 1]})

    data = run_data({"a": Truth()}, edit=edit)
    (cell,) = by_cell(data.plan, data.trials)

    assert bound_of(cell) == expected


def test_client_bound_cells_are_lower_bounds() -> None:
    """The cell is marked, the finding tells it, and the verdict is `at least`."""
    data = run_data({"a": Truth(rps=20_000), "b": Truth(rps=72_000, bound="client")})
    summary, _ = analyze(data)
    (verdict,) = [r.verdict for r in summary.comparisons if r.metric == "throughput_rps"]
    (finding,) = [f for f in summary.findings if f.code == "client-bound"]

    assert _codes(summary) == {"a": (), "b": ("client-bound",)}
    assert summary.cells[1].bound == "client"
    assert verdict.word == "faster"
    assert verdict_text(verdict).startswith("b reaches at least 3.6")
    assert told(finding).text.startswith("the load tool was the limit in 5 of 5 trials")


def test_a_client_bound_baseline_bounds_everybody_else() -> None:
    """Nothing is called faster than what could have done more."""
    summary, _ = analyze(run_data({"a": Truth(bound="client"), "b": Truth(), "c": Truth(rps=9e3)}))
    words = {r.server: r.verdict.word for r in summary.comparisons if r.metric == "throughput_rps"}

    assert words == {"b": "inconclusive", "c": "slower"}


def test_near_the_ceiling_is_a_lower_bound() -> None:
    """80 % of the ceiling server: the machine may be the limit."""
    data = run_data(
        {
            "a": Truth(rps=50_000),
            "near": Truth(rps=85_000, noise=0.001),
            "ceiling": Truth(rps=100_000, bound="client"),
        },
        block_noise=0.0,
    )
    summary, _ = analyze(data)
    codes = _codes(summary)

    assert codes["a"] == ()
    assert codes["near"] == ("near-ceiling",)
    assert codes["ceiling"] == ()
    (finding,) = [f for f in summary.findings if f.code == "near-ceiling"]
    assert told(finding).text.startswith("reaches 85% of what the ceiling server reaches")


def test_above_the_ceiling_the_ceiling_is_doubted() -> None:
    """No share above 100 %: a server that beats the yardstick says that the yardstick is bent."""
    servers = {"a": Truth(rps=50_000), "near": Truth(rps=134_000, noise=0.001)}
    data = run_data(
        {**servers, "ceiling": Truth(rps=100_000, bound="client", noise=0.001)}, block_noise=0.0
    )
    summary, _ = analyze(data)

    (finding,) = [f for f in summary.findings if f.code == "near-ceiling"]
    assert told(finding).text.startswith("answered 34% more than the ceiling server")
    assert "134" not in told(finding).text


def _second(*, connections: int = 50) -> LoadProfile:
    """A closed loop with a window of a second."""
    return closed_profile(connections=connections, duration_s=1.0)


def test_responses_of_fewer_than_ten_each_make_a_lower_bound() -> None:
    """51 responses of 50 connections: those under way at the end may be as many again.

    The rate is never called slower, the CPU time of requests that nobody counted is in the cost,
    and memory is compared as ever.
    """
    truth = {"a": Truth(rps=5_000, cpu_us=100), "b": Truth(rps=51, noise=0.001, cpu_us=2e4)}
    summary, _ = analyze(run_data(truth, profiles=[_second()], block_noise=0.0))
    verdicts = {row.metric: row.verdict for row in summary.comparisons}
    (found,) = [f for f in summary.findings if f.code == "window-short"]

    assert _codes(summary) == {"a": (), "b": ("window-short",)}
    assert verdicts["throughput_rps"].word == "inconclusive"
    assert verdict_text(verdicts["throughput_rps"]) == (
        "b reaches at least 0.0101x: too few responses per connection in its window"
    )
    for metric in ("requests_per_cpu_second", "cpu_us_per_request"):
        assert verdicts[metric].word == "not-comparable"
        assert "CPU time of requests that were not counted" in verdict_text(verdicts[metric])
        assert verdicts[metric].ratio is not None
    assert verdicts["rss_peak_bytes"].word != "not-comparable"
    assert told(found).text.startswith("255 responses in 5 windows, for 50 connections each time:")
    assert "the rate may be up to 98 % higher" in told(found).text
    assert told(found).advice.startswith("raise duration to 10 s or more")


def test_a_short_window_of_the_baseline_bounds_everybody_else() -> None:
    """Nothing is called faster than what was not counted to its end, nor cheaper."""
    truth = {"a": Truth(rps=100, noise=0.001), "b": Truth(rps=9_000), "c": Truth(rps=99)}
    summary, _ = analyze(run_data(truth, profiles=[_second()], block_noise=0.0))
    words = {(row.server, row.metric): row.verdict.word for row in summary.comparisons}

    assert words["b", "throughput_rps"] == words["c", "throughput_rps"] == "inconclusive"
    assert words["b", "cpu_us_per_request"] == "not-comparable"


@pytest.mark.parametrize(("connections", "short"), [(50, False), (51, True)])
def test_ten_responses_each_are_enough(connections: int, *, short: bool) -> None:
    """Over all rounds of a cell, so that single trials do not decide it."""
    truth = {"a": Truth(rps=500, noise=0.0)}
    profiles = [_second(connections=connections)]
    summary, _ = analyze(run_data(truth, profiles=profiles, block_noise=0.0))

    assert ("window-short" in summary.cells[0].findings) is short


def test_open_loops_wait_for_every_answer() -> None:
    """Few responses there are no short window."""
    truth = {"a": Truth(rps=500), "b": Truth(rps=500)}
    summary, _ = analyze(run_data(truth, profiles=[open_profile(rate_rps=5.0)]))

    assert all("window-short" not in cell.findings for cell in summary.cells)


def test_a_recorded_little_is_not_told_where_the_end_of_the_window_explains_it() -> None:
    """Runs of earlier versions are read again: their trials keep what was said then."""

    def edit(trial: TrialRecord) -> TrialRecord:
        assert trial.load is not None
        assert trial.load.latency_us is not None
        used = 36.0 if trial.server == "few" else 30.0
        mean = used / trial.load.throughput_rps * 1e6
        latency = trial.load.latency_us.model_copy(update={"mean": mean})
        load = trial.load.model_copy(update={"latency_us": latency})
        said = finding("little", trial.trial, used=used, connections=50)
        return trial.model_copy(update={"load": load, "findings": (said,)})

    truth = {"few": Truth(rps=51), "many": Truth(rps=5_000)}
    summary, _ = analyze(run_data(truth, profiles=[_second()], edit=edit))

    assert _codes(summary) == {"few": ("window-short",), "many": ("little",)}


@pytest.mark.parametrize(("seen", "told_so"), [(38, False), (49, True)])
def test_a_recorded_shortage_that_the_load_tool_contradicts(seen: int, *, told_so: bool) -> None:
    """48.5 connections cannot have been in use where 38 were open."""

    def edit(trial: TrialRecord) -> TrialRecord:
        assert trial.load is not None
        assert trial.load.latency_us is not None
        mean = 48.5 / trial.load.throughput_rps * 1e6
        latency = trial.load.latency_us.model_copy(update={"mean": mean})
        load = trial.load.model_copy(update={"latency_us": latency})
        said = finding("connections-short", trial.trial, seen=seen, asked=50)
        return trial.model_copy(update={"load": load, "findings": (said,)})

    summary, _ = analyze(run_data({"a": Truth()}, edit=edit))

    assert ("connections-short" in summary.cells[0].findings) is told_so


def test_the_ceiling_is_no_candidate() -> None:
    """It is shown, without verdict, and does not enlarge the family of comparisons."""
    data = run_data({"a": Truth(), "b": Truth(), "ceiling": Truth(rps=200_000)})
    summary, _ = analyze(data)

    assert {row.server for row in summary.comparisons} == {"b"}
    assert ceiling_arms(data.plan) == {"ceiling"}
    ceiling = summary.cells[2].metrics.throughput_rps
    assert ceiling is not None
    assert ceiling.verdict is None


def test_a_ceiling_that_is_the_baseline_is_compared_with() -> None:
    """Who asks for it gets it."""
    data = run_data({"ceiling": Truth(rps=200_000), "b": Truth()})
    summary, _ = analyze(data)

    assert summary.comparisons[0].verdict.word == "slower"


def test_open_loops_have_no_lower_bounds() -> None:
    """The rate is offered there, not reached."""
    data = run_data({"a": Truth(), "b": Truth(bound="client")}, profiles=[open_profile()])

    assert _codes(analyze(data)[0]) == {"a": (), "b": ()}
