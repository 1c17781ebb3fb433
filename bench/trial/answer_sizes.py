"""How long right answers are, and whether the bytes of a whole window agree with that; pure.

A load tool checks no content. What it does count of every single answer is its bytes: a census,
where questions are a sample.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from bench.trial.thresholds import UNSEEN_HEADER_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEAST_ASKED: Final = 20
"""Below so many verified answers nothing is known of how they vary."""
_SDS: Final = 5.0


class SizeSpread:
    """Sizes of one kind of answer in one phase of a trial: count, mean, variance, by Welford."""

    def __init__(
        self, count: float = 0, mean: float = 0.0, most: float = 0, squares: float = 0.0
    ) -> None:
        self.count = int(count)
        self.mean = mean
        self.most = int(most)
        self._squares = squares

    def plain(self) -> list[float]:
        """What makes another one like this."""
        return [self.count, self.mean, self.most, self._squares]

    def add(self, size: int) -> None:
        """Take one answer in."""
        self.count += 1
        off = size - self.mean
        self.mean += off / self.count
        self._squares += off * (size - self.mean)
        self.most = max(self.most, size)

    @property
    def variance(self) -> float:
        """Of a single answer; 0 where all were equal."""
        return self._squares / (self.count - 1) if self.count > 1 else 0.0


class AnswerSizes:
    """Sizes of verified answers, by phase and kind, on the wire and as bodies."""

    def __init__(self) -> None:
        self._spreads: dict[tuple[str, int], tuple[SizeSpread, SizeSpread]] = {}

    def add(self, phase: str, kind: int, wire: int, body: int) -> None:
        """Take one right answer in."""
        both = self._spreads.setdefault((phase, kind), (SizeSpread(), SizeSpread()))
        both[0].add(wire)
        both[1].add(body)

    def of(self, kind: int, *, wire: bool) -> tuple[SizeSpread, ...]:
        """One spread per phase in which that kind was asked."""
        place = 0 if wire else 1
        return tuple(both[place] for (_, k), both in self._spreads.items() if k == kind)

    def plain(self) -> list[tuple[str, int, list[float], list[float]]]:
        """As plain data, for another process."""
        return [
            (phase, kind, both[0].plain(), both[1].plain())
            for (phase, kind), both in self._spreads.items()
        ]

    @classmethod
    def of_plain(cls, rows: Iterable[tuple[str, int, list[float], list[float]]]) -> Self:
        """What `plain` made."""
        made = cls()
        for phase, kind, *both in rows:
            made._spreads[phase, kind] = (SizeSpread(*both[0]), SizeSpread(*both[1]))
        return made

    @property
    def asked(self) -> int:
        """How many answers were taken in."""
        return sum(both[0].count for both in self._spreads.values())


class Census(NamedTuple):
    """Bytes of a window that verified answers cannot have made.

    Attributes:
        bytes_in: as the load tool counted them.
        expected: what so many answers make as verified.
        beyond: by how many bytes they lie outside of what verified answers vary by.
    """

    bytes_in: int
    expected: float
    beyond: float


class CountedBytes(NamedTuple):
    """What a load tool counted in a window.

    Attributes:
        bytes_in: of all answers.
        wire: headers included.
        answers: complete ones.
        failed: of these, or beside them, those that were errors: their sizes are not known.
        shares: of each kind of request among them.
        drawn: the shares are those of random draws, not counted.
        connections: how many answers may be half read at the end.
    """

    bytes_in: int
    wire: bool
    answers: int
    failed: int
    shares: Sequence[float]
    drawn: bool
    connections: int


def census(counted: CountedBytes, sizes: AnswerSizes) -> Census | None:
    """Compare the bytes of all answers with those of verified ones; None where they agree.

    The means of the phases bracket what the server did in the window: an answer that grows with
    time, or whose header tells how long it took, has another length before than after. Beyond
    the bracket five standard errors are allowed, one answer per connection that was half read,
    and a header line now and then that no verified answer had.
    """
    kinds = [sizes.of(kind, wire=counted.wire) for kind in range(len(counted.shares))]
    if not counted.answers or not all(kinds) or sizes.asked < LEAST_ASKED:
        return None
    n = counted.answers
    parts = list(zip(counted.shares, kinds, strict=True))
    low = n * sum(share * min(spread.mean for spread in spreads) for share, spreads in parts)
    high = n * sum(share * max(spread.mean for spread in spreads) for share, spreads in parts)
    slack = _SDS * math.sqrt(_variance(counted, kinds))
    slack += UNSEEN_HEADER_BYTES * n if counted.wire else 0.0
    most = max(spread.most for spreads in kinds for spread in spreads)
    least = low - slack - counted.failed * most
    greatest = high + slack + counted.connections * most if not counted.failed else math.inf
    beyond = max(least - counted.bytes_in, counted.bytes_in - greatest)
    if beyond <= 0:
        return None
    return Census(counted.bytes_in, (low + high) / 2, beyond)


def _variance(counted: CountedBytes, kinds: Sequence[tuple[SizeSpread, ...]]) -> float:
    """Of the sum over all answers: their own, that of the means, and of the mix where drawn."""
    n = counted.answers
    total = 0.0
    for share, spreads in zip(counted.shares, kinds, strict=True):
        each = max(spread.variance for spread in spreads)
        fewest = min(spread.count for spread in spreads)
        total += n * share * each + (n * share) ** 2 * each / fewest
    if counted.drawn:
        means = [spreads[0].mean for spreads in kinds]
        total += n * _mix_variance(counted.shares, means)
    return total


def _mix_variance(shares: Iterable[float], means: Iterable[float]) -> float:
    pairs = list(zip(shares, means, strict=True))
    mean = sum(share * size for share, size in pairs)
    return sum(share * (size - mean) ** 2 for share, size in pairs)
