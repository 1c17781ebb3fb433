"""What `histogram` does with great numbers of distinct values, by numpy; imported late.

Every function gives what the plain one gives, to the last count, or raises OverflowError where
64 bits do not hold it.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_MAX: Final = 2**62


def merge(parts: Sequence[Mapping[int, int]]) -> dict[int, int]:
    """Add histograms; ascending.

    Args:
        parts: at least one value in all of them together.

    Raises:
        OverflowError: a value or a sum of counts does not fit 64 bits.
    """
    size = sum(len(part) for part in parts)
    values = _array(itertools.chain.from_iterable(parts), size)
    counts = _addends(itertools.chain.from_iterable(part.values() for part in parts), size)
    order = values.argsort(kind="stable")  # merges ascending runs, as each part is one
    values, counts = values[order], counts[order]
    first = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    sums = np.add.reduceat(counts, first)
    return dict(zip(values[first].tolist(), sums.tolist(), strict=True))


def at_ranks(counts: Mapping[int, int], ranks: Collection[int]) -> dict[int, int]:
    """The value of each rank, from 1; those behind the last sample are left out.

    Args:
        counts: {value: count}, not empty.
        ranks: whole ranks.

    Raises:
        OverflowError: a value or a count does not fit 64 bits.
    """
    values = _array(counts, len(counts))
    numbers = _addends(counts.values(), len(counts))
    order = values.argsort(kind="stable")
    upto = numbers[order].cumsum()
    places = {rank: int(np.searchsorted(upto, rank)) for rank in ranks}
    return {
        rank: int(values[order[place]]) for rank, place in places.items() if place < len(values)
    }


def _addends(numbers: Any, size: int) -> Any:
    """Counts whose sum surely fits; numpy would not say when it does not."""
    found = _array(numbers, size)
    if int(np.abs(found).max()) > _MAX // size:
        raise OverflowError("the counts may add up to more than 64 bits hold")
    return found


def _array(numbers: Any, size: int) -> Any:
    return np.fromiter(numbers, np.int64, size)
