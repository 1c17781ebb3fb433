"""What a run tells its listeners; the session never prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bench.model.plan import Arm, PlannedTrial, Skipped
    from bench.model.summary import BuildRecord
    from bench.model.trial_record import TrialRecord


class Listener(Protocol):
    """What wants to know how a run goes on (the progress display)."""

    def kept(self) -> None:
        """The run is on disk from here on: after an interruption it can be resumed."""

    def building(self, arm: Arm) -> None:
        """A server is about to be built."""

    def built(self, arm: Arm, record: BuildRecord) -> None:
        """A server is built, or was already."""

    def skipped(self, skipped: Skipped) -> None:
        """A server takes no part."""

    def calibrating(self, server: str, workload: str) -> None:
        """A capacity is about to be measured."""

    def expects(self, left_s: float) -> None:
        """How long the whole run will probably still take; called before each trial."""

    def began(self, planned: PlannedTrial, done: int, total: int) -> None:
        """A trial is about to run."""

    def searching(self, planned: PlannedTrial, text: str) -> None:
        """A step of a search is about to run: between which rates, and which is tried."""

    def finished(self, record: TrialRecord, done: int, total: int) -> None:
        """A trial has ended and is on disk."""

    def added(self, rounds: int, reason: str) -> None:
        """Rounds were added for the precision asked for."""

    def told(self, text: str) -> None:
        """Something the user should know: how long it will take, or why it ends now."""
