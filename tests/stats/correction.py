"""What wrk does to its histogram: here to prove that `Histogram.uncorrected` takes it back."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def correct(counts: Mapping[int, int], expected_interval: int) -> dict[int, int]:
    """Do what wrk's `stats_correct` does: add samples that it thinks were missed.

    For a sample n of at least two intervals E, one is added at n-E, n-2E, ... while above E.
    """
    out = Counter(dict(counts))
    for value, count in counts.items():
        if value >= 2 * expected_interval:
            for added in range(value - expected_interval, expected_interval, -expected_interval):
                out[added] += count
    return dict(out)
