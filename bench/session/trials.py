"""Plan to trials, one at a time: builds, calibration, order, re-runs, added rounds."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from bench.analysis import precision
from bench.errors import BuildError, StoreError
from bench.matrix import rounds_for
from bench.model.finding import Finding, finding
from bench.model.plan import Cell, PlannedTrial, Skipped
from bench.servers import build, missing
from bench.session.duets import duets_for, joint_capacity
from bench.session.fitness import not_restarted
from bench.session.slim import slim
from bench.store import NEEDED_BYTES
from bench.trial import Setting, run_duet, run_trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.analysis import Precision
    from bench.model.plan import Arm, LoadProfile, Plan, Workload
    from bench.model.summary import BuildRecord
    from bench.model.trial import TrialRecord
    from bench.process import Supervisor
    from bench.session.listener import Listener
    from bench.store import RunDirectory

_GIVE_UP_AFTER: Final = 2
_AGAIN: Final = ".2"
_CALIBRATION_S: Final = 3.0
_CALIBRATION_WARMUP_S: Final = 1.0


class Ended(NamedTuple):
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
    """

    def __init__(
        self,
        *,
        plan: Plan,
        workloads: dict[str, Workload],
        directory: RunDirectory,
        supervisor: Supervisor,
        listener: Listener,
    ) -> None:
        self.plan = plan
        self.findings: list[Finding] = not_restarted(plan)
        self._workloads = workloads
        self._directory = directory
        self._supervisor = supervisor
        self._listener = listener
        self._arms = {arm.name: arm for arm in plan.arms}
        self._profiles = {profile.id: profile for profile in plan.profiles}
        self._builds: dict[str, BuildRecord] = {}
        self._build_failures: list[str] = []
        records, damaged = directory.trials()
        self._records = [slim(record) for record in records]
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
                f"{server} was skipped: {reason.splitlines()[0]}",
                advice=f"builds/{server}.log has the whole output" if failed else "",
            )
        )

    # -- trials -----------------------------------------------------------------------------

    def run(self) -> Ended:
        """Run every planned trial that is not on disk yet, then rounds for the precision.

        Raises:
            KeyboardInterrupt: passed on; finished trials are on disk.
            StoreError: the disk is full.
        """
        self._calibrate()
        for planned in self._pending(self.plan.trials):
            self._run_one(planned)
        self._add_rounds()
        usable = {record.cell for record in self._records if record.usable}
        if self.plan.design == "duet":  # the baseline is part of every trial
            usable |= {cell.model_copy(update={"server": self.plan.baseline}) for cell in usable}
        return Ended(
            plan=self.plan,
            trials=tuple(self._records),
            failed_cells=tuple(cell.id for cell in self.plan.cells if cell not in usable),
            build_failures=tuple(self._build_failures),
        )

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
        self._check_disk()
        total = len(self.plan.trials)
        done = len({record.trial.removesuffix(_AGAIN) for record in self._records})
        self._listener.began(planned, done, total)
        folder = self._directory.trial_folder(planned.id)
        profile = self._offered(self._profiles[planned.cell.profile], planned.cell.workload)
        record = self._directory.seal_trial(
            self._measure(planned, profile, folder, order=len(self._records))
        )
        self._records.append(slim(record))
        self._listener.finished(record, min(done + 1, total), total)
        return record

    def _measure(
        self, planned: PlannedTrial, profile: LoadProfile, folder: Path, *, order: int
    ) -> TrialRecord:
        """Run one trial, or one duet, and keep its histograms."""
        setting = self._setting(planned, profile, folder, order=order)
        histograms: dict[str, tuple[tuple[int, int], ...] | None]
        if self.plan.design == "duet":
            duet = run_duet(setting, self._baseline_of(setting))
            record = duet.record
            histograms = {"": duet.histogram, "partner/": duet.partner_histogram}
        else:
            outcome = run_trial(setting)
            record, histograms = outcome.record, {"": outcome.histogram}
        for place, counts in histograms.items():
            if counts is not None:
                name = f"trials/{planned.id}/{place}histogram.json"
                self._directory.write_bytes(name, orjson.dumps(counts))
        return record

    def _baseline_of(self, setting: Setting) -> Setting:
        """The same trial with the baseline in the candidate's place."""
        arm = self._arms[self.plan.baseline]
        folder = setting.folder / "partner"
        folder.mkdir(mode=0o700)
        build = self._builds.get(arm.name)
        return setting._replace(
            arm=arm,
            folder=folder,
            rng=random.Random(f"{self.plan.seed}/{setting.planned.id}/partner"),  # noqa: S311 - repeatable, not secret
            build_hash=build.hash if build else None,
        )

    def _setting(
        self, planned: PlannedTrial, profile: LoadProfile, folder: Path, *, order: int
    ) -> Setting:
        arm = self._arms[planned.cell.server]
        return Setting(
            planned=planned,
            arm=arm,
            workload=self._workloads[planned.cell.workload],
            profile=profile,
            cpus=self.plan.cpus,
            supervisor=self._supervisor,
            folder=folder,
            order=order,
            started=datetime.now(UTC).isoformat(timespec="milliseconds"),
            rng=random.Random(f"{self.plan.seed}/{planned.id}"),  # noqa: S311 - repeatable, not secret
            build_hash=self._builds[arm.name].hash if arm.name in self._builds else None,
        )

    def _check_disk(self) -> None:
        free = self._directory.free_bytes()
        if free < NEEDED_BYTES:
            raise StoreError(
                f"only {free / 1e6:,.0f} MB are free where {self._directory.path} lies; "
                f"a trial may need {NEEDED_BYTES / 1e6:,.0f} MB",
                advice="free some space and go on with `bench run --resume`",
            )

    # -- offered rate and precision ---------------------------------------------------------

    def _offered(self, profile: LoadProfile, workload: str) -> LoadProfile:
        """The profile with a share of the slowest server's capacity turned into a rate."""
        if profile.rate_share is None:
            return profile
        least = min(
            (
                rate
                for key, rate in self.plan.calibrated.items()
                if key.endswith(f"/{workload}/{profile.id}")
            ),
            default=None,
        )
        if least is None:
            raise StoreError(f"no capacity of {workload} could be measured for {profile.id}")
        return profile.model_copy(update={"rate_rps": round(profile.rate_share * least, 3)})

    def _calibrate(self) -> None:
        """Measure what each server can do where a profile offers a share of it; once per run."""
        wanted = [
            cell
            for cell in self.plan.cells
            if self._profiles[cell.profile].rate_share is not None
            and _key(cell) not in self.plan.calibrated
            and not (self.plan.design == "duet" and cell.server == self.plan.baseline)
        ]
        if not wanted:
            return
        calibrated = dict(self.plan.calibrated)
        for cell in wanted:
            self._listener.calibrating(cell.server, cell.workload)
            capacity = self._capacity(cell)
            if capacity:
                calibrated[_key(cell)] = capacity
        self.plan = self.plan.model_copy(update={"calibrated": calibrated})
        self._directory.write_model("plan.json", self.plan)

    def _capacity(self, cell: Cell) -> float | None:
        """Closed-loop rate of one cell in a short trial that enters no estimate."""
        planned = PlannedTrial(id=f"r00-{cell.id}", round=0, cell=cell)
        profile = self._profiles[cell.profile].model_copy(
            update={
                "loop": "closed",
                "rate_share": None,
                "rate_rps": None,
                "warmup_s": _CALIBRATION_WARMUP_S,
                "duration_s": _CALIBRATION_S,
            }
        )
        folder = self._directory.trial_folder(planned.id)
        record = self._measure(planned, profile, folder, order=-1)
        self._directory.write_model(f"trials/{planned.id}/trial.json", record)
        if self.plan.design == "duet":
            return joint_capacity(record, load_cpus=self.plan.cpus.load_count)
        return record.load.throughput_rps if record.usable and record.load else None

    def _round(self, number: int) -> tuple[PlannedTrial, ...]:
        return (duets_for if self.plan.design == "duet" else rounds_for)(self.plan, number)

    def _add_rounds(self) -> None:
        """Add rounds until every interval is as narrow as `precision` asks, or max_rounds."""
        while not (state := precision(self.plan, self._records)).reached:
            number = self.plan.rounds + 1
            more = tuple(
                planned for planned in self._round(number) if planned.cell in self.plan.cells
            )
            self.plan = self.plan.model_copy(
                update={"rounds": number, "trials": (*self.plan.trials, *more)}
            )
            self._directory.write_model("plan.json", self.plan)
            self._listener.added(1, _precision_words(self.plan, state))
            for planned in self._pending(more):
                self._run_one(planned)


def _again(planned: PlannedTrial) -> PlannedTrial:
    return planned.model_copy(update={"id": planned.id + _AGAIN})


def _key(cell: Cell) -> str:
    return f"{cell.server}/{cell.workload}/{cell.profile}"


def _precision_words(plan: Plan, state: Precision) -> str:
    asked = f"{plan.precision or 0:.1%}"
    if state.widest is None:
        return f"no interval yet, {asked} asked for"
    return f"{state.cell} is known to +-{state.widest:.1%}, {asked} asked for"
