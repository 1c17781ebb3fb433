"""What is left of a table without its rows' and columns' levels: median polish and its sd."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_SWEEPS: Final = 10
_ROBUST: Final = 1.4826
"""Median absolute deviation x this = standard deviation, for normal data."""
OUTLIER_SDS: Final = 5.0
OUTLIER_MIN: Final = 0.05
"""As a log: about 5 %."""


class Residual(NamedTuple):
    """A cell of the table that fits neither its row nor its column."""

    row: int
    column: int
    value: float


def additive_sd(table: Sequence[Sequence[float]]) -> float | None:
    """Standard deviation of what row + column means leave, (rows - 1)(columns - 1) degrees.

    Returns:
        None for fewer than two rows or columns.
    """
    rows, columns = len(table), len(table[0]) if table else 0
    if rows < 2 or columns < 2:  # noqa: PLR2004 - a single row has no residuals
        return None
    whole = math.fsum(value for row in table for value in row) / (rows * columns)
    across = [math.fsum(row) / columns for row in table]
    down = [math.fsum(row[k] for row in table) / rows for k in range(columns)]
    squares = math.fsum(
        (value - across[i] - down[k] + whole) ** 2
        for i, row in enumerate(table)
        for k, value in enumerate(row)
    )
    return math.sqrt(squares / ((rows - 1) * (columns - 1)))


def residuals(table: Sequence[Sequence[float]]) -> list[list[float]]:
    """Median polish (Tukey): sweep out row and column medians, ten times over.

    Args:
        table: logs, one row per server, one column per round; complete, all rows equally long.
    """
    left = [list(row) for row in table]
    for _ in range(_SWEEPS):
        for row in left:
            level = median(row)
            row[:] = [value - level for value in row]
        for column in range(len(left[0]) if left else 0):
            level = median([row[column] for row in left])
            for row in left:
                row[column] -= level
    return left


def spread(left: Sequence[Sequence[float]]) -> float:
    """Robust standard deviation of residuals, to measure outliers by; 0 for an empty table.

    In small tables it lies far below that of the data (a third at 3 x 3), since the medians
    make many residuals 0: `additive_sd` tells the noise.
    """
    sizes = [abs(value) for row in left for value in row]
    return _ROBUST * median(sizes) if sizes else 0.0


def outliers(left: Sequence[Sequence[float]]) -> tuple[Residual, ...]:
    """Residuals above 5 robust sd and above 5 %: a hint where to look, never an exclusion."""
    limit = max(OUTLIER_SDS * spread(left), OUTLIER_MIN)
    return tuple(
        Residual(i, j, value)
        for i, row in enumerate(left)
        for j, value in enumerate(row)
        if abs(value) > limit
    )


def median(numbers: Sequence[float]) -> float:
    """The middle number, or the mean of the two middle ones.

    Raises:
        ValueError: no numbers.
    """
    if not numbers:
        raise ValueError("no numbers")
    ordered = sorted(numbers)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
