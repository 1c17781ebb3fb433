"""Carries out single trials and duets of a plan; decides neither which nor how many."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import orjson

from bench.plans.cost import is_cost
from bench.plans.own_answers import workload_for
from bench.plans.sweeps import cpus_of
from bench.trial import TrialRun, TrialSetting, run_duet, run_trial
from bench.trial.learned_work import LearnedWork
from bench.trial.remote.remote_life import RemoteLife
from bench.workload.requests import closing

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.load_result import LatencyCounts
    from bench.model.plan import Arm, LoadProfile, Plan, PlannedTrial, Workload
    from bench.model.summary import BuildRecord
    from bench.model.trial_record import TrialRecord
    from bench.process import SupervisorClient
    from bench.store.run_directory import RunDirectory
    from bench.trial.remote.lab import Lab


class Measuring:
    """What every trial of a run has in common.

    Attributes:
        builds: arm name -> how it was built; filled as builds are made.

    Args:
        lab: the machines of server and load; None = this one.
        learned: see `TrialSetting`; of runs before.
    """

    def __init__(
        self,
        plan: Plan,
        workloads: dict[str, Workload],
        directory: RunDirectory,
        supervisor: SupervisorClient,
        *,
        lab: Lab | None = None,
        learned: LearnedWork | None = None,
    ) -> None:
        self._make_life = partial(RemoteLife, lab=lab) if lab else TrialRun
        self.builds: dict[str, BuildRecord] = {}
        self._plan = plan
        again = (plan.cost.again,) if plan.cost else ()
        self._arms = {arm.name: arm for arm in (*plan.arms, *again)}
        self._workloads = workloads
        self._directory = directory
        self._supervisor = supervisor
        self._learned = LearnedWork() if learned is None else learned

    def measure(
        self, planned: PlannedTrial, profile: LoadProfile, *, order: int, alone: bool = False
    ) -> TrialRecord:
        """Run one trial, or one duet where the plan says so, and keep its histograms.

        Args:
            planned: which cell in which round; names the folder.
            profile: with its offered rate filled in.
            order: position in the run, from 0.
            alone: without the baseline beside it, in a plan of duets too.

        Raises:
            KeyboardInterrupt: passed on after servers and tools were stopped.
            StoreError: the disk is full.
        """
        folder = self._directory.trial_folder(planned.id)
        setting = self._setting(planned, profile, folder, order=order)
        histograms: dict[str, LatencyCounts | None]
        if (self._plan.design == "duet" and not alone) or is_cost(self._plan, planned):
            duet = run_duet(setting, self._baseline_of(setting, profile), self._make_life)
            record = duet.record
            histograms = {"": duet.histogram, "partner/": duet.partner_histogram}
        else:
            outcome = run_trial(setting, self._make_life)
            record, histograms = outcome.record, {"": outcome.histogram}
        for place, counts in histograms.items():
            if counts is not None:
                name = f"trials/{planned.id}/{place}histogram.json"
                self._directory.write_bytes(name, orjson.dumps(counts.pairs()))
        return record

    def _baseline_of(self, setting: TrialSetting, profile: LoadProfile) -> TrialSetting:
        """The same trial with the baseline in the candidate's place."""
        arm = self._arms[self._plan.baseline]
        folder = setting.folder / "partner"
        folder.mkdir(mode=0o700)
        return setting._replace(
            arm=arm,
            workload=self._workload(setting.planned, setting.profile, arm),
            profile=arm.under(profile),
            folder=folder,
            rng=random.Random(f"{self._plan.seed}/{setting.planned.id}/partner"),  # noqa: S311 - repeatable, not secret
            build_hash=self._hash(arm),
            schedule=self._schedule(setting.planned, "partner"),
        )

    def _workload(self, planned: PlannedTrial, profile: LoadProfile, arm: Arm) -> Workload:
        """The requests of a trial, with the answer that this arm must give."""
        own = workload_for(self._workloads, planned.cell.workload, arm.name)
        return own if profile.keepalive else closing(own)

    def _setting(
        self, planned: PlannedTrial, profile: LoadProfile, folder: Path, *, order: int
    ) -> TrialSetting:
        arm = self._arms[planned.cell.server]
        return TrialSetting(
            planned=planned,
            arm=arm,
            workload=self._workload(planned, profile, arm),
            profile=arm.under(profile),
            cpus=cpus_of(self._plan.cpus, profile),
            supervisor=self._supervisor,
            folder=folder,
            order=order,
            started=datetime.now(UTC).isoformat(timespec="milliseconds"),
            rng=random.Random(f"{self._plan.seed}/{planned.id}"),  # noqa: S311 - repeatable, not secret
            build_hash=self._hash(arm),
            schedule=self._schedule(planned),
            learned=self._learned,
        )

    def _schedule(self, planned: PlannedTrial, side: str = "") -> int:
        """The seed of random arrivals, which no server's name takes part in.

        All servers of a round get the same ones, so that chance favors none. The baseline beside
        another server in a duet gets its own: both at the same moments would be bursts of two.
        """
        cell = planned.cell
        name = f"{self._plan.seed}/{planned.round}/{cell.workload}/{cell.profile}/{side}"
        return random.Random(name).getrandbits(31)  # noqa: S311 - repeatable, not secret

    def _hash(self, arm: Arm) -> str | None:
        build = self.builds.get(arm.name) or self.builds.get(arm.copy_of or "")
        return build.hash if build else None
