"""How a run looks while it goes on: lines in a log, a table on a terminal (bench/cli/live.py)."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from bench.cli.common import plain, printable
from bench.units import format_eta, format_latency, format_rate

if TYPE_CHECKING:
    from bench.model.plan import Arm, Plan, PlannedTrial, Skipped
    from bench.model.summary import BuildRecord
    from bench.model.trial_record import TrialRecord

_COLORS = {"valid": "green", "suspect": "yellow", "invalid": "red", "failed": "red"}


def watch(plan: Plan) -> Progress:
    """What shows a run: a live table on a terminal that can, plain lines everywhere else."""
    if sys.stderr.isatty() and not plain():
        from bench.cli.live import LiveProgress

        return LiveProgress(plan)
    return Progress(plan)


class Progress:
    """Prints the course of a run on stderr; one line per finished trial stays."""

    def __init__(self, plan: Plan) -> None:
        cells = (*plan.cells, *(trial.cell for trial in plan.trials))
        self._width = max(len(cell.id) for cell in cells)
        self._left_s = plan.estimated_s
        self._trial_began = time.monotonic()
        self._kept = False
        self._search = plan.search is not None

    def kept(self) -> None:
        """The run is on disk from here on: after an interruption it can be resumed."""
        self._kept = True

    def interrupted(self, again: str = "bench run --resume latest") -> None:
        """End the display and say what is kept."""
        self.close()
        said = "interrupted before anything was measured: nothing was kept"
        if self._kept:
            said = f"finished trials are kept: `{again}` goes on"
        click.echo(said, err=True)

    def building(self, arm: Arm) -> None:
        """A server is about to be built."""
        if arm.config.build:
            self._line(f"building {arm.name} (what is unchanged is kept) ...")

    def built(self, arm: Arm, record: BuildRecord) -> None:
        """A server is built, or was already."""
        if record.cached or not arm.config.build:
            return
        self._line(f"built {arm.name} in {format_eta(record.seconds)}")

    def skipped(self, skipped: Skipped) -> None:
        """A server takes no part."""
        some = f" in {', '.join(skipped.profiles)}" if skipped.profiles else ""
        text = printable(f"skipped {skipped.server}{some}: {skipped.reason}")
        self._line(click.style(text, fg="yellow"))

    def calibrating(self, server: str, workload: str) -> None:
        """A capacity is about to be measured."""
        self._line(f"calibrating {server} {workload}")

    def expects(self, left_s: float) -> None:
        """How long the whole run will probably still take, rounds to be added included."""
        self._left_s = left_s

    def began(self, planned: PlannedTrial, done: int, total: int) -> None:  # noqa: ARG002 - of the protocol
        """A trial is about to run."""
        self._trial_began = time.monotonic()

    def finished(self, record: TrialRecord, done: int, total: int) -> None:
        """A trial has ended and is on disk."""
        self._left_s = max(0.0, self._left_s - (time.monotonic() - self._trial_began))
        if self._search and record.status in ("valid", "suspect"):
            return  # what the step says is told
        self._show(record, done, total)

    def _show(self, record: TrialRecord, done: int, total: int) -> None:
        """Say of a finished trial what it reached, and of one that failed why."""
        color = _COLORS.get(record.status, "white")
        status = click.style(f"{record.status:<7}", fg=color)
        name = f"{record.trial:<{self._width + 4}}"
        tail = "" if done == total else click.style(f"  {self._left()}", dim=True)
        self._line(f"{done:>{len(str(total))}}/{total} {name} {status} {_figures(record)}{tail}")
        if record.status not in ("valid", "suspect") and record.detail:
            told = [line for line in printable(record.detail).splitlines() if line.strip()]
            self._line("      " + click.style("\n".join(told), fg=color))

    def searching(self, planned: PlannedTrial, text: str) -> None:
        """A step of a search is about to run."""

    def _left(self) -> str:
        return f"{format_eta(self._left_s)} to go"

    def added(self, rounds: int, reason: str) -> None:
        """Rounds were added for the precision asked for."""
        self._line(f"adding {rounds} round{'s' if rounds > 1 else ''}: {reason}")

    def told(self, text: str) -> None:
        """What the user should know of how long it takes."""
        self._line(text)

    def close(self) -> None:
        """Leave a clean line behind."""

    def _line(self, text: str) -> None:
        """A line that stays."""
        click.echo(text, err=True)


def _figures(record: TrialRecord) -> str:
    if record.load is None:
        return ""
    parts = [f"{format_rate(record.load.throughput_rps):>8} req/s"]
    latency = record.load.latency_us
    if latency and latency.percentiles.get("99") is not None:
        parts.append(f"p99 {format_latency(latency.percentiles['99'] or 0.0):>9}")
    used, ok = record.resources.server_cpu_s, record.load.ok
    if used and ok:
        parts.append(f"{used / ok * 1e6:>7,.1f} us CPU/req")
    if record.reasons:
        parts.append(", ".join(record.reasons))
    return "  ".join(parts)


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
