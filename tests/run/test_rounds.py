"""Which rounds a session runs, and when it ends: deadline, precision, calibration, resume.

The trials are scripted and take as long on a clock of the test's own as they say.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, cast

import pytest

from bench.model.trial_record import Partner
from bench.plans.duets import as_duet, with_alone
from bench.run.deadline import RunClock
from bench.run.measuring import Measuring
from bench.run.session import Session
from bench.store.run_directory import RunDirectory
from tests.factories import Truth, closed_profile, open_profile, run_data

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from bench.model.finding import Finding
    from bench.model.plan import LoadProfile, Plan, PlannedTrial
    from bench.model.trial_record import TrialRecord
    from bench.process import SupervisorClient
    from bench.run.events import Listener
    from bench.run.session import SessionResult

_TRIAL_S = 10.0
_KNOWN = {f"{name}/json-small/open": 900.0 for name in ("main-again", "branch")}
_DATA = run_data({"main": Truth(), "branch": Truth()}, profiles=[closed_profile()])
_SHARED = run_data(
    {"main": Truth(), "branch": Truth()},
    profiles=[closed_profile(), open_profile("open", rate_rps=None, share=0.6)],
)


class Heard:
    """Keeps what a session told."""

    def __init__(self) -> None:
        self.told_texts: list[str] = []
        self.reasons: list[str] = []
        self.calibrations: list[str] = []
        self.measured: list[str] = []
        self.left_s: list[float] = []

    def calibrating(self, server: str, workload: str) -> None:
        """A capacity is about to be measured."""
        self.calibrations.append(f"{server} {workload}")

    def expects(self, left_s: float) -> None:
        """How long it will still take."""
        self.left_s.append(left_s)

    def began(self, planned: PlannedTrial, done: int, total: int) -> None:
        """A trial is about to run."""
        assert done < total
        self.measured.append(planned.id)

    def finished(self, record: TrialRecord, done: int, total: int) -> None:
        """A trial has ended."""
        assert 0 < done <= total
        assert record.trial == self.measured[-1]

    def added(self, rounds: int, reason: str) -> None:
        """A round was added."""
        assert rounds == 1
        self.reasons.append(reason)

    def told(self, text: str) -> None:
        """Something to know."""
        self.told_texts.append(text)


class Scripted(Measuring):
    """Trials that a test makes up, on its own clock.

    Args:
        bench: has the clock, and what it is to be told.
    """

    def __init__(self, bench: Bench, plan: Plan) -> None:
        super().__init__(plan, {}, bench.directory, cast("SupervisorClient", None))
        self._bench = bench

    def measure(
        self, planned: PlannedTrial, profile: LoadProfile, *, order: int, alone: bool = False
    ) -> TrialRecord:
        """The record of a trial that took as long as each."""
        return self._bench.record(planned, profile, order=order, alone=alone)


class Bench:
    """A run directory, and sessions whose trials are scripted.

    Args:
        noise: how the log-ratio of a duet goes up and down from trial to trial.
    """

    def __init__(self, folder: Path, noise: float) -> None:
        self.directory = RunDirectory.create(folder, "run")
        self.heard = Heard()
        self.now = 0.0
        self.profiles: list[LoadProfile] = []
        self.failing: set[tuple[str, int]] = set()  # server and round
        self.findings: list[Finding] = []
        self._signs: Iterator[int] = cycle((1, 1, -1, -1))
        self._noise = noise

    def record(
        self, planned: PlannedTrial, profile: LoadProfile, *, order: int, alone: bool
    ) -> TrialRecord:
        """A made-up trial; it takes its time on the clock."""
        self.now += _TRIAL_S
        self.profiles.append(profile)
        record = _DATA.trials[0]
        resources = record.resources.model_copy(update={"server_cpu_s": 1.0})
        factor = math.exp(next(self._signs) * self._noise)
        update: dict[str, Any] = {
            "trial": planned.id,
            "round": planned.round,
            "order": order,
            **planned.cell.model_dump(),
            "phases_s": record.phases_s.model_copy(update={"total": _TRIAL_S}),
            "resources": resources.model_copy(update={"server_cpu_s": factor}),
        }
        if not alone:
            update["partner"] = Partner(
                server="main",
                server_process=None,
                load=record.load,
                resources=resources,
                counters=record.counters,
                exchanges=(),
                sidechannel=record.sidechannel,
                start_s=0.1,
                first=False,
            )
        if (planned.cell.server, planned.round) in self.failing:
            update |= {"status": "failed", "detail": "it died\nat once", "load": None}
        return record.model_copy(update=update)

    def run(self, plan: Plan) -> Plan:
        """Go through a session; the plan as it ended."""
        return self.end(plan).plan

    def end(self, plan: Plan) -> SessionResult:
        """Go through a session; how it ended."""
        session = Session(
            plan=plan,
            workloads={},
            directory=self.directory,
            supervisor=cast("SupervisorClient", None),
            listener=cast("Listener", self.heard),
            measuring=lambda plan, *_: Scripted(self, plan),
            pace=partial(RunClock, clock=lambda: self.now),
        )
        try:
            return session.run()
        finally:
            self.findings = session.findings

    @property
    def rounds(self) -> list[int]:
        """Of each duet on disk."""
        return [record.round for record in self.directory.trials()[0] if record.partner]


class Uneven(Bench):
    """Trials that differ from load to load.

    Args:
        noises: of each load profile.
    """

    def __init__(self, folder: Path, **noises: float) -> None:
        super().__init__(folder, 0.0)
        self._noises = noises

    def record(
        self, planned: PlannedTrial, profile: LoadProfile, *, order: int, alone: bool
    ) -> TrialRecord:
        """As in every bench, with the noise of this load."""
        self._noise = self._noises["open" if profile.id == "open" else "closed"]
        return super().record(planned, profile, order=order, alone=alone)

    @property
    def most(self) -> dict[str, int]:
        """Rounds of pairs by load profile."""
        most = dict.fromkeys(("wrk-c50", "open"), 0)
        for record in self.directory.trials()[0]:
            if record.partner:
                most[record.profile] = max(most[record.profile], record.round)
        return most


def _plan(data: Any = _DATA, **update: Any) -> Plan:
    """Two duets a round, 20 s; without a calibration unless the precision is left to it."""
    known = {"precision": 0.02, "max_rounds": 99, "spreads": {"json-small": 0.01}}
    plan = as_duet(data.plan.model_copy(update={"design": "duet"}))
    return with_alone(plan, 0).model_copy(update={**known, **update})


@pytest.fixture
def quiet(tmp_path: Path) -> Bench:
    """Trials that hardly differ."""
    return Bench(tmp_path, 0.001)


@pytest.fixture
def noisy(tmp_path: Path) -> Bench:
    """Trials that differ by 10 %: no number of rounds here reaches 2 %."""
    return Bench(tmp_path, 0.1)


def test_the_rounds_that_were_planned_end_at_the_deadline(quiet: Bench) -> None:
    """Four rounds of 20 s fit in 99 s; the fifth is taken out of the plan, and that is said."""
    ended = quiet.run(_plan(max_time_s=99.0))

    assert quiet.rounds == [1, 1, 2, 2, 3, 3, 4, 4]
    assert (ended.rounds, ended.rounds_asked) == (4, 5)
    assert {trial.round for trial in ended.trials} == {1, 2, 3, 4}
    assert quiet.directory.plan() == ended
    assert "4 rounds are all" in quiet.heard.told_texts[-1]


def test_added_rounds_end_at_the_deadline(noisy: Bench) -> None:
    """Too wide an interval is no reason to go on beyond the time."""
    ended = noisy.run(_plan(max_time_s=155.0))

    assert ended.rounds == max(noisy.rounds) == 7
    assert noisy.now <= 155
    assert "7 rounds are all" in noisy.heard.told_texts[-1]


def test_three_rounds_are_measured_in_any_case(noisy: Bench) -> None:
    """A deadline that is too short for an interval is said before the first trial."""
    ended = noisy.run(_plan(max_time_s=5.0))

    assert ended.rounds == max(noisy.rounds) == 3
    assert noisy.heard.told_texts[0].startswith("3 rounds, the least that gives an interval")


def test_rounds_that_were_lost_are_made_up_for(quiet: Bench) -> None:
    """One of the least three died: another follows, though the time is over."""
    quiet.failing = {("branch", 2)}
    ended = quiet.run(_plan(max_time_s=5.0))

    assert ended.rounds == max(quiet.rounds) == 4


def test_what_dies_again_and_again_is_given_up(quiet: Bench) -> None:
    """Nothing makes up for the rounds of a server that never runs to its end."""
    quiet.failing = {("branch", number) for number in range(2, 99)}
    ended = quiet.run(_plan(max_time_s=5.0))

    assert ended.rounds == max(quiet.rounds) <= 4


def test_a_narrow_interval_ends_it_before_the_deadline(quiet: Bench) -> None:
    """Five rounds are the least by which the width may be judged."""
    ended = quiet.run(_plan(max_time_s=1_000.0))

    assert (ended.rounds, ended.rounds_asked) == (5, None)
    assert quiet.heard.reasons == []


@pytest.mark.parametrize("most", [3, 4])
def test_fewer_than_five_rounds_at_most(quiet: Bench, most: int) -> None:
    """Where five are not allowed the most are measured, whatever the width is."""
    plan = _plan(max_rounds=most)
    first = tuple(trial for trial in plan.trials if trial.round <= 3)
    ended = quiet.run(plan.model_copy(update={"rounds": 3, "trials": first}))

    assert ended.rounds == max(quiet.rounds) == most
    assert len(quiet.heard.reasons) == most - 3
    assert all("5 are the least" in reason for reason in quiet.heard.reasons)


def test_on_resume_finished_trials_count(noisy: Bench) -> None:
    """80 s of 99 s were used: no fifth round, however long the pause was."""
    noisy.run(_plan(max_time_s=99.0))
    noisy.now = 0.0
    again = noisy.run(_plan(max_time_s=99.0))

    assert again.rounds == 4
    assert noisy.now == 0.0


def test_a_round_that_was_begun_is_finished_on_resume(noisy: Bench) -> None:
    """Half a round is of no use."""
    plan = _plan(max_time_s=85.0)
    noisy.run(plan)
    lines = (noisy.directory.path / "trials.jsonl").read_bytes().splitlines(keepends=True)
    (noisy.directory.path / "trials.jsonl").write_bytes(b"".join(lines[:-1]))
    shorter = plan.model_copy(update={"max_time_s": 71.0})
    noisy.run(shorter)

    assert len(lines) == 8
    assert noisy.rounds == [1, 1, 2, 2, 3, 3, 4, 4]


def test_without_a_deadline_max_rounds_ends_it(noisy: Bench) -> None:
    """A matrix of duets has no time budget."""
    assert noisy.run(_plan(max_rounds=8)).rounds == 8
    assert noisy.heard.told_texts == []


def test_servers_alone_are_measured_without_the_baseline(quiet: Bench) -> None:
    """In the rounds asked for, once each, with the short profile."""
    quiet.run(with_alone(_plan(), 2))
    alone = [r for r in quiet.directory.trials()[0] if r.partner is None]

    assert sorted((r.round, r.server) for r in alone) == [
        (1, "branch"),
        (1, "main"),
        (2, "branch"),
        (2, "main"),
    ]
    assert {record.profile for record in alone} == {"wrk-c50-alone"}


# -- calibration ----------------------------------------------------------------------------


def test_three_duets_of_two_copies_come_first(quiet: Bench) -> None:
    """Their spread is kept in the plan and announced; they are no trials of the run."""
    ended = quiet.run(_plan(spreads={}, max_time_s=500.0))

    assert quiet.heard.calibrations == ["main-again json-small"]
    assert len(quiet.profiles) == 3 + 10
    assert 0.001 <= ended.spreads["json-small"] <= 0.0013
    (said,) = quiet.heard.told_texts
    assert said.startswith("calibration: two copies differ by 0.1 % from trial to trial (sd): ")
    assert "about 5 trials per arm" in said
    assert said.endswith("to tell 2 %")
    assert min(quiet.rounds) == 1


def test_the_estimate_counts_the_calibration() -> None:
    """Each duet takes 2 s + 5 s + 1.5 s, at a rate a second more; a calibrating one 1 s + 1 s."""
    plan = with_alone(_plan(_SHARED, spreads={}), 1)
    trials = sum(8.5 if trial.cell in plan.cells else 3.5 for trial in plan.trials)
    trials += sum(trial.cell.profile == "open" for trial in plan.trials)

    assert plan.estimated_s == pytest.approx(trials + 6 * 3.5)


def test_the_calibration_is_part_of_the_time(noisy: Bench) -> None:
    """30 s of pilots and three rounds of 20 s leave nothing for a fourth in 100 s."""
    assert noisy.run(_plan(spreads={}, max_time_s=100.0)).rounds == 3


def test_a_short_session_has_one_pilot(quiet: Bench) -> None:
    """Three would take more than a fifth of 30 s: without a share of a capacity there is none."""
    ended = quiet.run(_plan(spreads={}, max_time_s=30.0))

    assert quiet.heard.calibrations == []
    assert ended.spreads == {}


def test_capacities_and_the_spread_come_of_the_same_duets(quiet: Bench) -> None:
    """Three of the copy and one of each other arm, saturated; the rate is a share of the least."""
    ended = quiet.run(_plan(_SHARED, spreads={}, max_time_s=5_000.0))
    pilots = [profile for profile in quiet.profiles if profile.id == "open"][:4]
    offered = {p.rate_rps for p in quiet.profiles if p.id == "open" and p.loop == "open"}

    assert quiet.heard.calibrations == ["main-again json-small", "branch json-small"]
    assert all(profile.loop == "closed" for profile in pilots)
    assert set(ended.calibrated) == {"main-again/json-small/open", "branch/json-small/open"}
    assert offered == {round(0.6 * min(ended.calibrated.values()), 3)}
    assert "json-small" in ended.spreads


def test_the_time_to_go_counts_what_will_be_added(noisy: Bench) -> None:
    """After five rounds that are too wide it says the time that is left, not that of nothing."""
    ended = noisy.run(_plan(max_time_s=205.0))

    assert ended.rounds == 10
    assert noisy.heard.left_s[0] == 10 * 8.5
    assert noisy.heard.left_s[12] == pytest.approx(205 - 120)
    assert noisy.heard.left_s[-1] == 15.0


def test_three_rounds_are_to_go_however_short_the_time_is(noisy: Bench) -> None:
    """They are measured in any case, so they are counted."""
    noisy.run(_plan(max_time_s=5.0))

    assert noisy.heard.left_s == [6 * 8.5, 50.0, 40.0, 30.0, 20.0, 10.0]


def test_added_rounds_go_where_the_interval_is_widest(tmp_path: Path) -> None:
    """Of two load profiles the one that is narrow enough gets none of them."""
    bench = Uneven(tmp_path, open=0.1, closed=0.001)
    ended = bench.run(_plan(_SHARED, max_rounds=9, calibrated=_KNOWN))

    assert bench.most == {"wrk-c50": 5, "open": 9}
    assert ended.rounds == 9


def test_what_the_time_cannot_reach_waits_for_what_it_can(tmp_path: Path) -> None:
    """Saturated a hundred rounds would not do; at an offered rate two more do, and come first."""
    bench = Uneven(tmp_path, open=0.02, closed=0.5)
    bench.run(_plan(_SHARED, max_time_s=360.0, calibrated=_KNOWN))

    assert bench.most == {"wrk-c50": 11, "open": 7}
    loads = [reason.split(" is known to")[0].rpartition(".")[2] for reason in bench.heard.reasons]
    assert loads == ["open"] * 2 + ["wrk-c50"] * 6


def test_a_resumed_run_is_not_calibrated_again(quiet: Bench) -> None:
    """Capacities and spreads lie in the plan."""
    ended = quiet.run(_plan(_SHARED, spreads={}, max_time_s=5_000.0))
    quiet.heard.calibrations.clear()
    quiet.heard.told_texts.clear()
    quiet.run(ended)

    assert quiet.heard.calibrations == []
    assert quiet.heard.told_texts == []
