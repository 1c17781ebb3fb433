"""Exact histograms: wrk's correction undone, merging, nearest-rank percentiles."""

from __future__ import annotations

import json
import math
import random
import re
import time
from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats.histogram import Histogram
from tests.stats.correction import correct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HISTOGRAMS = st.dictionaries(st.integers(0, 200), st.integers(1, 50), max_size=30)
INTERVALS = st.integers(1, 40)


def uncorrect(counts: dict[int, int], interval: int) -> dict[int, int]:
    return dict(Histogram.of(counts).uncorrected(interval).pairs())


def merge(parts: Iterable[dict[int, int]]) -> dict[int, int]:
    return dict(Histogram.merged(map(Histogram.of, parts)).pairs())


def percentiles(
    counts: dict[int, int], percents: Sequence[float], *, censored: int = 0
) -> tuple[int | None, ...]:
    return Histogram.of(counts).percentiles(percents, censored=censored)


def percentile(counts: dict[int, int], percent: float, *, censored: int = 0) -> int | None:
    return Histogram.of(counts).percentile(percent, censored=censored)


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
    assert Histogram.of({}).moments is None
    assert percentile({}, 50) is None


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
    assert Histogram.of({5: 2, 20: 1, 900: 0}).moments == (3, 5, 10.0, 20)


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


def many(rng: random.Random, parts: int, each: int, most: int) -> list[Histogram]:
    """Histograms of distinct values, so many each."""
    return [Histogram.of(dict.fromkeys(rng.sample(range(most), each), 1)) for _ in range(parts)]


def _each_once(values: np.ndarray[Any, np.dtype[np.int64]]) -> Histogram:
    return Histogram(array("q", values.tobytes()), array("q", [1]) * len(values))


@pytest.mark.slow
def test_six_million_distinct_values_are_merged_in_a_second() -> None:
    """Twenty trials, ten million samples; the CPU time of the best of three."""
    rng, each = np.random.default_rng(1), 500_000
    order = np.resize(rng.permutation(6_100_000), 20 * each)
    parts = [_each_once(np.sort(order[at : at + each])) for at in range(0, len(order), each)]
    took = []
    for _ in range(3):
        begun = time.process_time()
        total = Histogram.merged(parts)
        found = total.percentiles((50, 90, 99, 99.9))
        moments = total.moments
        took.append(time.process_time() - begun)

    assert total.count == 10_000_000
    assert len(total.values) > 6_000_000
    assert None not in found
    assert moments is not None
    assert min(took) < 1


@pytest.mark.parametrize("most", [10**7, 10**15], ids=["dense", "sparse"])
def test_great_histograms_are_added_the_same_way(most: int) -> None:
    """To the last count, by numpy or not, and so are mean and percentiles."""
    parts = many(random.Random(1), 3, 70_000, most)
    total = Counter(value for part in parts for value in part.values)
    ranked = sorted(total.elements())

    found = Histogram.merged(parts)

    assert found.pairs() == sorted(total.items())
    assert found == Histogram.of(total)
    assert found.moments == (len(ranked), ranked[0], sum(ranked) / len(ranked), ranked[-1])
    assert found.percentiles((50, 99)) == (ranked[104_999], ranked[207_899])


def test_what_64_bits_do_not_hold_is_refused() -> None:
    """Nothing wraps around silently."""
    great = Histogram.of({1: 2**62})

    with pytest.raises(OverflowError):
        Histogram.merged([great, great])
    with pytest.raises(OverflowError):
        Histogram.of({2**64: 1})
    assert great.percentile(50) == 1


@given(HISTOGRAMS)
def test_pairs_there_and_back(counts: dict[int, int]) -> None:
    """As JSON has them."""
    pairs = Histogram.of(counts).pairs()

    assert pairs == sorted(counts.items())
    assert Histogram.from_pairs(json.loads(json.dumps(pairs))) == Histogram.of(counts)


@pytest.mark.parametrize(
    "wrong", [[1, 2, 3], [5, 1], [9, 0], [9, -1], [9, 1.5], ["9", 1], 7, [2**70, 1], [9, None]]
)
def test_pairs_that_are_none_are_named(wrong: object) -> None:
    """The first of them."""
    with pytest.raises(ValueError, match=re.escape(str(wrong))):
        Histogram.from_pairs([[3, 1], [5, 1], wrong, [10, 1]])


def test_percentiles_of_a_usual_result_take_milliseconds() -> None:
    """1,600 distinct values, as a window of wrk has them."""
    counts = dict.fromkeys(range(100, 1700), 60)

    took = []
    for _ in range(20):
        begun = time.thread_time()
        percentiles(counts, (50, 90, 99, 99.9))
        took.append(time.thread_time() - begun)

    assert min(took) < 0.010


@pytest.mark.parametrize(
    "data",
    [b"[[5, 2], [7", b"[5, 2]", b"[[5, 2], [5, 1]]", b'{"5": 2}', b"7",
     b'[["5", 2]]', b"[[5, 0]]", b"[[9223372036854775808, 1]]"],
)  # fmt: skip
def test_a_damaged_file_is_no_histogram(data: bytes) -> None:
    """Cut, of another shape, not ascending, or not of whole numbers."""
    with pytest.raises(ValueError, match=r"\d|char"):
        Histogram.from_json(data)


def test_a_file_is_read_as_it_was_written() -> None:
    """With blanks or without."""
    assert Histogram.from_json(b"[[5, 2],\n [7,1]]").pairs() == [(5, 2), (7, 1)]
    assert Histogram.from_json(b"[]").pairs() == []


def test_many_parts_are_added_as_two_are() -> None:
    """Sorted together by numpy, or one after the other in a table."""
    rng = random.Random(3)
    parts = [Histogram.of({rng.randrange(300): rng.randrange(1, 9)}) for _ in range(200)]
    one = Histogram.of({})
    for part in parts:
        one = Histogram.merged([one, part])

    assert Histogram.merged(parts) == one
