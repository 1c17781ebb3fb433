"""Profiles are split without loss, results are added without rounding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.loadtools.merging import judged, merge, own_percentiles, shares, summarize
from bench.model.load_result import ErrorCounts, LoadResult
from bench.stats.histogram import Histogram
from tests.factories import as_read
from tests.loadtools.recorded import kind, profile, result, workload


def counted(counts: dict[int, int], *, timeouts: int = 0, seconds: float = 1.0) -> LoadResult:
    requests = sum(counts.values()) + timeouts
    return result(
        duration_s=seconds,
        requests=requests,
        ok=requests - timeouts,
        throughput_rps=(requests - timeouts) / seconds,
        bytes_in=10 * requests,
        errors=ErrorCounts(timeout=timeouts),
        latency_us=summarize(Histogram.of(counts), timeouts=timeouts, source="raw"),
        histogram=Histogram.of(counts),
        sent=(requests,),
    )


@given(st.integers(1, 300), st.integers(1, 40))
def test_connections_are_split_without_loss(connections: int, processes: int) -> None:
    """They add up, none has zero, the first has the remainder."""
    parts = shares(profile(connections=connections, processes=processes), workload())
    counts = [part.connections for part in parts]

    assert sum(counts) == connections
    assert len(parts) == min(processes, connections)
    assert min(counts) >= 1
    assert counts == [counts[0], *[connections // len(parts)] * (len(parts) - 1)]
    assert all(part.processes == 1 and part.rate_rps is None for part in parts)


def test_a_rate_is_split_evenly() -> None:
    """Two processes offer half of it each."""
    parts = shares(profile(tool="oha", loop="open", rate_rps=3001.0, processes=2), workload())

    assert [part.rate_rps for part in parts] == [1500.5, 1500.5]


def test_oha_gets_one_process_per_kind_by_weight() -> None:
    """Rate and connections follow the weights; a light kind keeps one connection."""
    kinds = workload(kind(weight=98), kind(weight=1), kind(weight=1))
    parts = shares(
        profile(tool="oha", loop="open", rate_rps=1000.0, processes=2, connections=5), kinds
    )

    assert [part.rate_rps for part in parts] == [980.0, 10.0, 10.0]
    assert [part.connections for part in parts] == [3, 1, 1]


def test_wrk_sends_all_kinds_from_each_process() -> None:
    """Kinds do not multiply its processes."""
    assert len(shares(profile(processes=2), workload(kind(), kind(), kind()))) == 2


def test_merged_counts_are_sums_and_percentiles_those_of_the_sum() -> None:
    """p50 of 10 us (300 times) and 1000 us (100 times) is 10 us, not their average."""
    merged, findings = merge([counted({10: 300}), counted({1000: 100}, seconds=2.0)])

    assert (merged.requests, merged.ok, merged.bytes_in) == (400, 400, 4000)
    assert merged.histogram == Histogram.of({10: 300, 1000: 100})
    assert merged.latency_us is not None
    assert merged.latency_us.percentiles["50"] == 10
    assert merged.latency_us.percentiles["90"] == 1000
    assert merged.sent == (400,)
    assert findings == ()


def test_rates_are_added_each_over_its_own_window() -> None:
    """300/s and 50/s are 350/s, although the longest window is 2 s."""
    merged, _ = merge([counted({10: 300}), counted({1000: 100}, seconds=2.0)])

    assert merged.throughput_rps == 350
    assert merged.duration_s == 2.0


def test_timeouts_of_all_processes_rank_above_all() -> None:
    """60 of 160 timed out in one process: p90 of the whole has no value."""
    merged, _ = merge([counted({10: 100}), counted({}, timeouts=60)])

    assert merged.latency_us is not None
    assert merged.latency_us.percentiles == {"50": 10, "90": None, "99": None, "99.9": None}


def test_one_process_without_histogram_leaves_no_latency() -> None:
    """Half of the requests stand for nothing."""
    merged, _ = merge([counted({10: 100}), result(requests=100, histogram=None)])

    assert merged.latency_us is None
    assert merged.histogram is None


def test_findings_of_all_processes_are_handed_on() -> None:
    """They leave the result, one or several."""
    note = as_read("histogram-mismatch", "load", "text")
    alone, found = merge([result(findings=(note,))])
    both, twice = merge([result(findings=(note,)), result(findings=(note,))])

    assert found == (note,)
    assert twice == (note, note)
    assert alone.findings == both.findings == ()


def test_status_and_errors_are_added() -> None:
    """What one process does not tell is not told."""
    first = result(
        tool="oha", status={"200": 1, "500": 2}, errors=ErrorCounts(status=2, deadline=1, other=0)
    )
    second = result(tool="oha", status={"200": 5}, errors=ErrorCounts(deadline=3, other=None))
    merged, _ = merge([first, second])

    assert merged.status == {"200": 6, "500": 2}
    assert merged.errors == ErrorCounts(status=2, deadline=4, other=None)


def test_unknown_parts_make_the_whole_unknown() -> None:
    """Errors, statuses and sent counts are null where one is null; unlike kinds do not add."""
    merged, _ = merge(
        [
            result(errors=None, status={"200": 1}, sent=(1,)),
            result(errors=ErrorCounts(), status=None, sent=(1, 2)),
        ]
    )

    assert (merged.errors, merged.status, merged.sent) == (None, None, None)


def test_processes_without_any_response_merge() -> None:
    """An empty histogram is known, not missing."""
    merged, _ = merge([result(), result()])

    assert merged.histogram == Histogram.of({})
    assert merged.latency_us is None


@pytest.mark.parametrize(
    "results",
    [[], [result(), result(tool="oha")], [result(), result(loop="open")]],
)
def test_unlike_results_are_not_merged(results: list[LoadResult]) -> None:
    """Tools and loops do not mix."""
    with pytest.raises(ValueError, match="can be merged"):
        merge(results)


def test_a_tools_own_percentiles_lose_those_that_stand_for_too_little() -> None:
    """Ten beyond are needed, and timeouts at most a tenth of what lies beyond."""
    values = {"50": 1.0, "90": 2.0, "99": 3.0, "99.9": 4.0}

    assert own_percentiles(values, requests=10_000, timeouts=0) == values
    assert own_percentiles(values, requests=999, timeouts=0)["99"] is None
    assert own_percentiles(values, requests=9990, timeouts=10) == {**values, "99.9": None}
    assert own_percentiles(values, requests=9989, timeouts=11)["99"] is None


@pytest.mark.parametrize(("rate", "processes"), [(0.5, 1), (1.0, 2), (100.0, 8)])
def test_no_process_without_a_request(rate: float, processes: int) -> None:
    """A process sends one request at least: in two seconds at 0.5/s there is one to send."""
    slow = profile(tool="oha", loop="open", rate_rps=rate, processes=8)
    parts = shares(slow, workload())

    assert len(parts) == processes
    assert sum(part.rate_rps or 0.0 for part in parts) == pytest.approx(rate)


def test_success_is_what_is_expected() -> None:
    """By the statuses of the workload, not by their class; the rate follows."""
    told = result(
        requests=100, ok=90, duration_s=2.0, status={"200": 60, "302": 30, "404": 10},
        errors=ErrorCounts(status=10),
    )  # fmt: skip
    found = judged(told, {404})

    assert (found.ok, found.throughput_rps) == (10, 5.0)
    assert found.errors is not None
    assert found.errors.status == 90


def test_success_of_a_tool_that_knows_classes_only() -> None:
    """wrk says how many were above 399: where those are expected, they are the successes."""
    told = result(requests=100, ok=90, duration_s=2.0, status=None, errors=ErrorCounts(status=10))
    found = judged(told, {404, 422})

    assert (found.ok, found.throughput_rps) == (10, 5.0)
    assert found.errors is not None
    assert found.errors.status == 90
    assert judged(told, {200}) == judged(told, {200, 404}) == told
