"""A run that is less than was asked for says so, by the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.reports.blocks import plain
from bench.reports.sections.next_steps import next_steps
from bench.reports.sections.precision_reached import precision_reached, reached
from bench.reports.view import make_view
from tests.reports import samples, test_claims

if TYPE_CHECKING:
    from bench.model.summary import RunView


def _asked(run: RunView, **plan: Any) -> RunView:
    return run.replace(plan=run.plan.replace(**plan))


def _said(run: RunView) -> str:
    return " ".join(map(plain, precision_reached(make_view(run))))


def test_rounds_that_did_not_fit() -> None:
    """Asked, made, and the time that was not enough; beside the rounds of the configuration too."""
    run = _asked(samples.two_servers(), rounds_asked=9, max_time_s=1500.0)

    assert _said(run) == (
        "Less than asked for: 5 of 9 rounds were made, no more fitted into the 25 min 00 s allowed."
    )
    assert "5 rounds of the 9 asked for, each trial" in samples.text(run)


def test_intervals_that_stayed_wide() -> None:
    """Counted by the intervals that verdicts have, against the goal of each metric."""
    run = _asked(samples.rich(), precision=0.02, max_time_s=60.0)
    ratios = [
        metric.verdict
        for cell in run.summary.cells
        if not cell.offered_rps and (metric := cell.metrics.throughput_rps) and metric.verdict
        if cell.server in {"spikard", "fastapi", "robyn", "fastify"}
    ]
    narrow = sum((one.high / one.low) ** 0.5 <= 1.02 for one in ratios if one.low and one.high)

    assert 0 < narrow < len(ratios) == 12
    assert f"{narrow} of 12 rates are known to +-2 % (half of them to +-" in _said(run)
    goals = {each.lead.metric: each.goal for each in reached(make_view(run))}
    assert goals == pytest.approx({"throughput_rps": 0.02, "p99_us": 0.04, "cost": 0.008})


def test_without_a_time_costs_and_tails_have_no_goal() -> None:
    """They do not decide then how long a run goes on."""
    found = reached(make_view(_asked(samples.rich(), precision=0.02)))

    assert [each.lead.metric for each in found] == ["throughput_rps"]


def test_a_tail_that_is_compared_nowhere_is_not_known() -> None:
    """p50, which the tables show then, was not what the precision was asked of."""
    run = _asked(test_claims.TestLate.RUN, precision=0.02, max_time_s=60.0)
    found = {each.lead.metric: each for each in reached(make_view(run))}

    assert (found["p99_us"].narrow, found["p99_us"].total) == (0, 2)
    assert "0 of 2 p99 are known to +-4 %" in _said(run)


def test_nothing_is_said_where_all_was_done() -> None:
    """No precision asked for, or all of it reached."""
    assert not _said(samples.two_servers())
    assert not _said(_asked(samples.two_servers(), precision=0.5, max_time_s=60.0))


def test_what_is_missing_is_a_next_step() -> None:
    """Though every comparison is decided."""
    run = _asked(samples.two_servers(), precision=0.001)
    steps = next_steps(make_view(run))[0]

    assert "Make the intervals narrower" in str(steps)
    assert "bench run synthetic --rounds 10" in str(steps)


@pytest.mark.parametrize("form", ["markdown", "html", "terminal", "results"])
def test_every_form_says_it(form: str) -> None:
    """At its head."""
    run = _asked(samples.two_servers(), rounds_asked=9, max_time_s=1500.0)

    assert "5 of 9 rounds were made" in " ".join(samples.text(run, form).split())
