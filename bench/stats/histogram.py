"""Exact latency histograms: merged by addition, never by averaging.

Requests that got no answer in time are censored: known to be slower than everything counted,
so they rank above all values.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from operator import lt, mul
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MIN_BEYOND: Final = 10
"""A percentile is given only where this many requests lie beyond it."""

_BULK: Final = 200_000
"""From so many distinct values on numpy, which scipy brings, is worth its import of 0.1 s."""

_MANY: Final = 8
"""So many parts are of a report, which needs scipy in any case: 10 times as fast by numpy."""

_BLOCK: Final = 65_536
"""Values that are added at a time by numpy: half a megabyte, which stays in the CPU's cache."""

_SAFE: Final = 2**62


class Moments(NamedTuple):
    """Number of samples, least, mean and greatest of a histogram; microseconds."""

    samples: int
    min: int
    mean: float
    max: int


@dataclass(frozen=True)
class Histogram:
    """How often each latency was seen; the same value from the parser to the report.

    Attributes:
        values: microseconds, ascending, each once.
        counts: how many samples each value has, none of them 0.
    """

    values: array[int]
    counts: array[int]

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> Self:
        """Make one of {microseconds: count}, in any order."""
        pairs = sorted(pair for pair in counts.items() if pair[1])
        return cls(array("q", [value for value, _ in pairs]), array("q", [n for _, n in pairs]))

    @classmethod
    def from_pairs(cls, pairs: Sequence[Any]) -> Self:
        """Make one of ascending pairs, as JSON has them.

        Raises:
            ValueError: the first that is not a pair of whole numbers, not above the one before it,
                or without samples.
        """
        try:
            values = array("q", [value for value, _ in pairs])
            counts = array("q", [count for _, count in pairs])
        except (TypeError, ValueError, OverflowError):
            raise ValueError(_first_wrong(pairs)) from None
        if not _ascending(values, counts):
            raise ValueError(_first_wrong(pairs))
        return cls(values, counts)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Make one of a JSON array of ascending pairs.

        Read as one flat list it takes a third of the time of as many small lists.

        Raises:
            ValueError: it is not JSON, or as in `from_pairs`.
        """
        import orjson  # noqa: PLC0415 - late: parsers of load tools need none

        flat = orjson.loads(b"[%b]" % data.translate(None, b"[] \n"))
        try:
            if len(flat) % 2 == 0 and data.count(b"[") == len(flat) // 2 + 1:
                found = cls(array("q", flat[::2]), array("q", flat[1::2]))
                if _ascending(found.values, found.counts):
                    return found
        except (TypeError, OverflowError):
            pass  # what is wrong with it, `from_pairs` says
        pairs = orjson.loads(data)
        if not isinstance(pairs, list):
            raise ValueError(str(pairs))
        return cls.from_pairs(pairs)

    @classmethod
    def merged(cls, parts: Iterable[Histogram]) -> Self:
        """Add histograms. Exact: nothing is rounded or interpolated.

        Raises:
            OverflowError: a count does not fit 64 bits.
        """
        given = [part for part in parts if part.values]
        size = sum(len(part.values) for part in given)
        if size >= _BULK:
            span = max(part.values[-1] for part in given) - min(part.values[0] for part in given)
            if span < size * _BLOCK and sum(part.count for part in given) < _SAFE:
                return cls(*_add_blocks(given))
        if len(given) > _MANY and sum(part.count for part in given) < _SAFE:
            return cls(*_add_sorted(given))
        total: dict[int, int] = {}
        for part in given:
            for value, count in zip(part.values, part.counts, strict=True):
                total[value] = total.get(value, 0) + count
        return cls.of(total)

    def pairs(self) -> list[tuple[int, int]]:
        """Ascending (microseconds, count), as JSON has them."""
        return list(zip(self.values, self.counts, strict=True))

    @cached_property
    def count(self) -> int:
        """Number of samples."""
        return sum(self.counts)

    @cached_property
    def moments(self) -> Moments | None:
        """Count, minimum, mean and maximum, or None where nothing was counted."""
        if not self.values:
            return None
        least, greatest = self.values[0], self.values[-1]
        if len(self.values) >= _BULK and greatest * self.count < _SAFE:
            values, counts = _arrays(self)
            total = int(values @ counts)
        else:
            total = sum(map(mul, self.values, self.counts))
        return Moments(self.count, least, total / self.count, greatest)

    def percentile(self, percent: float, *, censored: int = 0) -> int | None:
        """The nearest-rank percentile in microseconds; see `percentiles`."""
        return self.percentiles((percent,), censored=censored)[0]

    def percentiles(
        self, percents: Sequence[float], *, censored: int = 0
    ) -> tuple[int | None, ...]:
        """Nearest-rank percentiles: the value of rank ceil(p * n), timeouts ranked above all.

        Args:
            percents: such as 50, 99.9; each of 0 < p <= 100.
            censored: requests that took longer than could be counted.

        Returns:
            One value per percentile, in the order asked for; None where fewer than `MIN_BEYOND`
            requests lie beyond it or where its rank falls among the censored.
        """
        requests = self.count + censored
        return tuple(
            self._at(int(-(-_exact(percent) * requests // 100)))
            if enough_beyond(requests, percent)
            else None
            for percent in percents
        )

    def ranked(self, percent: float, *, censored: int = 0) -> int | None:
        """The nearest-rank percentile, however few requests lie beyond it.

        For those who ask whether it is below a limit, not how large it is; see `percentiles`.

        Returns:
            None where its rank falls among the censored.
        """
        return self._at(int(-(-_exact(percent) * (self.count + censored) // 100)))

    def below(self, value: float) -> int:
        """Number of samples less than a value in microseconds."""
        place = bisect_left(self.values, value)
        return self._upto[place - 1] if place else 0

    def _at(self, rank: int) -> int | None:
        """The value of a rank, from 1; None behind the last sample."""
        place = bisect_left(self._upto, rank)
        return self.values[place] if place < len(self.values) else None

    @cached_property
    def _upto(self) -> array[int]:
        """How many samples there are up to each value."""
        if len(self.counts) >= _BULK and self.count < _SAFE:
            return _taken(_arrays(self)[1].cumsum())
        return array("q", accumulate(self.counts))

    def uncorrected(self, expected_interval: int) -> Histogram:
        """Take back wrk's correction for coordinated omission, exactly.

        For a sample n of at least two intervals E wrk adds one at n-E, n-2E, ... while above E.
        The greatest value carries only its own samples; whatever each value n >= 2E put on
        n-E, n-2E, ... > E is subtracted on the way down. One running sum per residue modulo E
        does this in time linear in the number of distinct values.

        Args:
            expected_interval: E = duration_us // (requests // connections) of that process.

        Raises:
            ValueError: a count would become negative, that is this is not what wrk makes of
                any histogram with this interval; or the interval is not positive.
        """
        if expected_interval < 1:
            raise ValueError(
                f"the expected interval must be at least 1 us, not {expected_interval}"
            )
        chains: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for pair in zip(reversed(self.values), reversed(self.counts), strict=True):
            chains[pair[0] % expected_interval].append(pair)
        raw: dict[int, int] = {}
        for chain in chains.values():
            raw.update(_undo(chain, expected_interval))
        return Histogram.of(raw)


def enough_beyond(requests: int, percent: float) -> bool:
    """Whether at least `MIN_BEYOND` of so many requests lie beyond a percentile."""
    return requests * (100 - _exact(percent)) >= 100 * MIN_BEYOND


def _ascending(values: array[int], counts: array[int]) -> bool:
    return not values or (values[0] >= 0 < min(counts) and all(map(lt, values, values[1:])))


def _first_wrong(pairs: Sequence[Any]) -> str:
    last = -1
    for pair in pairs:
        try:
            value, count = pair
        except (TypeError, ValueError):
            return str(pair)
        whole = all(type(each) is int and each < 2**63 for each in (value, count))
        if not whole or value <= last or count < 1:
            return str(pair)
        last = value
    return ""


def _undo(chain: list[tuple[int, int]], interval: int) -> Iterator[tuple[int, int]]:
    """Undo the correction among values of one residue, descending."""
    above = 0  # what each further value of the chain has got from greater ones
    due = 0  # the next value that must have got it, where that is above the interval
    for value, shown in chain:
        count = shown
        if above and due > interval:
            if value != due:
                raise _gap(due)
            count -= above
        if count < 0:
            raise ValueError(f"the count at {value} us would become {count}")
        if count:
            yield value, count
        if value >= 2 * interval:
            above += count
        due = value - interval
    if above and due > interval:
        raise _gap(due)


def _gap(value: int) -> ValueError:
    return ValueError(f"the count at {value} us would become negative: there is none")


def _exact(percent: float) -> Fraction:
    # 99.9 as written, not as the nearest binary fraction: the rank must not be off by one.
    return Fraction(str(percent))


def _add_sorted(parts: Sequence[Histogram]) -> tuple[array[int], array[int]]:
    """Add many small histograms: sorted together, the counts of equal values summed."""
    import numpy as np  # noqa: PLC0415 - not needed in a trial

    values, counts = (np.concatenate(each) for each in zip(*map(_arrays, parts), strict=True))
    order = values.argsort(kind="stable")
    values, counts = values[order], counts[order]
    first = np.flatnonzero(np.diff(values, prepend=-1))
    return _taken(values[first]), _taken(np.add.reduceat(counts, first))


def _add_blocks(parts: Sequence[Histogram]) -> tuple[array[int], array[int]]:
    """Add great histograms, one stretch of values after the other."""
    import numpy as np  # noqa: PLC0415 - not needed for usual results

    first = min(part.values[0] for part in parts)
    edges = np.arange(first, max(part.values[-1] for part in parts) + 1 + _BLOCK, _BLOCK)
    arrays = [_arrays(part) for part in parts]
    cuts = [values.searchsorted(edges).tolist() for values, _ in arrays]
    found, sums = array("q"), array("q")
    block = np.zeros(_BLOCK, np.int64)
    for number, edge in enumerate(edges[:-1].tolist()):
        for (values, counts), cut in zip(arrays, cuts, strict=True):
            inside = slice(cut[number], cut[number + 1])
            block[values[inside] - edge] += counts[inside]
        seen = block.nonzero()[0]
        found.extend(_taken(seen + edge))
        sums.extend(_taken(block[seen]))
        block[seen] = 0
    return found, sums


def _arrays(histogram: Histogram) -> tuple[Any, Any]:
    """Values and counts for numpy, not copied."""
    import numpy as np  # noqa: PLC0415 - not needed for usual results

    return np.frombuffer(histogram.values, np.int64), np.frombuffer(histogram.counts, np.int64)


def _taken(numbers: Any) -> array[int]:
    """What numpy made, as an array of its own."""
    taken = array("q")
    taken.frombytes(memoryview(numbers).cast("B"))
    return taken
