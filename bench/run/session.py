"""Plan to trials, one at a time: builds, calibration, order, re-runs, added rounds."""

from __future__ import annotations

import gc
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.analysis import precision
from bench.errors import BuildError, StoreError
from bench.model.plan import Skipped
from bench.model.trial_record import lied
from bench.plans.cost import batches, is_cost, no_rate, with_rate, without_cost_of
from bench.reports.wording.findings import text_of
from bench.run.asking import FirstQuestions, nothing_to_compare
from bench.run.builder import LocalBuilder
from bench.run.calibration import calibrate, not_calibrated, offered, without_capacity
from bench.run.deadline import RunClock, announcement, ended_by_time, precision_words, too_short
from bench.run.fitness import (
    beyond_loopback,
    left_out,
    not_restarted,
    one_port,
    stale_program,
)
from bench.run.measuring import Measuring
from bench.run.next_rounds import forecast_s, next_round
from bench.run.tidy import tidy
from bench.store.run_directory import NEEDED_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.model.finding import Finding
    from bench.model.plan import Arm, Cell, LoadProfile, Plan, PlannedTrial, Workload
    from bench.model.trial_record import TrialRecord
    from bench.process import SupervisorClient
    from bench.run.builder import Builder
    from bench.run.events import Listener
    from bench.store.run_directory import RunDirectory

    _MakesMeasuring = Callable[
        [Plan, dict[str, Workload], RunDirectory, SupervisorClient], Measuring
    ]
    _MakesPace = Callable[[Plan, Sequence[TrialRecord]], RunClock]

_GIVE_UP_AFTER: Final = 2
AGAIN: Final = ".2"
"""What is put behind the id of a trial that is run again."""


class SessionResult(NamedTuple):
    """How a run ended.

    Attributes:
        failed_cells: planned cells without a usable trial.
        build_failures: arms whose build failed, or whose first answers were wrong.
    """

    plan: Plan
    trials: tuple[TrialRecord, ...]
    failed_cells: tuple[str, ...]
    build_failures: tuple[str, ...]


