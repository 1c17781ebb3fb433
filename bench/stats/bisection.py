"""Which commit is the first that costs more, from noisy comparisons; pure.

The search halves what is left, as git's does, but what is halved is probability: a commit is held
against good and bad until it is as good as known which of the two it costs as much as, and one
that was judged wrongly by chance is not lost, since all pairs count to the end. Only the first
step, bad against good, and the last, the culprit against its parent, have to stand by their own
interval; these are looked at several times, which the interval is corrected for.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.stats.intervals import Estimate, geometric
from bench.stats.suspects import SURE, CommitGraph, Suspects

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Measure = Callable[[str, tuple[str, ...], int], "CostRatios | None"]

CONFIDENCE: Final = 0.99
"""Of the first and the last step, and of the range that is left. Shown are 95 % intervals."""
LOOKS: Final = (6, 6, 12, 24)
"""Pairs of one look after the other at what must stand by its interval; all of them count."""
EACH: Final = 1 - (1 - CONFIDENCE) / len(LOOKS)
"""Confidence of the interval at each look, so that all together have the above (Bonferroni)."""
_MOST: Final = 24
"""Pairs of a commit with good and with bad: a level that is not seen by then is not one of both."""
_LOST: Final = 2
"""How often a commit is measured again whose pairs were all disturbed."""
_ATTEMPTS: Final = 3
_CREEP: Final = 0.5
"""Of `detect`: a commit in between that costs less than this above good is not a first culprit."""
UNDECIDED: Final = "undecided"


class CostRatios(NamedTuple):
    """What a look found.

    Attributes:
        ratios: against -> cost of the commit / cost of that one, a value per pair of processes.
        failure: why the commit cannot be measured, "" where it was.
        again: it was disturbed only; another time it may be measured.
    """

    ratios: Mapping[str, tuple[float, ...]]
    failure: str = ""
    again: bool = False


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
        measure: compares a commit with others by so many pairs with each; None = no time is left.
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
        self._suspects = Suspects(graph, _CREEP * math.log1p(detect))
        self._steps: dict[tuple[str, str, bool], BisectStep] = {}
        self._failed: dict[str, str] = {}
        self._lost: Counter[str] = Counter()
        self._confirming: Counter[str] = Counter()

    def run(self) -> BisectEnd:
        """Search until one commit stands against its parent, or no step can decide."""
        try:
            if why := self._no_difference():
                return self._end(why, self._graph.bad, self._graph.good)
            return self._searched()
        except _OutOfTimeError:
            return self._end("time")

    def reason(self, commit: str) -> str:
        """Why a commit was passed over; "" where it was not."""
        return self._failed.get(self._graph.content[commit], "")

    def _no_difference(self) -> str:
        """Why there is nothing to search for; "" where bad costs more than good."""
        good, bad = self._graph.good, self._graph.bad
        if self._graph.content[good] == self._graph.content[bad]:
            return "same"
        for pairs in LOOKS:
            if not self._look(bad, (good,), pairs):
                return "failed"
            found = geometric(self._suspects.pool(bad, good), EACH)
            if found.low is not None and found.high is not None and found.low > 1:
                self._suspects.begin(found.low, found.high)
                return ""
            if _below(found):
                return "cheaper"
            if found.high is not None and found.high < 1 + self._detect:
                return "same"
        return "open"

    def _searched(self) -> BisectEnd:
        """Try commits by what they would tell, until one is as good as certain and is confirmed."""
        suspects, commit = self._suspects, None
        for _ in range(_ATTEMPTS):
            while max(suspects.odds().values()) < SURE:
                commit = suspects.next(commit, self._failed, CONFIDENCE)
                if commit is None:
                    return self._end("range")
                self._try(commit)
            odds = suspects.odds()
            culprit = max(odds, key=odds.__getitem__)
            if (end := self._confirmed(culprit)) is not None:
                return end
        return self._end("unconfirmed", culprit, self._graph.parents[culprit][0])

    def _try(self, commit: str) -> None:
        """Measure a commit once more, unless another one of that content was measured already."""
        suspects, good, bad = self._suspects, self._graph.good, self._graph.bad
        known = len(suspects.pool(commit, good))
        if known >= _MOST:
            self._failed[self._graph.content[commit]] = UNDECIDED
        elif not (known and suspects.is_new(commit)):
            self._look(commit, (good, bad), suspects.rounds())
        if suspects.pool(commit, good):
            suspects.tried(commit)
        above = suspects.above(commit)
        if self.reason(commit):
            self._told(commit, "passed-over")
        elif above >= SURE or above <= 1 - SURE:
            self._told(commit, "bad" if above >= SURE else "good")

    def _confirmed(self, culprit: str) -> BisectEnd | None:
        """The last step, the commit against its parent; None where that made it improbable.

        Pairs that led to this commit were picked by it and do not count here.
        """
        parent = self._graph.parents[culprit][0]
        if (culprit, parent) == (self._graph.bad, self._graph.good):
            return self._end("found", culprit, parent)
        for pairs in LOOKS[self._confirming[culprit] :]:
            if not self._look(culprit, (parent,), pairs, last=True):
                break
            self._confirming[culprit] += 1
            if _above(geometric(self._suspects.last(culprit), EACH)):
                self._told(culprit, "culprit")
                return self._end("found", culprit, parent)
            if self._suspects.odds()[culprit] < 1 - SURE:
                return None
        return self._end("unconfirmed", culprit, parent)

    # -- comparisons ------------------------------------------------------------------------

    def _look(
        self, commit: str, against: tuple[str, ...], pairs: int, *, last: bool = False
    ) -> bool:
        """Measure, and add it to what is known of the same contents; whether it could be."""
        content = self._graph.content[commit]
        found = self._measure(commit, against, pairs)
        while found is not None and found.again and self._lost[content] < _LOST:
            self._lost[content] += 1
            found = self._measure(commit, against, pairs)
        if found is None:
            raise _OutOfTimeError
        if found.failure:
            self._failed[content] = found.failure
            return False
        for other, ratios in found.ratios.items():
            pool = self._suspects.last(commit) if last else self._suspects.pool(commit, other)
            pool.extend(ratios)
            self._steps[commit, other, last] = self._step(commit, other, pool)
        return True

    def _step(self, commit: str, against: str, pool: Sequence[float]) -> BisectStep:
        shown, sure = geometric(pool), geometric(pool, EACH)
        word = "more" if _above(sure) else "less" if _below(sure) else "inconclusive"
        margin = 1 + self._detect
        if shown.low is None or shown.high is None:
            word = "too-few-rounds"
        elif word == "inconclusive" and shown.low >= 1 / margin and shown.high <= margin:
            word = "equivalent"
        return BisectStep(commit, against, word, shown.value, shown.low, shown.high, shown.n)

    # -- results ----------------------------------------------------------------------------

    def _told(self, commit: str, found: str) -> None:
        last = found == "culprit"
        steps = tuple(
            step for key, step in self._steps.items() if key[0] == commit and key[2] is last
        )
        self._tell(BisectProgress(commit, found, len(self._suspects.left(CONFIDENCE)), steps))

    def _end(self, why: str, commit: str = "", against: str = "") -> BisectEnd:
        content, steps = self._graph.content, self._steps
        nothing = why in {"same", "cheaper", "failed", "open"}
        found = (commit,) if why == "found" else self._suspects.left(CONFIDENCE)
        return BisectEnd(
            why,
            commit if why == "found" else None,
            () if nothing else found,
            steps.get((commit, against, True)) or steps.get((commit, against, False)),
            tuple(steps.values()),
            tuple(
                (each, self._failed[content[each]])
                for each in self._graph.order
                if content[each] in self._failed
            ),
        )


def _above(found: Estimate) -> bool:
    return found.low is not None and found.low > 1


def _below(found: Estimate) -> bool:
    return found.high is not None and found.high < 1
