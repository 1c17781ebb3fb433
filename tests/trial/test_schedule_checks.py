"""What the load generator says of itself decides whether its response times are believed."""

from __future__ import annotations

from typing import Any

import pytest

from bench.model.load_result import LatencySummary
from bench.model.pacing import Pacing, ScheduleSeries, Spread
from bench.trial.schedule_checks import offered_rps, schedule_findings
from tests.loadtools.recorded import result

STEADY = (400,) * 20


def load(means: tuple[int, ...] = STEADY, **changes: Any) -> Any:
    """2 s at 1,000/s, median 400 us; 100 responses per step of 100 ms."""
    series = ScheduleSeries(
        step_s=0.1, sent=(100,) * len(means), completed=(100,) * len(means),
        response_us=tuple(100 * mean for mean in means),
    )  # fmt: skip
    base: dict[str, Any] = {
        "arrivals": "poisson", "seed": 1, "rate_rps": 1000.0, "spin_us": 20, "window_s": 2.0,
        "due": 2100, "sent": 2100, "from_queue": 0, "queue_most": 0,
        "lateness_us": Spread(p50=5, p99=39, max=90), "queued_us": None, "service_us": None,
        "failures": {}, "unsolicited": 0, "arrivals_off": 0.02, "intervals": 1999,
        "off_by_a_tenth": 0, "series": series,
    }  # fmt: skip
    latency = LatencySummary(
        count=2100, min=100, mean=410, max=9000, exact=True, source="intended-time",
        percentiles={"50": 400.0, "99": 2000.0},
    )  # fmt: skip
    return result(loop="open", latency_us=latency, pacing=Pacing(**{**base, **changes}))


def found(window: Any) -> list[tuple[str, str | None]]:
    return [(each.code, each.case) for each in schedule_findings(window, "t")]


def test_a_sound_window_has_no_finding() -> None:
    """Late by less than a tenth of the median, arrivals as planned, steady."""
    assert found(load()) == []
    assert found(result()) == []


@pytest.mark.parametrize(
    ("late", "case"), [((41, 60), ""), ((40, 201), "tail"), ((0, 200), None), ((None, None), None)]
)
def test_late_is_more_than_a_tenth_of_what_it_moves(late: Any, case: str | None) -> None:
    """Half of the requests: of the median; one of a hundred: of the p99."""
    window = load(lateness_us=Spread(p50=late[0], p99=late[1], max=99))
    assert found(window) == ([] if case is None else [("pacer-late", case)])


@pytest.mark.parametrize("arrivals", ["even", "poisson"])
def test_arrivals_that_are_not_those_planned(arrivals: str) -> None:
    """Beyond a tenth, in the measure of their kind."""
    assert found(load(arrivals=arrivals, arrivals_off=0.11)) == [("arrivals-off", arrivals)]
    assert found(load(arrivals=arrivals, arrivals_off=0.10)) == []


def test_response_times_that_have_not_settled() -> None:
    """A queue that grows, a cache that fills; a stall is an outlier, a short window no evidence."""
    growing = tuple(400 + 200 * step for step in range(20))

    assert found(load(growing)) == [("not-stationary", "rising")]
    assert found(load(growing[::-1])) == [("not-stationary", "falling")]
    assert found(load((*STEADY[:-1], 90_000))) == []
    assert found(load(growing[:14], window_s=1.4)) == []


def test_offered_is_what_fell_due() -> None:
    """Random arrivals are not quite those of their rate; other tools keep the plan's."""
    assert offered_rps(load(), 1000.0) == 1050.0
    assert offered_rps(result(), 1000.0) == 1000.0
