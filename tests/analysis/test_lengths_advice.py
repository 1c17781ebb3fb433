"""What a run says about the length of its windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.analysis import analyze
from bench.cli.plan_command import _show_window
from tests.factories import Truth, open_profile, run_data

if TYPE_CHECKING:
    from bench.analysis import RunData

_SERVERS = {"a": Truth(noise=0.03), "b": Truth(rps=9_000, noise=0.03)}


def _data(rounds: int = 40) -> RunData:
    return run_data(_SERVERS, rounds=rounds, block_noise=0.0)


def test_spread_and_overhead_are_those_that_were_planted() -> None:
    """3 % from trial to trial, half a percent from quarter to quarter; 2.5 s beside 5 s."""
    found = analyze(_data())[0].window

    assert found is not None
    assert found.window_s == 5.0
    assert found.overhead_s == pytest.approx(2.5)
    assert found.between_sd == pytest.approx(0.03, rel=0.25)
    assert found.within_sd == pytest.approx(0.005 / 2, rel=0.35)
    assert found.best_s == 1.0
    assert found.wider == pytest.approx((7.5 / 3.5) ** 0.5, rel=0.02)


def test_without_closed_loops_or_rounds_nothing_is_said() -> None:
    """Two rounds tell no spread; an offered rate does not vary."""
    opened = run_data(_SERVERS, profiles=[open_profile()])

    assert analyze(_data(rounds=2))[0].window is None
    assert analyze(opened)[0].window is None


def test_the_plan_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the last run of the same title, else of any on this machine."""
    data = _data()
    summary = analyze(data)[0]
    _show_window(data.plan, [summary, summary.model_copy(update={"title": "another"})])
    said = capsys.readouterr().out

    assert said.startswith("  window     about 1 s would be best for the time: in ")
    assert "with 5 s intervals were 46% wider" in said
    _show_window(data.plan, [summary.model_copy(update={"window": None})])
    assert capsys.readouterr().out == ""
