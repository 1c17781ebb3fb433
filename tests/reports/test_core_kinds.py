"""Which kinds of core did the work: one line for the run, a row for each trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.reports.blocks import OnPage, Paragraph, Table
from bench.reports.sections.core_kinds import core_blocks, load_slow
from bench.reports.view import make_view
from tests.factories import Truth, run_data, run_view
from tests.reports import samples

if TYPE_CHECKING:
    from bench.model.trial_record import TrialRecord


def on_a_mac(trial: TrialRecord) -> TrialRecord:
    """Fast cores had 8 of 10 s of the first round, 9 of the others; the server 5 s, the load 4."""
    fast_s = 8.0 if trial.round == 1 else 9.0
    busy = {"Performance": fast_s, "Efficiency": 10 - fast_s}
    update = {"server_cpu_s": 5.0, "load_cpu_s": (4.0,), "server_fast_share": 1.0}
    return trial.model_copy(
        update={
            "counters": trial.counters.model_copy(update={"core_busy_s": busy}),
            "resources": trial.resources.model_copy(update=update),
        }
    )


def test_the_report_says_what_each_kind_of_core_did() -> None:
    """From the least to the most of all trials, and per trial with the load's share."""
    run = run_view(run_data({"axum": Truth()}, rounds=3, edit=on_a_mac))
    said, folded = core_blocks(make_view(run))

    assert isinstance(said, Paragraph)
    assert said.text == (
        "Of the busy CPU time in the windows each kind of core had: Performance 80% to 90%, "
        "Efficiency 10% to 20%. Of the servers' CPU time 100% was on the fastest kind."
    )
    assert isinstance(folded, OnPage)
    (table,) = folded.blocks
    assert isinstance(table, Table)
    first = run.trials[0].trial
    assert {row[0]: row[1:] for row in table.rows}[first] == ("80.0%", "20.0%", "100.0%", "25.0%")
    assert said.text in samples.text(run)


def test_one_kind_of_core_has_no_line() -> None:
    """Most machines: nothing is said, and no empty table stands there."""
    assert core_blocks(make_view(run_view(run_data({"axum": Truth()})))) == ()


@pytest.mark.parametrize(
    ("update", "share"),
    [
        ({}, 0.25),
        ({"server_fast_share": None}, None),
        ({"server_cpu_s": 4.0}, 0.0),
        ({"server_fast_share": 0.8}, 0.0),
    ],
)
def test_the_load_has_what_the_server_left(update: dict[str, float | None], share: float) -> None:
    """8 s of fast cores less the server's part are the most the load can have had of its 4 s."""
    trial = on_a_mac(run_data({"axum": Truth()}, rounds=1).trials[0])
    resources = trial.resources.model_copy(update=update)

    assert load_slow(trial.model_copy(update={"resources": resources})) == share
