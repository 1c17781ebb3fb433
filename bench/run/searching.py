"""A run that searches: each trial is decided by those before it, cell beside cell."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bench.analysis.capacities import base_of, sought, state_of, step_load
from bench.model.finding import finding
from bench.model.plan import PlannedTrial
from bench.model.promise import parse_promise
from bench.reports.wording.capacity_words import asked_words, ended_words, step_words
from bench.run.session import AGAIN, Session, SessionResult
from bench.run.tidy import tidy
from bench.stats.histogram import Histogram

if TYPE_CHECKING:
    from bench.analysis.capacities import SearchState
    from bench.model.plan import Cell, LoadProfile
    from bench.model.trial_record import TrialRecord

_AROUND_S: Final = 1.5
"""Start, verification and stop of a trial, until some were seen."""


class SearchSession(Session):
    """One run of a plan with a promise.

    Everything that decides what is tried next is on disk: a run that is resumed asks for the
    same rates as one that was not interrupted.
    """

    def run(self) -> SessionResult:
        """Search the rate of every cell, one trial of each after the other.

        Raises:
            KeyboardInterrupt: passed on; finished trials are on disk.
            StoreError: the disk is full.
        """
        self._seen = list(self._directory.trials()[0])
        self._histograms: dict[str, Histogram | None] = {}
        cells = [cell for cell in sought(self.plan) if cell not in self._left_out]
        states = {cell: self._state(cell) for cell in cells}
        self._spent_s = {cell: sum(t.phases_s.total for t in self._own(cell)) for cell in cells}
        with tidy():
            while going := [cell for cell in cells if states[cell].following]:
                for cell in going:
                    states[cell] = self._advance(cell, states[cell])
        useless = ("unusable",)
        return SessionResult(
            plan=self.plan,
            trials=tuple(self._seen),
            failed_cells=(
                *(cell.id for cell in sought(self.plan) if cell in self._left_out),
                *(cell.id for cell, s in states.items() if s.result.end in useless),
            ),
            build_failures=(*self._build_failures, *self._asking.refused),
        )

    def _state(self, cell: Cell) -> SearchState:
        return state_of(self.plan, cell, self._seen, self._histogram)

    def _histogram(self, trial: str) -> Histogram | None:
        if trial not in self._histograms:
            data = self._directory.histogram(trial)
            self._histograms[trial] = None if data is None else Histogram.from_json(data)
        return self._histograms[trial]

    def _advance(self, cell: Cell, state: SearchState) -> SearchState:
        """One trial more, or the end where the time is over."""
        began, asked = time.monotonic(), state.following
        assert asked is not None  # noqa: S101 - the caller chose those that go on
        base, promise = base_of(self.plan, cell), parse_promise(state.result.promise)
        load = step_load(base, asked, promise)
        if not self._in_time(cell, load, asked.pause_s):
            self._listener.told(ended_words(state.result, out_of_time=True))
            self.findings.append(finding("search-cut", cell.id, limit_s=self.plan.max_time_s))
            return state._replace(following=None)
        planned = self._planned(cell, load, state.repeats)
        self._grow(planned, load)
        time.sleep(asked.pause_s)
        self._listener.searching(planned, asked_words(state.result, asked.rate, whole=asked.whole))
        self._seen.append(self._trial(planned))
        after = self._state(cell)
        self._spent_s[cell] += time.monotonic() - began  # pauses, and what is around a trial
        if len(after.result.steps) > len(state.result.steps):
            self._listener.told(step_words(after.result, after.result.steps[-1]))
        if after.following is None:
            self._listener.told(ended_words(after.result))
        return after

    def _planned(self, cell: Cell, load: LoadProfile, repeats: str) -> PlannedTrial:
        """The next trial of a rate; one that showed nothing is run again under its own id."""
        own = cell.replace(profile=load.id)
        known = [trial for trial in self._seen if trial.cell == own]
        if repeats:
            return PlannedTrial(id=repeats + AGAIN, round=known[-1].round, cell=own)
        number = 1 + max((trial.round for trial in known), default=0)
        return PlannedTrial(id=f"r{number:02d}-{own.id}", round=number, cell=own)

    def _grow(self, planned: PlannedTrial, load: LoadProfile) -> None:
        """Write down what is going to be tried, before it is."""
        plan = self.plan
        self._profiles[load.id] = load
        self.plan = plan.replace(
            profiles=(*plan.profiles, *(() if load in plan.profiles else (load,))),
            cells=(*plan.cells, *(() if planned.cell in plan.cells else (planned.cell,))),
            trials=(
                *(trial for trial in plan.trials if trial.id != planned.id),
                *(() if planned.id.endswith(AGAIN) else (planned,)),
            ),
        )
        self._directory.write_model("plan.json", self.plan)

    def _in_time(self, cell: Cell, load: LoadProfile, pause_s: float) -> bool:
        """Whether a trial would end within the time that is allowed for the cell."""
        limit = self.plan.max_time_s
        if limit is None:
            return True
        around = [
            t.phases_s.total - t.phases_s.warmup - t.phases_s.window
            for t in self._own(cell)
            if t.phases_s.window
        ]
        extra = pause_s + (sum(around) / len(around) if around else _AROUND_S)
        return self._spent_s[cell] + load.warmup_s + load.duration_s + extra <= limit

    def _own(self, cell: Cell) -> list[TrialRecord]:
        """The trials of a cell's search so far."""
        curves = {name: profile.curve for name, profile in self._profiles.items()}
        return [
            trial
            for trial in self._seen
            if (trial.server, trial.workload) == (cell.server, cell.workload)
            if curves.get(trial.profile) == cell.profile
        ]
