"""How one step of a bisect looks while it goes on: only what went wrong, and why it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.progress import Progress

if TYPE_CHECKING:
    from bench.model.plan import Skipped
    from bench.model.trial_record import TrialRecord


class StepProgress(Progress):
    """Says of a step only trials that cannot be used: what it found is shown when it has ended."""

    def finished(self, record: TrialRecord, done: int, total: int) -> None:
        """A trial has ended and is on disk."""
        if not record.usable:
            super().finished(record, done, total)

    def skipped(self, skipped: Skipped) -> None:
        """A commit takes no part: it is shown as passed over."""

    def added(self, rounds: int, reason: str) -> None:
        """Rounds are added until the step decides: of no interest one by one."""

    def told(self, text: str) -> None:
        """How long the run of a step takes says little about the whole."""
