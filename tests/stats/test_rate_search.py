"""The search for the highest rate that keeps a promise, on simulated servers whose truth is known.

A server answers one request at a time in a fixed time S, arrivals are Poisson (M/D/1): its mean
response time is S + rho S / (2 (1 - rho)). On top of that the noise of a shared machine: S differs
from trial to trial, and now and then everything stands still.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from bench.stats.rate_search import Found, SearchRules, Tried, Trying, replay, search, so_far

if TYPE_CHECKING:
    from collections.abc import Callable

S = 500e-6
SEARCHES = 200
RULES = SearchRules(tolerance=0.05)
AROUND_S = 2.5
"""Start, warm-up, verification and stop of a trial."""


class Simulated(NamedTuple):
    """A machine with one M/D/1 server; windows in seconds, noise as standard deviations of ln."""

    measure: str
    limit_s: float
    short_s: float = 2.0
    whole_s: float = 6.0
    spread: float = 0.02
    stalls: float = 0.05
    stall_s: float = 0.1
    client_rps: float = math.inf

    def run(self, asked: Trying, rng: np.random.Generator) -> Tried:
        """One trial: Lindley's recursion over a second of warm-up and the window."""
        window = self.whole_s if asked.whole else self.short_s
        service = S * math.exp(rng.normal(0, self.spread))
        gaps = rng.exponential(1 / asked.rate, int((1 + window) * asked.rate) + 20)
        work = np.full(len(gaps), service)
        if rng.random() < self.stalls:
            work[rng.integers(len(work))] += self.stall_s
        walk = np.concatenate(([0.0], np.cumsum(work[:-1] - gaps[1:])))
        waits = walk - np.minimum.accumulate(walk)
        due = np.cumsum(gaps)
        inside = (due >= 1.0) & (due < 1.0 + window)
        kept = (waits + work)[inside]
        done = due[inside] + kept
        value = float(np.mean(kept) if self.measure == "mean" else np.quantile(kept, 0.99))
        achieved = min(1.0, window / (done.max() - 1.0))
        late = asked.rate > self.client_rps
        holds = value < self.limit_s and achieved >= 0.99 and not late
        mean = float(np.mean(kept))
        ratio = value / self.limit_s
        return Tried(
            asked.rate, asked.whole, ratio, achieved, holds, "client" if late else "", mean
        )

    def seconds(self, ended: Ended) -> float:
        """How long the trials of a search take."""
        windows = (self.whole_s if one.whole else self.short_s for one in ended.tried)
        return sum(windows) + AROUND_S * len(ended.tried)


class Ended(NamedTuple):
    found: Found
    tried: list[Tried]


def carried_out(machine: Simulated, seed: int, rules: SearchRules) -> Ended:
    rng = np.random.default_rng(seed)
    going, tried = search(rules), []
    asked = next(going)
    try:
        while True:
            tried.append(machine.run(asked, rng))
            assert len(tried) < 200
            asked = going.send(tried[-1])
    except StopIteration as ended:
        return Ended(ended.value, tried)


def p99_truth(limit_s: float) -> float:
    """The rate at which p99 is the limit, from one long quiet simulation per rate."""
    quiet = Simulated("p99", limit_s, whole_s=600.0, spread=0.0, stalls=0.0)
    low, high = 0.3 / S, 0.99 / S
    for number in range(12):
        middle = math.sqrt(low * high)
        ratio = quiet.run(Trying(middle, whole=True), np.random.default_rng(number)).ratio
        low, high = (middle, high) if ratio < 1 else (low, middle)
    return math.sqrt(low * high)


MACHINES: dict[str, tuple[Simulated, Callable[[], float]]] = {
    "mean": (Simulated("mean", 5 * S), lambda: 8 / 9 / S),
    "p99": (Simulated("p99", 5 * S), lambda: p99_truth(5 * S)),
    "a hard knee": (Simulated("p99", 100 * S), lambda: p99_truth(100 * S)),
    "slow": (Simulated("mean", 5 * S, short_s=0.7, whole_s=2.0, spread=0.03), lambda: 8 / 9 / S),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MACHINES)
def test_within_five_percent_of_the_truth(name: str) -> None:
    """At least 95 of 100 searches end within 5 % of the rate that is known, in under 3 minutes."""
    machine, truth = MACHINES[name]
    true_rate = truth()
    ended = [carried_out(machine, seed, RULES) for seed in range(SEARCHES)]
    near = sum(abs(one.found.rate / true_rate - 1) <= 0.05 for one in ended)
    covered = sum(one.found.low <= true_rate <= (one.found.high or 0.0) for one in ended)
    settled = sum(one.found.end == "found" and one.found.confirmed for one in ended)
    slowest = sorted(map(machine.seconds, ended))[int(0.95 * SEARCHES)]

    assert near >= 0.95 * SEARCHES
    assert covered >= 0.85 * SEARCHES
    assert settled >= 0.97 * SEARCHES
    assert slowest <= 180


QUIET = Simulated("mean", 5 * S, spread=0.0, stalls=0.0)


def test_the_answer_is_confirmed_by_whole_trials() -> None:
    """Three whole trials held at one rate and failed at one at most the tolerance above it."""
    found, tried = carried_out(QUIET, 1, RULES)
    whole = [one for one in tried if one.whole]
    verdicts = {
        rate: [t.holds for t in whole if t.rate == rate] for rate in {t.rate for t in whole}
    }
    held = [rate for rate, seen in verdicts.items() if sum(seen) > 1]
    failed = [rate for rate, seen in verdicts.items() if sum(seen) < 2]

    assert (found.end, found.confirmed, found.limit) == ("found", True, "server")
    assert found.low <= max(held) < min(failed) <= (found.high or 0.0)
    assert min(failed) <= 1.051 * max(held)
    assert found.low <= found.rate <= (found.high or 0.0)
    assert {len(seen) for seen in verdicts.values()} == {3}


