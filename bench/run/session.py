"""Plan to trials, one at a time: builds, calibration, order, re-runs, added rounds."""

from __future__ import annotations

import contextlib
import gc
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.analysis import precision
from bench.errors import BuildError, StoreError
from bench.model.finding import Finding, finding
from bench.model.plan import Skipped
from bench.plans.duets import duets_for
from bench.plans.planning import rounds_for
from bench.reports.wording.findings import text_of
from bench.run.calibration import calibrate, not_calibrated, offered, without_capacity
from bench.run.compact import slim
from bench.run.deadline import RunClock, announcement, ended_by_time, precision_words, too_short
from bench.run.fitness import beyond_loopback, not_restarted, one_port
from bench.run.measuring import Measuring
from bench.servers import build, missing
from bench.store.run_directory import NEEDED_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.model.plan import Arm, Cell, Plan, PlannedTrial, Workload
    from bench.model.trial_record import TrialRecord
    from bench.process import SupervisorClient
    from bench.run.events import Listener
    from bench.store.run_directory import RunDirectory

    _MakesMeasuring = Callable[
        [Plan, dict[str, Workload], RunDirectory, SupervisorClient], Measuring
    ]
    _MakesPace = Callable[[Plan, Sequence[TrialRecord]], RunClock]

_GIVE_UP_AFTER: Final = 2
_AGAIN: Final = ".2"


