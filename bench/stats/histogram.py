"""Exact latency histograms: {microseconds: count}; merged by addition, never by averaging.

Requests that got no answer in time are censored: known to be slower than everything counted,
so they rank above all values.
"""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from fractions import Fraction
from operator import mul
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MIN_BEYOND: Final = 10
"""A percentile is given only where this many requests lie beyond it."""

_BULK: Final = 200_000
"""From so many distinct values on numpy, which scipy brings, is worth its import of 0.1 s."""


class Moments(NamedTuple):
    """Number of samples, least, mean and greatest of a histogram; microseconds."""

    samples: int
    min: int
    mean: float
    max: int


def correct(counts: Mapping[int, int], expected_interval: int) -> dict[int, int]:
    """Do what wrk's `stats_correct` does: add samples that it thinks were missed.

    For a sample n of at least two intervals E, one is added at n-E, n-2E, ... while above E.
    It is here to prove `uncorrect`; no number that is shown went through it.
    """
    out = Counter(dict(counts))
    for value, count in counts.items():
        if value >= 2 * expected_interval:
            for added in range(value - expected_interval, expected_interval, -expected_interval):
                out[added] += count
    return dict(out)


def uncorrect(counts: Mapping[int, int], expected_interval: int) -> dict[int, int]:
    """Take back wrk's correction for coordinated omission, exactly.

    The greatest value carries only its own samples; whatever each value n >= 2E put on
    n-E, n-2E, ... > E is subtracted on the way down. One running sum per residue modulo E
    does this in time linear in the number of distinct values.

    Args:
        counts: {microseconds: count} as wrk shows it.
        expected_interval: E = duration_us // (requests // connections) of that process.

    Returns:
        {microseconds: count} as recorded, ascending, without zeros.

    Raises:
        ValueError: a count would become negative, that is `counts` is not what wrk makes of
            any histogram with this interval; or the interval is not positive.
    """
    if expected_interval < 1:
        raise ValueError(f"the expected interval must be at least 1 us, not {expected_interval}")
    chains: defaultdict[int, list[int]] = defaultdict(list)
    for value in sorted(counts, reverse=True):
        chains[value % expected_interval].append(value)
    raw: dict[int, int] = {}
    for chain in chains.values():
        _undo(chain, counts, expected_interval, raw)
    return dict(sorted(raw.items()))


def _undo(chain: list[int], counts: Mapping[int, int], interval: int, raw: dict[int, int]) -> None:
    """Undo the correction among values of one residue, descending; `raw` receives the counts."""
    above = 0  # what each further value of the chain has got from greater ones
    due = 0  # the next value that must have got it, where that is above the interval
    for value in chain:
        count = counts[value]
        if above and due > interval:
            if value != due:
                raise _gap(due)
            count -= above
        if count < 0:
            raise ValueError(f"the count at {value} us would become {count}")
        if count:
            raw[value] = count
        if value >= 2 * interval:
            above += count
        due = value - interval
    if above and due > interval:
        raise _gap(due)


def _gap(value: int) -> ValueError:
    return ValueError(f"the count at {value} us would become negative: there is none")


def merge(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Add histograms; ascending. Exact: nothing is rounded or interpolated."""
    parts = list(histograms)
    if sum(map(len, parts)) >= _BULK:
        from bench.stats import bulk  # noqa: PLC0415 - numpy is not needed for usual results

        with contextlib.suppress(OverflowError):
            return bulk.merge(parts)
    total: Counter[int] = Counter()
    for part in parts:
        total.update(part)
    return dict(sorted(total.items()))


def moments(counts: Mapping[int, int]) -> Moments | None:
    """Count, minimum, mean and maximum, or None where nothing was counted."""
    count = sum(counts.values())
    if not count:
        return None
    zeros = 0 in counts.values()
    seen = [value for value, number in counts.items() if number] if zeros else counts
    mean = sum(map(mul, counts, counts.values())) / count
    return Moments(count, min(seen), mean, max(seen))


def enough_beyond(requests: int, percent: float) -> bool:
    """Whether at least `MIN_BEYOND` of so many requests lie beyond a percentile."""
    return requests * (100 - _exact(percent)) >= 100 * MIN_BEYOND


def percentile(counts: Mapping[int, int], percent: float, *, censored: int = 0) -> int | None:
    """The nearest-rank percentile in microseconds; see `percentiles`."""
    return percentiles(counts, (percent,), censored=censored)[0]


def percentiles(
    counts: Mapping[int, int], percents: Sequence[float], *, censored: int = 0
) -> tuple[int | None, ...]:
    """Nearest-rank percentiles: the value of rank ceil(p * n), timeouts ranked above all.

    Args:
        counts: {microseconds: count}.
        percents: such as 50, 99.9; each of 0 < p <= 100.
        censored: requests that took longer than could be counted.

    Returns:
        One value per percentile, in the order asked for; None where fewer than `MIN_BEYOND`
        requests lie beyond it or where its rank falls among the censored.
    """
    requests = sum(counts.values()) + censored
    ranks = [
        int(-(-_exact(percent) * requests // 100)) if enough_beyond(requests, percent) else None
        for percent in percents
    ]
    return _at_ranks(counts, ranks)


def value_at(counts: Mapping[int, int], percent: float, *, censored: int = 0) -> int | None:
    """The nearest-rank percentile however few requests lie beyond it: for curves, not tables."""
    requests = sum(counts.values()) + censored
    rank = int(-(-_exact(percent) * requests // 100))
    return _at_ranks(counts, [max(1, rank)] if requests else [None])[0]


def _at_ranks(counts: Mapping[int, int], ranks: Sequence[int | None]) -> tuple[int | None, ...]:
    wanted = {rank for rank in ranks if rank is not None}
    found: Mapping[int, int] | None = None
    if len(counts) >= _BULK:
        from bench.stats import bulk  # noqa: PLC0415 - numpy is not needed for usual results

        with contextlib.suppress(OverflowError):
            found = bulk.at_ranks(counts, wanted)
    if found is None:
        found = _walk(counts, wanted)
    return tuple(None if rank is None else found.get(rank) for rank in ranks)


def _walk(counts: Mapping[int, int], ranks: Iterable[int]) -> dict[int, int]:
    """The value of each rank, from 1; those behind the last sample are left out."""
    found: dict[int, int] = {}
    waiting = sorted(ranks, reverse=True)
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        while waiting and seen >= waiting[-1]:
            found[waiting.pop()] = value
        if not waiting:
            break
    return found


def _exact(percent: float) -> Fraction:
    # 99.9 as written, not as the nearest binary fraction: the rank must not be off by one.
    return Fraction(str(percent))
