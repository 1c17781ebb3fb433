"""The open loop: the real window, who was late, and what saturation looks like."""

from __future__ import annotations

from typing import Any

import pytest

from bench.loadtools import oha_json, oha_result
from bench.loadtools.oha_json import OhaReport
from bench.loadtools.oha_rows import Rows
from bench.stats.histogram import Histogram
from tests.loadtools.recorded import OHA, profile


def report(total: float, requests: int, **errors: int) -> OhaReport:
    status = {"200": requests} if requests else {}
    fast = 0.001 if requests else None
    return OhaReport(total, fast, fast, fast, 0, status, errors, {})


def rows(count: int, first: float, last: float, intended: tuple[float, ...] = ()) -> Rows:
    histogram = Histogram.of({1000: count})
    return Rows(
        count, histogram, {"200": count}, 0.001, 0.001, first, last, corrected=True,
        intended_s=intended,
    )  # fmt: skip


def measured(report: OhaReport, found: Rows, **changes: Any) -> Any:
    base = {"tool": "oha", "loop": "open", "rate_rps": 100.0, "duration_s": 2.0}
    return oha_result.of_trial(report, found, profile(**{**base, **changes}))


def test_a_slow_but_untroubled_server_reaches_the_rate() -> None:
    """200 requests in 2 s, each answered after 100 ms: 100/s, although oha took 2.09 s."""
    result = measured(report(2.09, 200), rows(200, 0.1, 2.09))

    assert result.duration_s == pytest.approx(2.0)
    assert result.throughput_rps == pytest.approx(100)


def test_a_backlog_makes_the_window_longer() -> None:
    """Half the rate: the last answer comes after 4 s."""
    result = measured(report(4.0, 200), rows(200, 0.02, 4.0))

    assert result.duration_s == pytest.approx(4.0, rel=0.01)
    assert result.throughput_rps == pytest.approx(50, rel=0.01)


def test_answers_that_stop_early_do_not_make_a_rate() -> None:
    """The server hung after a second: its answers count over the whole window."""
    result = measured(report(12.0, 100, timeout=100), rows(100, 0.01, 1.0))

    assert result.duration_s == 2.0
    assert result.throughput_rps == 50


def test_without_stored_responses_the_window_is_ohas_own() -> None:
    """One response or none has no span."""
    assert measured(report(11.0, 0, timeout=200), rows(0, 0, 0)._replace(
        histogram=Histogram.of({}), status={}, fastest_s=None, slowest_s=None
    )).duration_s == 11.0  # fmt: skip


def test_a_closed_loops_window_is_ohas_total() -> None:
    """No schedule there."""
    result = measured(report(1.234, 200), rows(200, 0.1, 1.2), loop="closed", rate_rps=None)

    assert result.duration_s == 1.234
    assert result.latency_kind == "service"


def test_lateness_counts_from_when_each_request_was_due() -> None:
    """At 100/s request i is due at i x 10 ms."""
    late = oha_result.pacer_lateness((0.001, 0.0105, 0.0230), 100)

    assert late == pytest.approx([0.0005, 0.001, 0.003])


def test_requests_that_are_not_stored_shift_the_numbers_and_are_allowed_for() -> None:
    """The second one failed: the third was due at 20 ms, not at 10 ms."""
    assert oha_result.pacer_lateness((0.001, 0.021), 100, missing=1) == pytest.approx(
        [0.001, 0.001]
    )


@pytest.mark.parametrize(("late_s", "codes"), [(0.0019, []), (0.0021, ["late-pacer"])])
def test_a_pacer_later_than_two_milliseconds_is_a_finding(late_s: float, codes: list[str]) -> None:
    """At the 99th percentile."""
    intended = tuple(number / 100 + late_s for number in range(200))
    result = measured(report(2.0, 200), rows(200, 0.01, 2.0, intended))

    assert [found.code for found in result.findings] == codes


def test_a_window_sends_what_falls_due_in_it() -> None:
    """Rounded, and at least one."""
    assert oha_result.planned_requests(2000, 10) == 20_000
    assert oha_result.planned_requests(33.3, 0.5) == 17
    assert oha_result.planned_requests(0.1, 1) == 1


def test_a_recorded_saturated_run_keeps_its_capacity() -> None:
    """800 requests/s offered, 243 answered."""
    found = oha_json.read((OHA / "saturated.json").read_text())
    result = oha_result.build(found, None, loop="open")

    assert result.throughput_rps == pytest.approx(243, abs=1)
    assert result.latency_us is not None
    assert result.latency_us.source == "intended-time"