class SessionResult(NamedTuple):
    """How a run ended.

    Attributes:
        failed_cells: planned cells without a usable trial.
        build_failures: arms whose build failed.
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
    ) -> None:
        self.plan = plan
        self.findings: list[Finding] = [
            *not_restarted(plan),
            *beyond_loopback(plan),
            *one_port(plan),
        ]
        self._measuring = measuring(plan, workloads, directory, supervisor)
        self._directory = directory
        self._supervisor = supervisor
        self._listener = listener
        self._profiles = {profile.id: profile for profile in (*plan.profiles, *plan.alone)}
        self._alone = {profile.id for profile in plan.alone}
        self._builds = self._measuring.builds
        self._build_failures: list[str] = []
        self._left_out: frozenset[Cell] = frozenset()
        self._new_pace = pace
        self._pace = pace(plan, ())
        records, damaged = directory.trials()
        self._records = [self._slim(record) for record in records]
        self.damaged = damaged
        self._failures: Counter[Cell] = Counter(
            record.cell for record in records if record.status == "failed"
        )

    # -- builds -----------------------------------------------------------------------------

    def prepare(self) -> None:
        """Build every server; those that cannot be are taken out of the plan, with the reason."""
        skipped = list(self.plan.skipped)
        gone = set()
        for arm in self.plan.arms:
            reason = None if arm.url else missing(arm) or self._build(arm)
            if reason:
                gone.add(arm.name)
                skipped.append(Skipped(server=arm.name, reason=reason))
                self._listener.skipped(skipped[-1])
                self._note_skipped(arm.name, reason)
        self.plan = self.plan.model_copy(
            update={
                "skipped": tuple(skipped),
                "arms": tuple(
                    arm.model_copy(update={"hash": self._builds[arm.name].hash})
                    if arm.name in self._builds
                    else arm
                    for arm in self.plan.arms
                    if arm.name not in gone
                ),
                "cells": tuple(cell for cell in self.plan.cells if cell.server not in gone),
                "trials": tuple(t for t in self.plan.trials if t.cell.server not in gone),
            }
        )
        self._directory.write_model("plan.json", self.plan)

    def _build(self, arm: Arm) -> str | None:
        """Build one server; the reason why it takes no part, or None."""
        self._listener.building(arm)
        log = self._directory.path / "builds" / f"{arm.name}.log"
        try:
            record = build(arm, self._supervisor, log, cpus=str(self.plan.cpus.server_count))
        except BuildError as error:
            self._build_failures.append(arm.name)
            return str(error)
        self._builds[arm.name] = record
        self._directory.write_model(f"builds/{arm.name}.json", record)
        self._listener.built(arm, record)
        return None

    def _note_skipped(self, server: str, reason: str) -> None:
        failed = server in self._build_failures
        self.findings.append(
            finding(
                "build-failed" if failed else "server-skipped",
                server,
                server=server,
                reason=reason.splitlines()[0],
            )
        )

    # -- trials -----------------------------------------------------------------------------

    def run(self) -> SessionResult:
        """Run every planned trial that is not on disk yet, then rounds for the precision.

        Raises:
            KeyboardInterrupt: passed on; finished trials are on disk.
            StoreError: the disk is full.
        """
        self._pace = self._new_pace(self.plan, self._records)
        if self._comparable():
            with _tidy():
                self._calibrate()
                if self._planned_rounds():
                    self._add_rounds()
        usable = {record.cell for record in self._records if record.usable}
        if self.plan.design == "duet":  # the baseline is part of every trial
            usable |= {cell.model_copy(update={"server": self.plan.baseline}) for cell in usable}
        return SessionResult(
            plan=self.plan,
            trials=tuple(self._records),
            failed_cells=tuple(cell.id for cell in self.plan.cells if cell not in usable),
            build_failures=tuple(self._build_failures),
        )

    def _comparable(self) -> bool:
        """Whether the servers that were skipped left a duet with two sides to compare."""
        plan = self.plan
        if plan.design != "duet" or not plan.skipped:
            return True
        names = {arm.name for arm in plan.arms}
        return plan.baseline in names and not names <= {plan.baseline, *plan.copies}

    def _pending(self, trials: tuple[PlannedTrial, ...]) -> Iterator[PlannedTrial]:
        done = {record.trial: record.status for record in self._records}
        for planned in trials:
            again = _again(planned)
            if planned.id not in done:
                if self._failures[planned.cell] < _GIVE_UP_AFTER:
                    yield planned
            elif done[planned.id] == "invalid" and again.id not in done:
                yield again  # interrupted between a trial and its re-run

    def _run_one(self, planned: PlannedTrial) -> None:
        """Run a trial; an invalid one is repeated once as `<id>.2`, both are kept."""
        record = self._trial(planned)
        if record.status == "failed":
            self._failures[planned.cell] += 1
        if record.status == "invalid" and not planned.id.endswith(_AGAIN):
            self._trial(_again(planned))

    def _trial(self, planned: PlannedTrial) -> TrialRecord:
        gc.collect()
        self._check_disk()
        total = len(self._kept(self.plan.trials))
        done = len({record.trial.removesuffix(_AGAIN) for record in self._records})
        self._listener.began(planned, done, total)
        profile = offered(self.plan, self._profiles[planned.cell.profile], planned.cell.workload)
        alone = planned.cell.profile in self._alone
        order = len(self._records)
        record = self._directory.seal_trial(
            self._measuring.measure(planned, profile, order=order, alone=alone)
        )
        self._records.append(self._slim(record))
        self._pace.saw(record)
        self._listener.finished(record, min(done + 1, total), total)
        return record

    def _slim(self, record: TrialRecord) -> TrialRecord:
        return slim(record, metrics=self.plan.precision is not None)

    def _check_disk(self) -> None:
        free = self._directory.free_bytes()
        if free < NEEDED_BYTES:
            raise StoreError(
                f"only {free / 1e6:,.0f} MB are free where {self._directory.path} lies; "
                f"a trial may need {NEEDED_BYTES / 1e6:,.0f} MB",
                advice="free some space and go on with `bench run --resume`",
            )

    # -- rounds -----------------------------------------------------------------------------

    def _calibrate(self) -> None:
        """Measure what the plan does not know yet, and say how long it will take."""
        begun = {(record.workload, record.profile) for record in self._records}
        self.plan, overhead_s = calibrate(
            self.plan, self._measuring, self._directory, self._listener, begun
        )
        self._left_out = frozenset(without_capacity(self.plan))
        for item in not_calibrated(self.plan, self._directory):
            self.findings.append(item)
            self._tell(text_of(item))
        self._pace.calibrated(overhead_s)
        ahead = self.plan.model_copy(update={"trials": self._kept(self.plan.trials)})
        if overhead_s is not None:
            self._tell(announcement(ahead, self._pace))
        if not self._records:
            self._tell(too_short(ahead, self._pace))

    def _kept(self, trials: tuple[PlannedTrial, ...]) -> tuple[PlannedTrial, ...]:
        """Those that are run: without a capacity a cell has no rate."""
        return tuple(trial for trial in trials if trial.cell not in self._left_out)

    def _tell(self, text: str) -> None:
        if text:
            self._listener.told(text)

    def _planned_rounds(self) -> bool:
        """Run the rounds of the plan; whether the time sufficed for all.

        A round that began before an interruption is finished: half of one is of no use.
        """
        for number in range(1, self.plan.rounds + 1):
            whole = tuple(trial for trial in self.plan.trials if trial.round == number)
            pending = tuple(self._pending(self._kept(whole)))
            begun = any(record.round == number for record in self._records)
            if pending and not begun and not self._pace.fits(number, pending):
                self._end_with(number - 1)
                return False
            for planned in pending:
                self._run_one(planned)
        return True

    def _end_with(self, number: int) -> None:
        """Take the rounds that the time does not allow out of the plan."""
        kept = tuple(trial for trial in self.plan.trials if trial.round <= number)
        self.plan = self.plan.model_copy(update={"rounds": number, "trials": kept})
        self._directory.write_model("plan.json", self.plan)
        self._tell(ended_by_time(self.plan))

    def _round(self, number: int) -> tuple[PlannedTrial, ...]:
        whole = (duets_for if self.plan.design == "duet" else rounds_for)(self.plan, number)
        return tuple(planned for planned in whole if planned.cell in self.plan.cells)

    def _add_rounds(self) -> None:
        """Add rounds until each interval is as narrow as asked, max_rounds, or the deadline."""
        while not (state := precision(self.plan, self._records)).reached:
            number = self.plan.rounds + 1
            whole = self._round(number)
            more = self._kept(whole)
            each_s = self._pace.length_s(more)
            if not self._pace.fits(number, more):
                self._tell(ended_by_time(self.plan))
                return
            self.plan = self.plan.model_copy(
                update={"rounds": number, "trials": (*self.plan.trials, *whole)}
            )
            self._directory.write_model("plan.json", self.plan)
            self._listener.added(1, precision_words(self.plan, state, each_s))
            for planned in self._pending(more):
                self._run_one(planned)


@contextlib.contextmanager
def _tidy() -> Iterator[None]:
    """Keep what is loaded by now out of garbage collections, which then take 1 ms instead of 18.

    One before each trial keeps them out of its window, and memory from growing: 300 trials of
    50 ms added 1.1 MB with them and 1.7 MB without.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _again(planned: PlannedTrial) -> PlannedTrial:
    return planned.model_copy(update={"id": planned.id + _AGAIN})
