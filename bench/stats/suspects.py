"""What is known of each commit of a search, and which one would tell most; pure."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.stats.culprit_odds import IMPOSSIBLE, PairEvidence, StepSize, culprit_odds
from bench.stats.intervals import geometric

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

SURE: Final = 0.95
"""From this probability on a commit counts as known; the last step is there for the rest."""
_LEAST, _LONGEST = 2, 8
"""Pairs with good and with bad of one look at a commit."""
_EQUAL: Final = 1e-9
"""Probabilities that differ by rounding only are equal: the older commit is tried."""


class CommitGraph(NamedTuple):
    """The commits after good, up to bad.

    Attributes:
        good: the commit known to cost less; it is not in `order`.
        order: oldest first, parents before their children; bad is the last.
        parents: commit -> its parents that are good or in `order`, the first parent first.
        content: commit, good included -> hash of all its files: equal content is one thing.
    """

    good: str
    order: tuple[str, ...]
    parents: Mapping[str, tuple[str, ...]]
    content: Mapping[str, str]

    @property
    def bad(self) -> str:
        """The commit known to cost more."""
        return self.order[-1]


class Suspects:
    """The commits of one search, and how probable each is to be the first that costs more.

    Args:
        graph: the commits.
        least: a commit that costs this much more than good is not as good, as log.
    """

    def __init__(self, graph: CommitGraph, least: float) -> None:
        self._graph = graph
        self._least = least
        self._lines = _lineage(graph)
        self._bit = {commit: 1 << place for place, commit in enumerate(graph.order)}
        self._before = self._known_contents()
        self._pooled: dict[tuple[str, str], list[float]] = {}
        self._last: dict[str, list[float]] = {}
        self._tried: list[str] = []
        self._between: tuple[float, float] | None = None
        self._odds_of: tuple[object, dict[str, float]] | None = None

    # -- what was measured ------------------------------------------------------------------

    def pool(self, commit: str, against: str) -> list[float]:
        """Ratios of the contents of two commits, to be read and added to."""
        content = self._graph.content
        return self._pooled.setdefault((content[commit], content[against]), [])

    def last(self, commit: str) -> list[float]:
        """Ratios of a commit to its parent that were measured to confirm it."""
        return self._last.setdefault(commit, [])

    def begin(self, low: float, high: float) -> None:
        """Note how much bad costs more: between these ratios, both above 1."""
        self._between = math.log(low), math.log(high)

    def is_new(self, commit: str) -> bool:
        """Whether what is known of its content does not count for it yet."""
        return commit not in self._tried

    def tried(self, commit: str) -> None:
        """Let the pairs of its content count for a commit."""
        if self.is_new(commit):
            self._tried.append(commit)

    # -- what follows from it ---------------------------------------------------------------

    def odds(self) -> dict[str, float]:
        """How probable each commit is to be the culprit, by all pairs so far."""
        state = sum(map(len, (*self._pooled.values(), *self._last.values()))), len(self._tried)
        if self._odds_of is None or self._odds_of[0] != state:
            assert self._between is not None  # noqa: S101 - see begin()
            pairs = _logs(self.pool(self._graph.bad, self._graph.good))
            step = StepSize(pairs, *self._between, self._least)
            self._odds_of = state, culprit_odds(self._before, step, self._evidence())
        return self._odds_of[1]

    def above(self, commit: str) -> float:
        """How probable it is that a commit costs more than good."""
        return self._within(self.odds())(commit)

    def left(self, confidence: float) -> tuple[str, ...]:
        """The fewest commits that hold the culprit with that probability, oldest first."""
        if self._between is None:
            return self._graph.order
        odds, total = self.odds(), 0.0
        kept: set[str] = set()
        for commit in sorted(odds, key=lambda each: -odds[each]):
            if total >= confidence:
                break
            total += odds[commit]
            kept.add(commit)
        return tuple(each for each in self._graph.order if each in kept)

    def next(self, current: str | None, barred: Collection[str], confidence: float) -> str | None:
        """The commit that would tell most; None where none can part those that are left.

        Args:
            current: the one measured last: its build is there, and it is measured until known.
            barred: contents that cannot be measured.
            confidence: with which those that are left hold the culprit.
        """
        odds = self.odds()
        left = {each: odds[each] for each in self.left(confidence)}
        whole, part = sum(left.values()), self._within(left)
        best, most = None, 0.0
        for commit in self._graph.order[:-1]:
            if self._graph.content[commit] in barred or self._is_known(commit):
                continue
            above = part(commit)
            gain = min(above, whole - above)
            if commit == current and gain > 1 - SURE:
                return commit
            if gain > most + _EQUAL:
                best, most = commit, gain
        return best

    def rounds(self) -> int:
        """Pairs with good and with bad after which a commit will probably be known.

        By Wald's sequential test: a round of both tells effect^2 / variance, as a log of odds.
        """
        logs = [_logs(pool) for pool in self._pooled.values() if len(pool) > 1]
        squares = sum(statistics.variance(each) * (len(each) - 1) for each in logs)
        variance = squares / sum(len(each) - 1 for each in logs)
        effect = math.log(geometric(self.pool(self._graph.bad, self._graph.good)).value)
        wanted = math.ceil(math.log(SURE / (1 - SURE)) * variance / effect**2)
        return min(max(wanted, _LEAST), _LONGEST)

    def _within(self, odds: Mapping[str, float]) -> Callable[[str], float]:
        """Commit -> the share that lies on it and its ancestors.

        Commits between two that were measured have equal shares: each group is counted as one.
        """
        groups: dict[float, int] = {}
        for commit, share in odds.items():
            groups[share] = groups.get(share, 0) | self._bit[commit]
        return lambda commit: sum(
            share * (group & self._lines[commit]).bit_count() for share, group in groups.items()
        )

    def _line(self, commit: str, without: str = "") -> frozenset[str]:
        """A commit and its ancestors that come after good, without those of another one."""
        mask = self._lines[commit] & ~self._lines.get(without, 0)
        return frozenset(each for each, bit in self._bit.items() if bit & mask)

    def _known_contents(self) -> dict[str, float]:
        """Log weights before anything is measured: equal content costs the same."""
        weights = dict.fromkeys(self._graph.order, 0.0)
        content = self._graph.content
        for commit in filter(self._is_known, self._graph.order[:-1]):
            good, line = content[commit] == content[self._graph.good], self._line(commit)
            for each in self._graph.order:
                if (each in line) is good:
                    weights[each] += IMPOSSIBLE
        return weights

    def _is_known(self, commit: str) -> bool:
        content = self._graph.content
        return content[commit] in {content[self._graph.good], content[self._graph.bad]}

    def _evidence(self) -> list[PairEvidence]:
        graph = self._graph
        found: list[PairEvidence] = []
        for content in dict.fromkeys(graph.content[commit] for commit in self._tried):
            same = [commit for commit in self._tried if graph.content[commit] == content]
            to_good, to_bad = (_logs(self.pool(same[0], each)) for each in (graph.good, graph.bad))
            found.append(PairEvidence(to_good, to_bad, tuple(map(self._line, same))))
        for commit, values in self._last.items():
            only = self._line(commit, without=graph.parents[commit][0])
            found.append(PairEvidence(_logs(values), (), (only,)))
        return found


def _lineage(graph: CommitGraph) -> dict[str, int]:
    """Commit -> itself and its ancestors that come after good, a bit for each."""
    found: dict[str, int] = {}
    for place, commit in enumerate(graph.order):
        mask = 1 << place
        for parent in graph.parents[commit]:
            mask |= found.get(parent, 0)
        found[commit] = mask
    return found


def _logs(ratios: Iterable[float]) -> list[float]:
    return [math.log(ratio) for ratio in ratios]
