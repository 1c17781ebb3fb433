"""A bisect by noisy comparisons names the commit that costs more, or the range that is proven."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from typing import NamedTuple

import pytest

from bench.stats.bisection import BisectEnd, Bisection, BisectProgress, CostRatios
from bench.stats.suspects import CommitGraph

COMMITS = tuple(f"c{number:02d}" for number in range(1, 17))


def line(*names: str, content: dict[str, str] | None = None) -> CommitGraph:
    """Commits one after the other, after `good`."""
    parents = {child: (parent,) for parent, child in pairwise(("good", *names))}
    return CommitGraph(
        "good", names, parents, {"good": "good", **{n: n for n in names}, **(content or {})}
    )


class World:
    """Servers whose cost is known, and pairs of them that are measured with noise.

    Attributes:
        asked: what was measured, in order.
        pairs: how many pairs that took.
    """

    def __init__(
        self,
        costs: dict[str, float],
        *,
        seed: int = 1,
        sd: float = 0.02,
        broken: tuple[str, ...] = (),
        looks: int = 1000,
        most: int = 100_000,
        disturbed: float = 0.0,
    ) -> None:
        self.costs = costs
        self.asked: list[str] = []
        self.pairs = 0
        self._random = random.Random(seed)
        self._sd = sd
        self._broken = broken
        self._looks = looks
        self._most = most
        self._disturbed = disturbed

    def measure(self, commit: str, against: tuple[str, ...], pairs: int) -> CostRatios | None:
        """So many pairs with each, unless that would be more than there is time for."""
        planned = pairs * len(against)
        if len(self.asked) == self._looks or self.pairs + planned > self._most:
            return None
        self.asked.append(commit)
        if commit in self._broken:
            return CostRatios({}, "it does not build")
        self.pairs += planned
        return CostRatios(
            {other: tuple(self._pair(commit, other) for _ in range(pairs)) for other in against}
        )

    def _pair(self, commit: str, other: str) -> float:
        wide = 4 if self._random.random() < self._disturbed else 1
        noise = self._random.gauss(0, self._sd * wide)
        return self.costs[commit] / self.costs[other] * math.exp(noise)


def stepped(culprit: str, by: float) -> dict[str, float]:
    """What the commits of a line cost when one of them adds a share."""
    return {"good": 1.0, **{name: 1 + by * (name >= culprit) for name in COMMITS}}


def search(world: World, graph: CommitGraph, detect: float = 0.05) -> BisectEnd:
    return Bisection(graph, world.measure, detect).run()


class BisectScore(NamedTuple):
    """How simulated searches ended, as shares, and what they cost.

    Attributes:
        right: the culprit was named; where there is none, no difference was found.
        wrong: another commit was named, or one where there is none.
        covered: the culprit is among the commits that were left.
        pairs: that each search measured, ascending.
    """

    right: float
    wrong: float
    covered: float
    pairs: tuple[int, ...]


def bisect_score(
    searches: int, by: float, sd: float, *, most: int = 100_000, disturbed: float = 0.0
) -> BisectScore:
    """Search 16 commits, one of which costs more by a share, so many times."""
    right = wrong = covered = 0
    pairs = []
    for seed in range(searches):
        culprit = COMMITS[seed % 16] if by else None
        costs = stepped(culprit or "z", by)
        world = World(costs, seed=seed, sd=sd, most=most, disturbed=disturbed)
        end = search(world, line(*COMMITS))
        right += end.culprit == culprit and (bool(culprit) or end.why == "same")
        wrong += end.culprit not in {None, culprit} or (not culprit and bool(end.candidates))
        covered += culprit in end.candidates
        pairs.append(world.pairs)
    return BisectScore(right / searches, wrong / searches, covered / searches, tuple(sorted(pairs)))


@pytest.mark.parametrize(("sd", "most"), [(0.01, 32), (0.02, 60), (0.03, 90)])
def test_a_commit_of_five_percent_is_found(sd: float, most: int) -> None:
    """Whichever of 16 it is: in 97 of 100 searches, by few pairs; a wrong one is never named.

    `scripts/bisect_simulation.py` makes 1,600 of each; docs/bisect.md has its figures.
    """
    found = bisect_score(64, 0.05, sd, most=most)

    assert found.right >= 0.97
    assert found.wrong == 0
    assert found.covered >= 0.98


def test_disturbed_pairs_do_not_mislead() -> None:
    """One pair in ten spreads four times as much: it takes longer, and no wrong one is named."""
    found = bisect_score(48, 0.05, 0.02, disturbed=0.1)

    assert found.right >= 0.95
    assert found.wrong == 0


def test_what_looked_good_by_chance_is_not_lost() -> None:
    """The first pairs of the middle commit mislead: the search comes back to it."""
    world = World(stepped("c08", 0.05), sd=0.02)

    def measure(commit: str, against: tuple[str, ...], pairs: int) -> CostRatios | None:
        if commit == "c08" and commit not in world.asked:
            world.asked.append(commit)
            return CostRatios({"good": (1.0, 1.0), "c16": (0.95, 0.95)})
        return world.measure(commit, against, pairs)

    end = Bisection(line(*COMMITS), measure, 0.05).run()

    assert (end.why, end.culprit) == ("found", "c08")
    assert "c12" in world.asked


def test_a_disturbed_look_is_repeated() -> None:
    """Twice; a commit that could never be measured is passed over then."""
    calls: list[str] = []
    world = World(stepped("c05", 0.2))

    def measure(commit: str, against: tuple[str, ...], pairs: int) -> CostRatios | None:
        calls.append(commit)
        if commit == "c08" and calls.count("c08") <= lost:
            return CostRatios({}, "other programs took the CPUs", again=True)
        return world.measure(commit, against, pairs)

    lost = 2
    kept = Bisection(line(*COMMITS), measure, 0.05).run()
    calls.clear()
    lost = 9
    passed = Bisection(line(*COMMITS), measure, 0.05).run()

    assert (kept.culprit, kept.skipped) == ("c05", ())
    assert (passed.culprit, calls.count("c08")) == ("c05", 3)
    assert passed.skipped == (("c08", "other programs took the CPUs"),)


def test_a_little_above_good_is_good() -> None:
    """A quarter of what is to be detected is no first culprit; it takes few looks to say so."""
    ends = []
    for seed in range(4):
        costs = stepped("c12", 0.05) | {"c08": 1.012}
        world = World(costs, seed=seed, sd=0.01)
        ends.append((search(world, line(*COMMITS)), world.asked.count("c08")))

    assert all(end.culprit == "c12" for end, _ in ends)
    assert all(looks <= 12 for _, looks in ends)


def test_the_answer_is_the_last_step() -> None:
    """The culprit stands against its parent, with the interval of that comparison."""
    end = search(World(stepped("c09", 0.1)), line(*COMMITS))

    assert (end.why, end.culprit, end.candidates) == ("found", "c09", ("c09",))
    assert end.last is not None
    assert (end.last.commit, end.last.against, end.last.word) == ("c09", "c08", "more")
    assert end.last.low is not None
    assert end.last.high is not None
    assert end.last.low < 1.1 < end.last.high


def test_no_difference_is_said_so() -> None:
    """Equal costs: a difference is claimed in at most 2 of 200 searches, and none is searched."""
    ends = [search(World(stepped("z", 0), seed=seed), line(*COMMITS)) for seed in range(200)]
    end = ends[0]

    assert sum(each.why not in {"same", "open"} for each in ends) <= 2
    assert not any(each.culprit for each in ends)
    assert (end.culprit, end.candidates, len(end.steps)) == (None, (), 1)
    assert end.last is not None
    assert end.last.high is not None
    assert end.last.high < 1.05


def test_bad_that_costs_less_ends_the_search() -> None:
    """There is nothing to look for where bad is the cheaper one."""
    end = search(World(stepped("c05", -0.2)), line(*COMMITS))

    assert (end.why, end.culprit) == ("cheaper", None)


@pytest.mark.parametrize("culprit", ["c02", "c08", "c09", "c16"])
@pytest.mark.parametrize("side", [-1, 0, 1])
def test_what_does_not_build_is_passed_over(culprit: str, side: int) -> None:
    """Beside the culprit or the culprit itself: the right commit, or a range of two with it."""
    broken = COMMITS[COMMITS.index(culprit) + side : COMMITS.index(culprit) + side + 1]
    broken = tuple(name for name in broken if name != "c16")
    end = search(World(stepped(culprit, 0.05), broken=broken), line(*COMMITS))

    assert end.why in {"found", "range"}
    assert culprit in end.candidates
    assert len(end.candidates) <= 2
    assert set(end.skipped) <= {(name, "it does not build") for name in broken}
    if side == -1 and broken:
        assert (end.why, len(end.candidates), len(end.skipped)) == ("range", 2, 1)


def test_equal_content_is_measured_once() -> None:
    """Commits that change no file of the server are not measured again, good and bad included."""
    content = {"c01": "good", "c02": "good", "c03": "good", **dict.fromkeys(COMMITS[7:], "late")}
    world = World(stepped("c06", 0.1))
    end = search(world, line(*COMMITS, content=content))

    assert end.culprit == "c06"
    assert not set(world.asked) & {"c01", "c02", "c03", *COMMITS[7:-1]}


def test_a_first_part_of_the_difference_is_found_first() -> None:
    """Two commits that add 5 % each: the first of them is the answer."""
    for seed in range(20):
        costs = {name: 1 + 0.05 * (name >= "c04") + 0.05 * (name >= "c12") for name in COMMITS}
        end = search(World({"good": 1.0, **costs}, seed=seed), line(*COMMITS))

        assert end.culprit == "c04"


def test_a_merge_is_searched_as_git_does() -> None:
    """The culprit lies on a side branch: the commit there is named, not the merge."""
    parents = {
        "a1": ("good",),
        "s1": ("good",),
        "s2": ("s1",),
        "a2": ("a1",),
        "merge": ("a2", "s2"),
        "bad": ("merge",),
    }
    order = tuple(parents)
    graph = CommitGraph("good", order, parents, {name: name for name in ("good", *order)})
    dear = {"s2", "merge", "bad"}
    costs = {name: 1 + 0.1 * (name in dear) for name in ("good", *order)}

    assert search(World(costs), graph).culprit == "s2"


def test_a_merge_that_alone_costs_more_is_the_culprit() -> None:
    """Both sides are good: the merge is held against its first parent."""
    parents = {"a1": ("good",), "s1": ("good",), "merge": ("a1", "s1"), "bad": ("merge",)}
    graph = CommitGraph("good", tuple(parents), parents, {n: n for n in ("good", *parents)})
    costs = {"good": 1.0, "a1": 1.0, "s1": 1.0, "merge": 1.1, "bad": 1.1}
    end = search(World(costs), graph)

    assert end.culprit == "merge"
    assert end.last is not None
    assert end.last.against == "a1"


def test_the_end_of_the_time_leaves_what_was_proven() -> None:
    """After three looks eight or fewer commits are left, the culprit among them."""
    end = search(World(stepped("c11", 0.2), looks=3), line(*COMMITS), 0.2)

    assert (end.why, end.culprit) == ("time", None)
    assert "c11" in end.candidates
    assert len(end.candidates) <= 8


def test_good_or_bad_that_cannot_be_measured_ends_it() -> None:
    """Nothing can be held against them."""
    end = search(World(stepped("c05", 0.1), broken=("c16",)), line(*COMMITS))

    assert (end.why, end.candidates) == ("failed", ())


def test_thousands_of_commits_are_searched() -> None:
    """As many steps as there are bits in their number, and some."""
    names = tuple(f"c{number:04d}" for number in range(3000))
    costs = {"good": 1.0, **{name: 1 + 0.1 * (name >= "c1234") for name in names}}
    world = World(costs)
    end = search(world, line(*names))

    assert end.culprit == "c1234"
    assert len(set(world.asked)) <= 16


def test_each_commit_is_told() -> None:
    """Whoever watches hears of every commit what it is, and how many are left; fewer each time."""
    told: list[BisectProgress] = []
    world = World(stepped("c05", 0.2))
    Bisection(line(*COMMITS), world.measure, 0.05, told.append).run()
    left = [each.left for each in told]

    assert left == sorted(left, reverse=True)
    assert (told[-1].commit, told[-1].found, left[-1]) == ("c05", "culprit", 1)
    assert {step.against for step in told[0].steps} == {"good", "c16"}
