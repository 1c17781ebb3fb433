"""Great histograms by numpy: the same as the plain way, to the last count."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats import bulk, histogram

HISTOGRAMS = st.dictionaries(st.integers(-5, 2**40), st.integers(0, 2**30), max_size=30)
MANY = 120_000


def by_hand(parts: list[dict[int, int]]) -> dict[int, int]:
    """The sum of the parts, ascending."""
    total: Counter[int] = Counter()
    for part in parts:
        total.update(part)
    return dict(sorted(total.items()))


@given(st.lists(HISTOGRAMS, min_size=1, max_size=5).filter(any))
def test_merging_is_the_plain_merge(parts: list[dict[int, int]]) -> None:
    """Values, counts, zeros and order are the same, and they are ordinary numbers."""
    found = bulk.merge(parts)

    assert list(found.items()) == list(by_hand(parts).items())
    assert {type(number) for item in found.items() for number in item} == {int}


@given(HISTOGRAMS.filter(bool), st.sets(st.integers(1, 2**36), max_size=5))
def test_ranks_are_those_of_the_plain_walk(counts: dict[int, int], ranks: set[int]) -> None:
    """Each rank has the first value up to which there are as many samples; or none."""
    expected = {}
    for rank in ranks:
        upto = 0
        for value in sorted(counts):
            upto += counts[value]
            if upto >= rank:
                expected[rank] = value
                break

    assert bulk.at_ranks(counts, ranks) == expected


@pytest.mark.parametrize("part", [{1: 2**62}, {2**64: 1}, {1: 2**61, 2: 2**61}])
def test_what_64_bits_do_not_hold_is_refused(part: dict[int, int]) -> None:
    """numpy would wrap around silently."""
    with pytest.raises(OverflowError):
        bulk.merge([part, part])


@pytest.mark.parametrize("count", [1, 2**62])
def test_great_histograms_go_the_same_way(count: int) -> None:
    """Through the public functions, with counts that numpy can add and with some it cannot."""
    rng = random.Random(1)
    parts = [dict.fromkeys(rng.sample(range(10**7), MANY), count) for _ in range(2)]
    total = by_hand(parts)
    ranked = [value for value, number in total.items() for _ in range(number // count)]

    found = histogram.merge(parts)

    assert list(found.items()) == list(total.items())
    assert histogram.value_at(found, 99) == ranked[-(-99 * len(ranked) // 100) - 1]
    assert histogram.percentiles(found, (50,)) == (ranked[len(ranked) // 2 - 1],)
