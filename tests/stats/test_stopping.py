"""The rule by which `bench ab` stops, over 2,000 sessions each: what its words promise.

A session is simulated as `ab` carries it out: two arms against the baseline (a copy and the
candidate) under two load profiles, five rounds, then one more as long as any interval is wider
than asked; a verdict for the one candidate under each profile, the copy being none. Intervals,
stopping rule and verdicts are the functions that a run uses.
"""

from __future__ import annotations

import math
import random
from functools import cache
from typing import NamedTuple

import pytest

from bench.stats.intervals import Estimate, paired
from bench.stats.multiple import holm
from bench.stats.rounds import MIN_ADAPTIVE, rounds_to_go
from bench.stats.verdict import VerdictWord, verdict

TRIES = 2_000
MOST = 99
MARGIN = 0.01
FOUND = {VerdictWord.HIGHER, VerdictWord.HIGHER_MAYBE_WITHIN}
DIFFERENT = {*FOUND, VerdictWord.LOWER, VerdictWord.LOWER_MAYBE_WITHIN}

pytestmark = pytest.mark.slow


class Session(NamedTuple):
    """How a simulated session ended: rounds, and the candidate's call under each profile."""

    rounds: int
    calls: tuple[VerdictWord, ...]
    holds_truth: bool


def _estimate(logs: list[float]) -> Estimate:
    return paired([math.exp(value) for value in logs], [1.0] * len(logs))


def _session(rng: random.Random, *, truth: float, sd: float, most: int) -> Session:
    """One session; each pair is a copy's and the candidate's log-ratios under one profile."""
    centers = [0.0, math.log(truth)] * 2
    logs: list[list[float]] = [[] for _ in centers]
    target = math.log1p(MARGIN)
    while True:
        for row, center in zip(logs, centers, strict=True):
            row.append(rng.gauss(center, sd))
        done = len(logs[0])
        if done == most:
            break
        # Below five rounds the rule never says that it is enough: intervals need not be made.
        if done >= MIN_ADAPTIVE and not any(
            rounds_to_go(_estimate(row), target, most - done) for row in logs
        ):
            break
    ratios = [_estimate(row) for row in logs]
    calls = []
    for pair in (ratios[:2], ratios[2:]):
        (adjusted,) = holm([pair[1].p or 0.0])
        calls.append(verdict(pair[1], adjusted, MARGIN, 1).call)
    low, high = ratios[1].low or math.inf, ratios[1].high or 0.0
    return Session(len(logs[0]), tuple(calls), low <= truth <= high)


@cache
def _sessions(seed: int, *, truth: float, sd: float, most: int = MOST) -> list[Session]:
    rng = random.Random(seed)
    return [_session(rng, truth=truth, sd=sd, most=most) for _ in range(TRIES)]


@pytest.mark.parametrize(
    ("sd", "most"),
    [
        (0.004, MOST),  # five rounds are enough
        (0.008, MOST),  # the width is met by luck about as often as not
        (0.012, MOST),  # as two copies of one server do on a shared virtual machine
        (0.020, MOST),
        (0.012, 3),  # --max-time ended it
        (0.012, 4),
        (0.050, 12),  # hopeless in that time
    ],
)
def test_equal_arms_are_rarely_called_different(sd: float, most: int) -> None:
    """At most 6 % of A/A sessions call the candidate different under each of their profiles."""
    sessions = _sessions(7, truth=1.0, sd=sd, most=most)

    for profile in range(2):
        assert sum(one.calls[profile] in DIFFERENT for one in sessions) <= 0.06 * TRIES


@pytest.mark.parametrize("sd", [0.004, 0.008, 0.012, 0.020])
def test_twice_the_asked_difference_is_found(sd: float) -> None:
    """A true difference of twice --detect is called in 90 % of the sessions or more."""
    sessions = _sessions(8, truth=1 + 2 * MARGIN, sd=sd)

    for profile in range(2):
        assert sum(one.calls[profile] in FOUND for one in sessions) >= 0.90 * TRIES


@pytest.mark.parametrize("sd", [0.008, 0.012, 0.020])
def test_stopping_by_width_keeps_the_coverage(sd: float) -> None:
    """At least 92.9 % of the intervals hold the truth (docs/method.md), less sampling error."""
    sessions = _sessions(8, truth=1 + 2 * MARGIN, sd=sd)
    error = 3 * math.sqrt(0.929 * 0.071 / TRIES)

    assert sum(one.holds_truth for one in sessions) >= (0.929 - error) * TRIES


def test_a_difference_stops_nothing() -> None:
    """The number of rounds does not depend on whether there is a difference."""
    equal, different = (
        [one.rounds for one in _sessions(10, truth=truth, sd=0.012)] for truth in (1.0, 1.5)
    )

    assert equal == different
