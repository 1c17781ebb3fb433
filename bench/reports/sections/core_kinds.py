"""Which kinds of core did the work of each trial, on a machine that has several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.blocks import OnPage, Paragraph, Table
from bench.reports.rows import ABSENT
from bench.reports.wording.machine_words import core_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.trial_record import TrialRecord
    from bench.reports.blocks import Block
    from bench.reports.view import View

_TITLE: Final = "Kinds of core, trial by trial"


def core_blocks(view: View) -> tuple[Block, ...]:
    """One line on the whole run, and on the page a row per trial; nothing with one kind only."""
    trials = [trial for trial in view.run.trials if trial.usable and trial.counters.core_busy_s]
    kinds = list(dict.fromkeys(kind for trial in trials for kind in trial.counters.core_busy_s))
    if not trials:
        return ()
    busy = {kind: [_share(trial, kind) for trial in trials] for kind in kinds}
    server = [fast for trial in trials if (fast := trial.resources.server_fast_share) is not None]
    return (
        Paragraph(core_words(busy, server)),
        OnPage(_TITLE, (_table(trials, kinds),)),
    )


def _share(trial: TrialRecord, kind: str) -> float:
    """Of the time that CPUs were busy in the window, by any process."""
    whole = sum(trial.counters.core_busy_s.values())
    return trial.counters.core_busy_s.get(kind, 0.0) / whole if whole else 0.0


def _table(trials: Sequence[TrialRecord], kinds: Sequence[str]) -> Table:
    head = ("Trial", *(f"Busy: {kind}" for kind in kinds), "Server on fast", "Load on slow, least")
    rows = tuple(
        (
            trial.trial,
            *(f"{_share(trial, kind):.1%}" for kind in kinds),
            _percent(trial.resources.server_fast_share),
            _percent(load_slow(trial)),
        )
        for trial in trials
    )
    return Table(head, rows, frozenset({0}))


def load_slow(trial: TrialRecord) -> float | None:
    """The least share of the load tool's CPU time that ran on slow cores.

    The system tells it per process for the server only. What the fast cores did beyond the
    server's part is the most that they can have done for the load; others use them too.
    """
    fast, server_s = trial.resources.server_fast_share, trial.resources.server_cpu_s
    load_s = sum(trial.resources.load_cpu_s)
    if fast is None or server_s is None or not load_s or trial.partner is not None:
        return None
    fast_s = next(iter(trial.counters.core_busy_s.values()))
    return max(0.0, 1 - max(0.0, fast_s - fast * server_s) / load_s)


def _percent(share: float | None) -> str:
    return ABSENT if share is None else f"{share:.1%}"
