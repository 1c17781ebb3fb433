"""Whose limit was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.analysis import analyze
from bench.analysis.limits import bound_of, ceiling_arms
from bench.analysis.trials import by_cell
from bench.reports.wording.findings import in_words as told
from bench.reports.wording.verdict_words import verdict_text
from tests.factories import Truth, open_profile, run_data

if TYPE_CHECKING:
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
