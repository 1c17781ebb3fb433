"""How long a run may take, and what is said of it before and while it goes on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from bench.analysis import GroupWidth
from bench.plans.duets import as_duet, duets_for
from bench.run.deadline import RunClock, announcement, ended_by_time, precision_words, too_short
from bench.stats.rounds import rounds_expected
from tests.factories import Truth, run_data

if TYPE_CHECKING:
    from bench.model.plan import Plan
    from bench.model.trial_record import TrialRecord

_DATA = run_data({"axum": Truth(), "fastapi": Truth()}, rounds=5)
_TRIAL_S = 8.5
"""Warm-up 2 s, window 5 s, overhead 1.5 s."""


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def _plan(max_time_s: float | None, sd: float | None = None) -> Plan:
    plan = as_duet(_DATA.plan)
    spreads = {} if sd is None else {"json-small": sd}
    update = {"max_time_s": max_time_s, "precision": 0.01, "margin": 0.01, "spreads": spreads}
    return plan.model_copy(update=update)


def _record(total_s: float, profile: str = "wrk-c50") -> TrialRecord:
    record = _DATA.trials[0]
    phases = record.phases_s.model_copy(update={"total": total_s})
    return record.model_copy(update={"phases_s": phases, "profile": profile})


def test_a_round_begins_only_where_it_ends_in_time() -> None:
    """The deadline counts from the beginning of the measuring."""
    plan, clock = _plan(100.0), Clock()
    pace = RunClock(plan, (), clock)
    trials = duets_for(plan, 4)

    assert len(trials) == 2
    clock.now += 100 - 2 * _TRIAL_S
    assert pace.fits(4, trials)
    clock.now += 0.1
    assert not pace.fits(4, trials)


def test_three_rounds_begin_in_any_case() -> None:
    """Fewer give no interval."""
    plan, clock = _plan(1.0), Clock()
    pace = RunClock(plan, (), clock)
    clock.now += 50

    assert [pace.fits(number, duets_for(plan, number)) for number in (1, 3, 4)] == [
        True,
        True,
        False,
    ]


def test_without_a_limit_every_round_begins() -> None:
    """A matrix has no deadline."""
    plan, clock = _plan(None), Clock()
    pace = RunClock(plan, (), clock)
    clock.now += 1e9

    assert pace.left_s == math.inf
    assert pace.fits(99, duets_for(plan, 99))


def test_lengths_are_learned() -> None:
    """The mean of the trials of a profile replaces what was guessed."""
    plan = _plan(None)
    pace = RunClock(plan, ())
    guessed = pace.length_s(duets_for(plan, 4))
    pace.calibrated(0.5)
    calibrated = pace.length_s(duets_for(plan, 4))
    pace.saw(_record(3.0))
    pace.saw(_record(5.0))

    assert guessed == 2 * _TRIAL_S
    assert calibrated == 2 * (_TRIAL_S - 1)
    assert pace.length_s(duets_for(plan, 4)) == 2 * 4.0


def test_finished_trials_count_on_resume() -> None:
    """What the first part of a run measured is part of its time."""
    pace = RunClock(_plan(100.0), [_record(30.0), _record(25.0)], Clock())

    assert pace.left_s == 45.0


def test_the_announcement_names_trials_and_time() -> None:
    """As many trials as the spread asks for, the time of that many rounds and of those alone."""
    plan = _plan(1_000.0, sd=0.012)
    said = announcement(plan, RunClock(plan, (), Clock()))

    needed = rounds_expected(0.012, math.log1p(0.01))
    assert needed == 9
    assert "two copies differ by 1.2 %" in said
    assert "about 9 trials per arm" in said
    assert "2 min 40 s" in said  # 9 rounds of two duets of 8.5 s, and two servers alone for 3.5 s


def test_pilots_that_agree_are_no_spread_of_nothing() -> None:
    """Three values can be alike by chance: 0 % would promise too much."""
    plan = _plan(1_000.0, sd=0.0002)

    assert "differ by less than 0.1 % from" in announcement(plan, RunClock(plan, (), Clock()))


def test_the_announcement_says_what_the_time_allows() -> None:
    """Too little time is said before the start, with what can be told instead."""
    plan = _plan(60.0, sd=0.012)
    said = announcement(plan, RunClock(plan, (), Clock()))

    assert "about 9 trials per arm to tell 1 %" in said
    assert "the time allows 3" in said
    assert said.endswith("about 3 %")


def test_a_hopeless_spread_is_said() -> None:
    """No number above 100 is named."""
    plan = _plan(1_000.0, sd=0.2)

    assert "more than 100 trials per arm" in announcement(plan, RunClock(plan, (), Clock()))


def test_nothing_is_announced_without_a_spread() -> None:
    """Where no two copies were measured there is no forecast."""
    assert announcement(_plan(60.0), RunClock(_plan(60.0), ())) == ""


@pytest.mark.parametrize(("max_time_s", "said"), [(None, False), (20.0, True), (80.0, False)])
def test_too_little_time_for_three_rounds_is_said(max_time_s: float | None, *, said: bool) -> None:
    """They are measured all the same."""
    plan = _plan(max_time_s)

    assert bool(too_short(plan, RunClock(plan, (), Clock()))) is said


def test_the_end_names_the_time_and_the_rounds() -> None:
    """Why it ends before the precision is there."""
    said = ended_by_time(_plan(90.0))

    assert "1 min 30 s" in said
    assert "5 rounds" in said


@pytest.mark.parametrize(
    ("widest", "more", "words"),
    [
        (None, 2, "no interval yet, 1 % asked for; about 2 to go here, 40 s in all"),
        (
            0.004,
            1,
            "5 are the least by which the width may be judged; about 1 to go here, 40 s in all",
        ),
        (0.023, 4, "b.x.y is known to +-2.3 %, 1 % asked for; about 4 to go here, 40 s in all"),
    ],
)
def test_an_added_round_has_its_reason(widest: float | None, more: int, words: str) -> None:
    """The width so far, the width asked for, and what is left."""
    group = GroupWidth("x", "y", "b.x.y", widest, 0.01, 5, more)

    assert precision_words(group, 40.0) == words