def test_a_load_that_is_the_limit_makes_a_lower_bound() -> None:
    """Where client or pacer spoil a step, the answer is "at least" a rate that held."""
    found, tried = carried_out(QUIET._replace(client_rps=900), 1, RULES)

    assert (found.limit, found.at_least, found.high, found.end) == ("client", True, None, "bound")
    assert found.rate == max(one.rate for one in tried if one.holds) <= 900
    assert [one.limit for one in tried[-2:]] == ["client", "client"]


def test_one_late_step_does_not_end_a_search() -> None:
    """A step that the load spoiled is repeated before anything is made of it."""
    going, rng, spoiled, ended = search(RULES), np.random.default_rng(1), 0, ""
    asked = next(going)
    try:
        for number in range(200):
            one = QUIET.run(asked, rng)
            if number == 3:
                one, spoiled = one._replace(holds=False, limit="pacer"), spoiled + 1
            asked = going.send(one)
    except StopIteration as done:
        ended = done.value.end

    assert (ended, spoiled) == ("found", 1)


def test_a_promise_that_nothing_can_keep() -> None:
    """It ends at the lowest rate, after three whole trials there too."""
    found, tried = carried_out(QUIET._replace(limit_s=S / 2), 1, RULES)

    assert (found.end, found.rate, found.high) == ("never", 0.0, RULES.lowest)
    assert [one.whole for one in tried] == [False, False, True, True, True]


def test_a_promise_that_every_rate_keeps_ends_where_the_server_falls_behind() -> None:
    """A minute is kept by all that is answered: the answer is what the server can answer."""
    found, _ = carried_out(QUIET._replace(limit_s=60.0), 1, RULES)

    assert found.end == "found"
    assert 0.9 / S < found.rate < 1.05 / S


def test_a_highest_rate_is_not_passed() -> None:
    """Nothing is offered above it; what holds there is a lower bound."""
    found, tried = carried_out(QUIET, 1, RULES._replace(highest=400.0))

    assert (found.end, found.rate, found.at_least) == ("most", 400.0, True)
    assert max(one.rate for one in tried) == 400.0


def test_a_search_goes_on_where_it_was() -> None:
    """Sent what is known, it asks for the same and ends in the same."""
    found, tried = carried_out(QUIET, 3, RULES)
    for number, one in enumerate(tried):
        asked = replay(RULES, tried[:number]).following
        assert asked is not None
        assert (asked.rate, asked.whole) == (one.rate, one.whole)

    assert replay(RULES, tried) == (None, found)


def test_what_is_known_when_the_time_is_over() -> None:
    """Ended early it says between which rates the answer lies, and that it is not confirmed."""
    found, tried = carried_out(QUIET, 3, RULES)
    first = next(number for number, one in enumerate(tried) if not one.holds)
    early, late = (so_far(tried[:end], RULES) for end in (first, len(tried) - 3))

    assert (early.end, early.at_least, early.high) == ("cut", True, None)
    assert (late.end, late.at_least, late.confirmed) == ("cut", False, False)
    assert late.low <= found.rate <= (late.high or 0.0)
    assert so_far([], RULES).rate == 0.0


def disturbed(machine: Simulated, taken: Callable[[int], float], rules: SearchRules) -> Ended:
    """A search beside other work that takes a share of the CPUs, by the number of the trial."""
    rng, going, tried = np.random.default_rng(5), search(rules), []
    asked = next(going)
    try:
        for number in range(200):
            left = 1 - taken(number)
            one = machine._replace(limit_s=machine.limit_s * left).run(
                asked._replace(rate=asked.rate / left), rng
            )
            now = one._replace(rate=asked.rate, disturbed=left < 1 and not one.holds)
            tried.append(now)
            asked = going.send(now)
    except StopIteration as ended:
        return Ended(ended.value, tried)
    raise AssertionError("it did not end")


PATIENT = RULES._replace(patience=8)


def test_what_fails_beside_other_work_is_run_again() -> None:
    """Half of the CPUs is gone in trials 4 to 8: the answer is the one of a quiet machine."""
    found, tried = disturbed(QUIET, lambda number: 0.5 * (4 <= number <= 8), PATIENT)

    assert sum(one.disturbed for one in tried) >= 2
    assert (found.end, found.confirmed) == ("found", True)
    assert found.rate == pytest.approx(8 / 9 / S, rel=0.05)


def test_other_work_all_along_leaves_a_lower_bound() -> None:
    """However long it lasts the rate that held is true, and no rate is said to fail."""
    found, _ = disturbed(QUIET, lambda _: 0.5, PATIENT)

    assert (found.end, found.at_least, found.high) == ("disturbed", True, None)
    assert 0 < found.rate < 8 / 9 / S
    assert not found.confirmed


def test_a_search_that_is_cut_beside_other_work_names_no_rate_that_fails() -> None:
    """What it knows is what held."""
    _, tried = disturbed(QUIET, lambda _: 0.5, PATIENT)
    ended = so_far(tried, PATIENT)

    assert (ended.end, ended.at_least, ended.high) == ("cut", True, None)
    assert ended.rate in {one.rate for one in tried if one.holds}
