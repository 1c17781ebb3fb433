"""Findings of records are what their figures give rise to now."""

from __future__ import annotations

from typing import Any

import pytest

from bench.analysis.rejudged import kept_up, rejudged
from bench.model.finding import finding
from bench.model.load_result import ErrorCounts, LoadResult
from bench.model.pacing import Pacing, Spread
from bench.reports.wording.findings import text_of
from tests.analysis.test_cost_verdicts import cost_data
from tests.factories import Truth, open_profile, run_data
from tests.loadtools.recorded import result

IN_TIME = ErrorCounts(deadline=0)
BURST = {"p50": 7_518, "p99": None, "max": 32_798}
"""A trial of this project: 4 of 351 requests were under way when its second ended."""


def _load(
    over_s: float = 0.0125,
    times: dict[str, Any] = BURST,
    errors: ErrorCounts = IN_TIME,
    **more: Any,
) -> LoadResult:
    base: dict[str, Any] = {
        "arrivals": "poisson", "seed": 1, "rate_rps": 344.1, "spin_us": 20, "window_s": 1.0,
        "due": 351, "sent": 351, "from_queue": 0, "queue_most": 0, "lateness_us": None,
        "queued_us": None, "service_us": Spread(**times), "failures": {}, "unsolicited": 0,
        "arrivals_off": 0.02, "intervals": 350, "off_by_a_tenth": 9,
    }  # fmt: skip
    pacing = Pacing(**{**base, **more})
    return result(loop="open", duration_s=1 + over_s, errors=errors, pacing=pacing)


def test_the_last_answers_may_come_a_moment_after_the_window() -> None:
    """All were answered, none waited for a connection, none was later than one response takes."""
    load = _load()

    assert kept_up(load, load.pacing)


@pytest.mark.parametrize(
    "load",
    [
        _load(from_queue=2025, queue_most=278),
        _load(errors=ErrorCounts(deadline=1)),
        _load(failures={"reset": 1}),
        _load(over_s=0.2),
        _load(
            times={"p50": 6_000, "p99": None, "max": 12_600}
        ),  # each response later than the last
    ],
)
def test_a_server_that_falls_behind_is_saturated(load: LoadResult) -> None:
    """Requests wait, are left over, or take longer and longer."""
    assert not kept_up(load, load.pacing)


def test_without_a_schedule_nothing_is_known() -> None:
    """The achieved rate alone counts then, as oha tells it."""
    assert not kept_up(result(loop="open"), None)


def test_what_an_earlier_version_called_saturated_is_not() -> None:
    """Its record has the figures; every other finding stays."""
    data = run_data({"axum": Truth()}, profiles=(open_profile(),))
    load = _load()
    known = (
        finding("saturated", "t", offered_rps=351.0, achieved_ratio=0.988),
        finding("steal", "t", share=0.02),
    )
    trial = data.trials[0].replace(load=load, pacing=load.pacing, findings=known)
    behind = trial.replace(pacing=trial.pacing and trial.pacing.replace(from_queue=9))

    assert [each.code for each in rejudged(data.plan, trial).findings] == ["steal"]
    assert rejudged(data.plan, behind) is behind


@pytest.mark.parametrize("case", ["poisson", "even"])
def test_a_duet_of_the_cost_tells_no_response_time(case: str) -> None:
    """What arrivals off their schedule mean there is said of the cost."""
    data = cost_data()
    off = finding("arrivals-off", "t", case, off=0.11, intervals=99)
    duet = data.trials[-1].replace(findings=(off,))
    alone = data.trials[0].replace(findings=(off,))
    said = text_of(rejudged(data.plan, duet).findings[0])

    assert "its cost in this trial may be too low" in said
    assert "response times" not in said
    assert rejudged(data.plan, alone).findings == (off,)
