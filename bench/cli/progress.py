"""How a run looks while it goes on: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
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
_CLEAR = "\r\x1b[2K"


class Progress:
    """Prints the course of a run on stderr; one line per finished trial stays.

    Args:
        plan: for the widths of names and the time to go.
    """

    def __init__(self, plan: Plan) -> None:
        self._live = sys.stderr.isatty() and not plain()
        cells = (*plan.cells, *(trial.cell for trial in plan.trials))
        self._width = max(len(cell.id) for cell in cells)
        self._left_s = plan.estimated_s
        self._per_trial_s = plan.estimated_s / max(1, len(plan.trials))
        self._began = time.monotonic()
        self._measured = 0
        self._spent_s = 0.0
        self._kept = False

    def kept(self) -> None:
        """The run is on disk from here on: after an interruption it can be gone on with."""
        self._kept = True

    def interrupted(self, again: str = "bench run --resume latest") -> None:
        """End the display and say what is kept.

        Args:
            again: the command that goes on with the run.
        """
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
        text = printable(f"skipped {skipped.server}: {skipped.reason}")
        self._line(click.style(text, fg="yellow"))

    def calibrating(self, server: str, workload: str) -> None:
        """A capacity is about to be measured."""
        self._status(f"measuring what {server} can do on {workload} ...")
        if not self._live:
            self._line(f"calibrating {server} {workload}")

    def began(self, planned: PlannedTrial, done: int, total: int) -> None:
        """A trial is about to run."""
        self._trial_began = time.monotonic()
        left = format_eta((total - done) * self._per_trial_s)
        self._status(f"[{done + 1}/{total}] {planned.id}  about {left} to go")

    def finished(self, record: TrialRecord, done: int, total: int) -> None:
        """A trial has ended and is on disk."""
        self._measured += 1
        self._spent_s += time.monotonic() - self._trial_began
        self._per_trial_s = self._spent_s / self._measured
        color = _COLORS.get(record.status, "white")
        status = click.style(f"{record.status:<7}", fg=color)
        name = f"{record.trial:<{self._width + 4}}"
        left = format_eta((total - done) * self._per_trial_s)
        tail = "" if done == total else click.style(f"  {left} to go", dim=True)
        self._line(f"{done:>{len(str(total))}}/{total} {name} {status} {_figures(record)}{tail}")
        if record.status not in ("valid", "suspect") and record.detail:
            told = [line for line in printable(record.detail).splitlines() if line.strip()]
            self._line("      " + click.style("\n".join(told), fg=color))

    def added(self, rounds: int, reason: str) -> None:
        """Rounds were added for the precision asked for."""
        self._line(f"adding {rounds} round{'s' if rounds > 1 else ''}: {reason}")

    def told(self, text: str) -> None:
        """What the user should know of how long it takes."""
        self._line(text)

    def close(self) -> None:
        """Leave a clean line behind."""
        self._clear()

    def _status(self, text: str) -> None:
        if self._live:
            columns = os.get_terminal_size(sys.stderr.fileno()).columns
            click.echo(_CLEAR + text[: columns - 1], err=True, nl=False)

    def _clear(self) -> None:
        if self._live:
            click.echo(_CLEAR, err=True, nl=False)

    def _line(self, text: str) -> None:
        self._clear()
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
