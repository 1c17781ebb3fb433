"""A bisect by noisy comparisons names the commit that costs more, or the range that is proven."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest

from bench.stats.bisection import BisectEnd, Bisection, BisectProgress, CommitGraph, CostRatios
from bench.stats.rounds import rounds_for

COMMITS = tuple(f"c{number:02d}" for number in range(1, 17))


def line(*names: str, content: dict[str, str] | None = None) -> CommitGraph:
    """Commits one after the other, after `good`."""
    parents = {child: (parent,) for parent, child in pairwise(("good", *names))}
    return CommitGraph(
        "good", names, parents, {"good": "good", **{n: n for n in names}, **(content or {})}
    )


class World:
    """Servers whose cost is known, and pairs of them that are measured with noise."""

    def __init__(
        self,
        costs: dict[str, float],
        *,
        seed: int = 1,
        sd: float = 0.02,
        broken: tuple[str, ...] = (),
        looks: int = 1000,
    ) -> None:
        self.costs = costs
        self.asked: list[str] = []
        self._random = random.Random(seed)
        self._sd = sd
        self._broken = broken
        self._looks = looks

    def measure(self, commit: str, against: tuple[str, ...], half: float) -> CostRatios | None:
        """As many pairs as that half-width takes, five at least, like a duet's rounds."""
        if len(self.asked) == self._looks:
            return None
        self.asked.append(commit)
        if commit in self._broken:
            return CostRatios({}, "it does not build")
        n = max(5, rounds_for(self._sd, half) or 100)
        return CostRatios(
            {
                other: tuple(
                    self.costs[commit]
                    / self.costs[other]
                    * math.exp(self._random.gauss(0, self._sd))
                    for _ in range(n)
                )
                for other in against
            }
        )


def stepped(culprit: str, by: float) -> dict[str, float]:
    """What the commits of a line cost when one of them adds a share."""
    return {"good": 1.0, **{name: 1 + by * (name >= culprit) for name in COMMITS}}


def search(world: World, graph: CommitGraph, detect: float = 0.05) -> BisectEnd:
    return Bisection(graph, world.measure, detect).run()


@pytest.mark.parametrize("sd", [0.01, 0.03])
def test_a_commit_of_five_percent_is_found(sd: float) -> None:
    """Whichever of 16 it is: found in 97 of 100 searches, and a wrong one is never named."""
    ends = []
    for seed in range(112):
        culprit = COMMITS[seed % 16]
        world = World(stepped(culprit, 0.05), seed=seed, sd=sd)
        ends.append((culprit, search(world, line(*COMMITS))))
    named = [(culprit, end.culprit) for culprit, end in ends if end.culprit]

    assert all(culprit == found for culprit, found in named)
    assert len(named) >= 0.97 * len(ends)


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
    end = search(World(stepped("c11", 0.2), looks=3), line(*COMMITS))

    assert (end.why, end.culprit) == ("time", None)
    assert "c11" in end.candidates
    assert len(end.candidates) <= 8


def test_good_or_bad_that_cannot_be_measured_ends_it() -> None:
    """Nothing can be held against them."""
    end = search(World(stepped("c05", 0.1), broken=("c16",)), line(*COMMITS))

    assert (end.why, end.candidates) == ("failed", ())


def test_each_commit_is_told() -> None:
    """Whoever watches hears of every commit what it is, and how many are left; fewer each time."""
    told: list[BisectProgress] = []
    world = World(stepped("c05", 0.2))
    Bisection(line(*COMMITS), world.measure, 0.05, told.append).run()
    left = [each.left for each in told]

    assert left == sorted(left, reverse=True)
    assert (told[-1].commit, told[-1].found, left[-1]) == ("c05", "culprit", 1)
    assert {step.against for step in told[0].steps} == {"good", "c16"}