class Session:
    """One run of a plan.

    Args:
        directory: where everything goes; trials that are in it already are not repeated.
        supervisor: starts every process.
        listener: hears how it goes on.
        measuring: makes what carries out the trials.
        pace: makes what knows how long they take.
        builder: builds servers; None = on this machine.
        asking: what the servers are asked before the trials; None = nothing.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        workloads: dict[str, Workload],
        directory: RunDirectory,
        supervisor: SupervisorClient,
        listener: Listener,
        measuring: _MakesMeasuring = Measuring,
        pace: _MakesPace = RunClock,
        asking: FirstQuestions | None = None,
        builder: Builder | None = None,
    ) -> None:
        self.plan = plan
        self.findings: list[Finding] = [
            *not_restarted(plan),
            *beyond_loopback(plan),
            *one_port(plan),
        ]
        self._measuring = measuring(plan, workloads, directory, supervisor)
        self._directory = directory
        self._builder = builder or LocalBuilder(supervisor)
        self._listener = listener
        self._profiles = {profile.id: profile for profile in plan.loads}
        self._alone = {profile.id for profile in plan.alone}
        self._builds = self._measuring.builds
        self._build_failures: list[str] = []
        self._asking = asking or FirstQuestions()
        self._left_out: frozenset[Cell] = frozenset()
        self._new_pace = pace
        self._pace = pace(plan, ())
        records, _ = directory.trials()
        self._records = list(records)
        self._failures: Counter[Cell] = Counter(
            record.cell for record in records if record.status == "failed"
        )

    # -- builds -----------------------------------------------------------------------------

    def prepare(self) -> None:
        """Build every server; those that cannot be are taken out of the plan, with the reason."""
        skipped = list(self.plan.skipped)
        gone: set[str] = set()
        lack = {
            arm.name: self._builder.missing(arm) or self._asking.unmade(arm)
            for arm in self.plan.arms
        }
        for arm in sorted(self.plan.arms, key=lambda arm: not lack[arm.name]):
            if self._asking.nothing_left(self.plan, gone):
                break  # the rest need not be built
            unbuilt = lack[arm.name] or (None if arm.url else self._build(arm))
            reason = unbuilt or self._asking.reason(self.plan, arm)
            if reason:
                gone.add(arm.name)
                skipped.append(Skipped(server=arm.name, reason=reason))
                self._listener.skipped(skipped[-1])
                built = arm.name not in self._build_failures
                served = arm.name not in self._asking.refused
                self.findings.append(left_out(arm.name, reason, built=built, served=served))
            for item in () if reason else self._asking.news(arm):
                self._tell(text_of(item))
        self.plan = self.plan.replace(
            skipped=tuple(skipped),
            arms=tuple(
                arm.replace(hash=self._builds[arm.name].hash) if arm.name in self._builds else arm
                for arm in self.plan.arms
                if arm.name not in gone
            ),
            cells=tuple(cell for cell in self.plan.cells if cell.server not in gone),
            trials=tuple(t for t in self.plan.trials if t.cell.server not in gone),
        )
        self.plan = without_cost_of(self.plan, gone)
        self.findings += self._asking.findings(self.plan)
        self._left_out = frozenset(self._asking.lost(self.plan))
        self._directory.write_model("plan.json", self.plan)

    def _build(self, arm: Arm) -> str | None:
        """Build one server; the reason why it takes no part, or None."""
        self._listener.building(arm)
        log = self._directory.path / "builds" / f"{arm.name}.log"
        try:
            record = self._builder.build(arm, log, cpus=str(self.plan.cpus.server_count))
        except BuildError as error:
            self._build_failures.append(arm.name)
            return str(error)
        self._builds[arm.name] = record
        self._directory.write_model(f"builds/{arm.name}.json", record)
        self._listener.built(arm, record)
        self.findings += stale_program(arm, record)
        return None

    # -- trials -----------------------------------------------------------------------------

    def run(self) -> SessionResult:
        """Run every planned trial that is not on disk yet, then rounds for the precision.

        Raises:
            KeyboardInterrupt: passed on; finished trials are on disk.
            StoreError: the disk is full.
        """
        self._pace = self._new_pace(self.plan, self._records)
        if self._comparable():
            with tidy():
                self._calibrate()
                self._add_rounds(told=not self._planned_rounds())
        caught = {record.cell for record in self._records if lied(record)}
        usable = {record.cell for record in self._records if record.usable} - caught
        if self.plan.design == "duet":  # the baseline is part of every trial
            usable |= {cell.replace(server=self.plan.baseline) for cell in usable}
        return SessionResult(
            plan=self.plan,
            trials=tuple(self._records),
            failed_cells=tuple(cell.id for cell in self.plan.cells if cell not in usable),
            build_failures=(*self._build_failures, *self._asking.refused),
        )

    def _comparable(self) -> bool:
        """Whether the servers that were skipped left a duet with two sides to compare."""
        plan = self.plan
        gone = {one.server for one in plan.skipped}
        return bool(plan.cells) and not (plan.design == "duet" and nothing_to_compare(plan, gone))

    def _pending(self, trials: tuple[PlannedTrial, ...]) -> Iterator[PlannedTrial]:
        done = {record.trial: record.status for record in self._records}
        for planned in trials:
            again = _again(planned)
            if planned.id not in done:
                if self._failures[planned.cell] < _GIVE_UP_AFTER and self._rate_known(planned):
                    yield planned
            elif done[planned.id] == "invalid" and again.id not in done:
                yield again  # interrupted between a trial and its re-run

    def _run_one(self, planned: PlannedTrial) -> None:
        """Run a trial; an invalid one is repeated once as `<id>.2`, both are kept."""
        record = self._trial(planned)
        if record.status == "failed":
            self._failures[planned.cell] += 1
        if record.status == "invalid" and not planned.id.endswith(AGAIN):
            self._trial(_again(planned))

    def _trial(self, planned: PlannedTrial) -> TrialRecord:
        gc.collect()
        self._check_disk()
        total = len(self._kept(self.plan.trials))
        done = len({record.trial.removesuffix(AGAIN) for record in self._records})
        if self.plan.search is None:  # a search decides each trial by those before it
            self._listener.expects(forecast_s(self.plan, self._records, self._pace, self._kept))
        self._listener.began(planned, done, total)
        profile = self._load(planned)
        alone = planned.cell.profile in self._alone
        record = self._measuring.measure(planned, profile, order=len(self._records), alone=alone)
        record = self._directory.seal_trial(record)
        self._records.append(record)
        self._pace.saw(record)
        self._listener.finished(record, min(done + 1, total), total)
        return record

    def _load(self, planned: PlannedTrial) -> LoadProfile:
        """The load of a trial, with the rate that is offered."""
        profile = self._profiles[planned.cell.profile]
        if self.plan.cost is None or not is_cost(self.plan, planned):
            return offered(self.plan, profile, planned.cell)
        return profile.replace(rate_rps=self.plan.cost.rate(planned.cell))

    def _rate_known(self, planned: PlannedTrial) -> bool:
        """Whether there is a rate to offer; that of a pair is decided once, by its first trial."""
        plan = with_rate(self.plan, self._records, planned)
        if plan is None:
            self.findings = [*self.findings, *no_rate(self.plan, planned, self.findings)]
            return False
        if plan is not self.plan:
            self.plan = plan
            self._directory.write_model("plan.json", plan)
        return True

    def _check_disk(self) -> None:
        free = self._directory.free_bytes()
        if free < NEEDED_BYTES:
            raise StoreError(
                f"only {free / 1e6:,.0f} MB are free where {self._directory.path} lies; "
                f"a trial may need {NEEDED_BYTES / 1e6:,.0f} MB",
                advice="free some space and go on with `bench run --resume latest`",
            )

    # -- rounds -----------------------------------------------------------------------------

    def _calibrate(self) -> None:
        """Measure what the plan does not know yet, and say how long it will take."""
        begun = {(record.workload, record.profile) for record in self._records}
        parts = (self.plan, self._measuring, self._directory, self._listener)
        self.plan, overhead_s = calibrate(*parts, begun=begun, lost=self._left_out)
        lost, self._left_out = self._left_out, self._left_out | set(without_capacity(self.plan))
        for item in not_calibrated(self.plan, self._directory, lost):
            self.findings.append(item)
            self._tell(text_of(item))
        self._pace.calibrated(overhead_s)
        ahead = self.plan.replace(trials=self._kept(self.plan.trials))
        if overhead_s is not None:
            self._tell(announcement(ahead, self._pace))
        if not self._records:
            self._tell(too_short(ahead, self._pace))

    def _kept(self, trials: tuple[PlannedTrial, ...]) -> tuple[PlannedTrial, ...]:
        """Those that are run: without a capacity a cell has no rate."""
        return tuple(trial for trial in trials if trial.cell not in self._left_out)

    def _tried(self, trials: tuple[PlannedTrial, ...]) -> tuple[PlannedTrial, ...]:
        """Those of servers that have not failed too often."""
        return tuple(t for t in self._kept(trials) if self._failures[t.cell] < _GIVE_UP_AFTER)

    def _tell(self, text: str) -> None:
        if text:
            self._listener.told(text)

    def _planned_rounds(self) -> bool:
        """Run the rounds of the plan; whether the time sufficed for all.

        A round that began before an interruption is finished: half of one is of no use.
        """
        late: set[str] = set()
        for batch in batches(self.plan):
            pending = tuple(self._pending(self._kept(batch)))
            ids = {trial.id for trial in batch}
            begun = any(record.trial.removesuffix(AGAIN) in ids for record in self._records)
            if pending and not begun and not self._pace.fits(batch[0].round, pending):
                late |= ids
                continue
            for planned in pending:
                self._run_one(planned)
        if late:
            self._end_without(late)
        return not late

    def _end_without(self, late: set[str]) -> None:
        """Take the rounds that the time does not allow out of the plan."""
        kept = tuple(trial for trial in self.plan.trials if trial.id not in late)
        rounds = max(trial.round for trial in kept)
        asked = self.plan.rounds_asked or self.plan.rounds
        asked_more = asked if asked > rounds else None
        self.plan = self.plan.replace(rounds=rounds, trials=kept, rounds_asked=asked_more)
        self._directory.write_model("plan.json", self.plan)
        self._tell(ended_by_time(self.plan))

    def _add_rounds(self, *, told: bool) -> None:
        """Add rounds where intervals are widest until each is narrow enough, or time is over.

        Args:
            told: it was said already that the time is over.
        """
        while not (state := precision(self.plan, self._records)).reached:
            more = next_round(self.plan, state, self._pace, self._tried)
            if more is None:
                self._tell("" if told else ended_by_time(self.plan))
                return
            self.plan = self.plan.replace(
                rounds=max(self.plan.rounds, more.group.rounds + 1),
                trials=(*self.plan.trials, *more.whole),
            )
            self._directory.write_model("plan.json", self.plan)
            self._listener.added(1, precision_words(more.group, more.togo_s))
            for planned in self._pending(self._kept(more.whole)):
                self._run_one(planned)


def _again(planned: PlannedTrial) -> PlannedTrial:
    return planned.replace(id=planned.id + AGAIN)
