"""Which commit is the first that costs more, from noisy comparisons; pure.

The search is git's: of the commits that are left the one is tried that has about half of them
among its ancestors, and what cannot be tried is passed over for a neighbor. A commit is held
against good and bad at once, and belongs to the one that it is proven to be nearer to.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.stats.intervals import Estimate, geometric, welch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Measure = Callable[[str, tuple[str, ...], float], "CostRatios | None"]

CONFIDENCE: Final = 0.99
"""Of every decision: a bisect makes several, and all must be right. Shown are 95 % intervals."""
LOOKS: Final = (1 / 2, 1 / 2.24, 1 / 2.65)
"""Half-widths of one look after the other, in units of the difference that is searched. Pooled
they reach 1/2, 1/3 and 1/4 of it: weights 4, 9 - 4, 16 - 9."""
_CREEP: Final = 0.5
"""Of `detect`: a commit in between that costs less than this above good is not a first culprit."""
UNDECIDED: Final = "undecided"


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


class CostRatios(NamedTuple):
    """What a look found.

    Attributes:
        ratios: against -> cost of the commit / cost of that one, a value per pair of processes.
        failure: why the commit cannot be measured, "" where it was.
    """

    ratios: Mapping[str, tuple[float, ...]]
    failure: str = ""


class BisectStep(NamedTuple):
    """A commit against another: cost of `commit` / cost of `against`, 95 % interval.

    Attributes:
        word: more, less, equivalent (within what is to be detected), inconclusive.
    """

    commit: str
    against: str
    word: str
    ratio: float
    low: float | None
    high: float | None
    n: int


class BisectProgress(NamedTuple):
    """What one commit was found to be, and how many may still be the culprit.

    Attributes:
        found: good, bad, passed-over, or culprit (held against its parent).
    """

    commit: str
    found: str
    left: int
    steps: tuple[BisectStep, ...]


class BisectEnd(NamedTuple):
    """What a bisect found.

    Attributes:
        why: found; same (no difference of that size); open (not known whether there is one);
            cheaper (bad costs less); failed (good or bad cannot be measured); time; range (the
            commits left cannot be measured); unconfirmed (the last one does not differ from its
            parent).
        culprit: the commit, None unless found.
        candidates: the shortest range that was proven to hold the culprit, oldest first.
        last: the comparison that `why` rests on, None where it rests on none.
        skipped: commits passed over, with the reason.
    """

    why: str
    culprit: str | None
    candidates: tuple[str, ...]
    last: BisectStep | None
    steps: tuple[BisectStep, ...]
    skipped: tuple[tuple[str, str], ...]


class _OutOfTimeError(Exception):
    """No further look fits in the time allowed."""


class Bisection:
    """One search.

    Args:
        graph: the commits.
        measure: compares a commit with others to that half-width (of the log-ratio); None = no
            time is left.
        detect: the least difference that matters, as a share.
        tell: hears what each commit was found to be.
    """

    def __init__(
        self,
        graph: CommitGraph,
        measure: Measure,
        detect: float,
        tell: Callable[[BisectProgress], None] = lambda _: None,
    ) -> None:
        self._graph = graph
        self._measure = measure
        self._detect = detect
        self._tell = tell
        self._pooled: dict[tuple[str, str], list[float]] = {}
        self._steps: dict[tuple[str, str], BisectStep] = {}
        self._failed: dict[str, str] = {}
        self._known = {graph.content[graph.good]: "good"}
        self._known.setdefault(graph.content[graph.bad], "bad")
        self._reference = graph.bad
        self._effect = math.log1p(detect)
        self._lines = _lineage(graph)
        self._left = graph.order

    def run(self) -> BisectEnd:
        """Search until one commit is left and stands against its parent, or no step can decide."""
        try:
            if why := self._no_difference():
                return self._end(why, self._graph.bad, self._graph.good)
            while (commit := self._next()) is not None:
                self._split(commit)
            if len(self._left) > 1:
                return self._end("range")
            return self._confirmed(self._left[0])
        except _OutOfTimeError:
            return self._end("time")

    def reason(self, commit: str) -> str:
        """Why a commit was passed over; "" where it was not."""
        return self._failed.get(self._graph.content[commit], "")

    def _no_difference(self) -> str:
        """Why there is nothing to search for; "" where bad costs more than good."""
        good, bad = self._graph.good, self._graph.bad
        if self._same(good, bad):
            return "same"
        for share in LOOKS:
            if not self._look(bad, (good,), share):
                return "failed"
            found = self._estimate(bad, good)
            if _above(found):
                self._effect = math.log(found.value)
                return ""
            if _below(found):
                return "cheaper"
            if found.high is not None and found.high < 1 + self._detect:
                return "same"
        return "open"

    def _next(self) -> str | None:
        """The commit that halves what is left best; None where none can be tried."""
        left = set(self._left)
        best, most = None, 0
        for commit in self._left[:-1]:
            older = len(self._lines[commit] & left)
            gain = min(older, len(left) - older)
            if gain > most and self._graph.content[commit] not in self._failed:
                best, most = commit, gain
        return best

    def _split(self, commit: str) -> None:
        found = self._level(commit)
        if found == "bad":
            self._left = tuple(each for each in self._left if each in self._lines[commit])
        elif found == "good":
            self._left = tuple(each for each in self._left if each not in self._lines[commit])
        self._told(commit, found or "passed-over")

    def _level(self, commit: str) -> str:
        """good, bad, or "" for one that cannot be known."""
        content = self._graph.content[commit]
        if content not in self._known:
            found = self._judge(commit)
            if not found:
                return ""
            self._known[content] = found
        return self._known[content]

    def _judge(self, commit: str) -> str:
        good, bad = self._graph.good, self._reference
        for share in LOOKS:
            if not self._look(commit, (good, bad), share):
                return ""
            over, under = self._estimate(commit, good), self._estimate(commit, bad)
            if _above(over) and _below(under) and over.value >= 1 + _CREEP * self._detect:
                # Part of the difference came after this commit: the first part is searched.
                self._reference, self._effect = commit, math.log(over.value)
                return "bad"
            nearer = welch(
                self._pool(commit, good),
                [1 / ratio for ratio in self._pool(commit, bad)],
                CONFIDENCE,
            )  # commit^2 / (good * bad): above 1 = nearer to bad
            if _above(nearer) or _below(nearer):
                return "bad" if _above(nearer) else "good"
        self._failed[self._graph.content[commit]] = UNDECIDED
        return ""

    def _confirmed(self, culprit: str) -> BisectEnd:
        """The last step: the commit against its parent."""
        parent = self._graph.parents[culprit][0]
        for share in LOOKS:
            known = bool(self._pool(culprit, parent))
            if not (known and _above(self._estimate(culprit, parent))) and not self._look(
                culprit, (parent,), share
            ):
                break
            if _above(self._estimate(culprit, parent)):
                self._told(culprit, "culprit")
                return self._end("found", culprit, parent)
        return self._end("unconfirmed", culprit, parent)

    # -- comparisons ------------------------------------------------------------------------

    def _look(self, commit: str, against: tuple[str, ...], share: float) -> bool:
        """Measure, and add it to what is known of the same contents; whether it could be."""
        found = self._measure(commit, against, share * self._effect)
        if found is None:
            raise _OutOfTimeError
        if found.failure:
            self._failed[self._graph.content[commit]] = found.failure
            return False
        for other, ratios in found.ratios.items():
            self._pool(commit, other).extend(ratios)
            self._steps[commit, other] = self._step(commit, other)
        return True

    def _pool(self, commit: str, against: str) -> list[float]:
        content = self._graph.content
        return self._pooled.setdefault((content[commit], content[against]), [])

    def _estimate(self, commit: str, against: str) -> Estimate:
        return geometric(self._pool(commit, against), CONFIDENCE)

    def _step(self, commit: str, against: str) -> BisectStep:
        shown = geometric(self._pool(commit, against))
        sure = self._estimate(commit, against)
        word = "more" if _above(sure) else "less" if _below(sure) else "inconclusive"
        margin = 1 + self._detect
        if shown.low is None or shown.high is None:
            word = "too-few-rounds"
        elif word == "inconclusive" and shown.low >= 1 / margin and shown.high <= margin:
            word = "equivalent"
        return BisectStep(commit, against, word, shown.value, shown.low, shown.high, shown.n)

    def _same(self, one: str, other: str) -> bool:
        return self._graph.content[one] == self._graph.content[other]

    # -- results ----------------------------------------------------------------------------

    def _told(self, commit: str, found: str) -> None:
        steps = tuple(step for step in self._steps.values() if step.commit == commit)
        self._tell(BisectProgress(commit, found, len(self._left), steps))

    def _end(self, why: str, commit: str = "", against: str = "") -> BisectEnd:
        content = self._graph.content
        nothing = why in {"same", "cheaper", "failed", "open"}
        return BisectEnd(
            why,
            commit if why == "found" else None,
            () if nothing else self._left,
            self._steps.get((commit, against)),
            tuple(self._steps.values()),
            tuple(
                (each, self._failed[content[each]])
                for each in self._graph.order
                if content[each] in self._failed
            ),
        )


def _lineage(graph: CommitGraph) -> dict[str, set[str]]:
    """Commit -> itself and its ancestors that come after good."""
    found: dict[str, set[str]] = {}
    for commit in graph.order:
        above = (found[parent] for parent in graph.parents[commit] if parent != graph.good)
        found[commit] = {commit}.union(*above)
    return found


def _above(found: Estimate) -> bool:
    return found.low is not None and found.low > 1


def _below(found: Estimate) -> bool:
    return found.high is not None and found.high < 1
