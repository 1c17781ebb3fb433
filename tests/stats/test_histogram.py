"""Exact histograms: wrk's correction undone, merging, nearest-rank percentiles."""

from __future__ import annotations

import math
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats import histogram
from bench.stats.histogram import correct, merge, moments, percentile, percentiles, uncorrect

HISTOGRAMS = st.dictionaries(st.integers(0, 200), st.integers(1, 50), max_size=30)
INTERVALS = st.integers(1, 40)


def by_definition(counts: dict[int, int], interval: int) -> dict[int, int] | None:
    """Walk values downwards and subtract, one step at a time; None where it fails."""
    left = dict(counts)
    for value in range(max(left, default=0), -1, -1):
        count = left.get(value, 0)
        if count < 0:
            return None
        if count and value >= 2 * interval:
            for lower in range(value - interval, interval, -interval):
                left[lower] = left.get(lower, 0) - count
    if any(count < 0 for count in left.values()):
        return None
    return {value: count for value, count in sorted(left.items()) if count}


def test_correction_adds_what_wrk_adds() -> None:
    """A sample of 1000 us at an interval of 300 us adds samples at 700 and 400, not at 100."""
    assert correct({1000: 2, 50: 1}, 300) == {1000: 2, 700: 2, 400: 2, 50: 1}


def test_a_sample_of_two_intervals_adds_nothing() -> None:
    """The first added value would be the interval itself, which is not above it."""
    assert correct({600: 1}, 300) == {600: 1}


@given(HISTOGRAMS, INTERVALS)
def test_uncorrect_takes_back_the_correction_exactly(counts: dict[int, int], interval: int) -> None:
    """Whatever was recorded comes out again, ascending."""
    assert uncorrect(correct(counts, interval), interval) == dict(sorted(counts.items()))


@given(HISTOGRAMS, INTERVALS)
def test_uncorrect_is_the_walk_downwards(counts: dict[int, int], interval: int) -> None:
    """The linear way gives what the definition gives, refusals included."""
    try:
        found: dict[int, int] | None = uncorrect(counts, interval)
    except ValueError:
        found = None

    assert found == by_definition(counts, interval)


def test_a_count_that_would_become_negative_is_refused() -> None:
    """1000 us with nothing at 700 us was never corrected with an interval of 300 us."""
    with pytest.raises(ValueError, match="at 700 us would become negative"):
        uncorrect({1000: 1, 400: 1}, 300)


def test_too_small_a_count_is_refused() -> None:
    """Fewer samples than the greater value must have put there."""
    with pytest.raises(ValueError, match="at 700 us would become -1"):
        uncorrect({1000: 2, 700: 1, 400: 2}, 300)


def test_a_lower_end_that_is_missing_is_refused() -> None:
    """The last value that must have got samples is 400 us."""
    with pytest.raises(ValueError, match="at 400 us"):
        uncorrect({1000: 1, 700: 1}, 300)


@pytest.mark.parametrize("interval", [0, -5])
def test_an_interval_that_is_not_positive_is_refused(interval: int) -> None:
    """wrk never has one."""
    with pytest.raises(ValueError, match="at least 1 us"):
        uncorrect({1: 1}, interval)


def test_nothing_recorded_is_nothing() -> None:
    """An empty histogram is allowed everywhere."""
    assert uncorrect({}, 10) == {}
    assert merge([]) == {}
    assert moments({}) is None
    assert percentile({}, 50) is None
    assert histogram.value_at({}, 50) is None


@given(st.lists(HISTOGRAMS, max_size=5))
def test_merging_adds_every_count(parts: list[dict[int, int]]) -> None:
    """The sum over parts, ascending, whatever their order."""
    total = {
        value: sum(part.get(value, 0) for part in parts)
        for value in sorted({value for part in parts for value in part})
    }

    assert merge(parts) == total
    assert list(merge(reversed(parts))) == sorted(total)


def test_moments_are_those_of_the_samples() -> None:
    """Count, least, mean, greatest; zeros do not count."""
    assert moments({5: 2, 20: 1, 900: 0}) == (3, 5, 10.0, 20)


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=300),
    st.integers(0, 40),
    st.sampled_from([1, 50, 90, 99, 99.9]),
)
def test_percentiles_are_nearest_rank_of_the_sorted_samples(
    samples: list[int], late: int, percent: float
) -> None:
    """Timeouts stand behind all samples; too few beyond or a rank among timeouts is None."""
    counts = {value: samples.count(value) for value in samples}
    ranked: list[int | None] = [*sorted(samples), *[None] * late]
    beyond = len(ranked) * (1000 - round(percent * 10)) / 1000
    expected = None
    if beyond >= 10:
        expected = ranked[math.ceil(round(percent * 10) * len(ranked) / 1000) - 1]

    assert percentile(counts, percent, censored=late) == expected


@pytest.mark.parametrize(("percent", "requests"), [(50, 20), (90, 100), (99, 1000), (99.9, 10_000)])
def test_a_percentile_needs_ten_requests_beyond(percent: float, requests: int) -> None:
    """Exactly ten are enough, one request less is too few."""
    assert percentile({7: requests}, percent) == 7
    assert percentile({7: requests - 1}, percent) is None


def test_a_rank_among_timeouts_is_no_value() -> None:
    """Two in a hundred timed out: p90 stands, p99 would be a timeout."""
    counts = {100: 980, 200: 1000}

    assert percentiles(counts, (90, 99), censored=40) == (200, None)


def test_percentiles_come_in_the_order_asked_for() -> None:
    """Unsorted, repeated or not, each gets its own value."""
    counts = dict.fromkeys(range(1, 2001), 1)

    assert percentiles(counts, (99, 50, 99)) == (1980, 1000, 1980)


def test_value_at_needs_nobody_beyond() -> None:
    """Curves go on to the greatest value."""
    assert histogram.value_at({3: 1, 9: 1}, 100) == 9
    assert histogram.value_at({3: 1, 9: 1}, 0.001) == 3
    assert histogram.value_at({3: 1}, 99, censored=5) is None


def test_ten_million_samples_are_merged_in_seconds() -> None:
    """Eight processes, 60 s at 20,000 requests/s, latencies spread over 100 ms."""
    rng = random.Random(1)
    parts = []
    for _ in range(8):
        values = sorted({int(rng.lognormvariate(7, 1)) for _ in range(60_000)})
        parts.append(dict.fromkeys(values, 1_250_000 // len(values) + 1))
    assert sum(sum(part.values()) for part in parts) >= 10_000_000

    begun = time.process_time()
    total = merge(parts)
    found = percentiles(total, (50, 90, 99, 99.9))

    assert time.process_time() - begun < 5
    assert None not in found


def test_percentiles_of_a_usual_result_take_milliseconds() -> None:
    """1,600 distinct values, as a window of wrk has them."""
    counts = dict.fromkeys(range(100, 1700), 60)

    took = []
    for _ in range(20):
        begun = time.thread_time()
        percentiles(counts, (50, 90, 99, 99.9))
        took.append(time.thread_time() - begun)

    assert min(took) < 0.010
