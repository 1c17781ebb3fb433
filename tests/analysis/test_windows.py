"""Drift, steps, warm-up and the curve of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.analysis import analyze
from bench.reports.wording.findings import in_words as told
from tests.factories import Truth, run_data, with_status

if TYPE_CHECKING:
    from bench.model.finding import Finding
    from bench.model.summary import Summary
    from bench.model.trial_record import TrialRecord


def _finding(summary: Summary, code: str) -> Finding:
    return next(each for each in summary.findings if each.code == code)


def test_a_rising_window_says_to_warm_up_longer() -> None:
    """The finding has the change, its interval and what to change."""
    summary, details = analyze(run_data({"a": Truth(drift=0.06)}))
    found = _finding(summary, "drift")

    assert told(found).text.startswith("still rising by 6")
    assert "inside the window" in told(found).text
    assert told(found).advice == (
        "raise warmup above 2s: 98 % of the window's rate came after 0.25 s, and it rose on"
    )
    assert summary.cells[0].findings == ("drift",)
    assert details[0].drift == pytest.approx(0.06, abs=0.01)


def test_a_warm_up_that_ends_below_the_plateau_is_told() -> None:
    """What to change, and why."""
    found = _finding(analyze(run_data({"a": Truth(drift=0.06, ramp_s=2.0)}))[0], "drift")

    assert told(found).advice == "raise warmup above 2s: it ends before 98 % of the window's rate"


def test_a_falling_window_is_no_matter_of_warm_up() -> None:
    """Throttling, a leak, a cache."""
    found = _finding(analyze(run_data({"a": Truth(drift=-0.06)}))[0], "drift")

    assert told(found).text.startswith("falling by 6 %")
    assert "throttling" in told(found).advice


def test_a_flat_window_is_no_finding() -> None:
    """The drift is still told to charts."""
    summary, details = analyze(run_data({"a": Truth()}))

    assert summary.findings == ()
    assert details[0].drift == pytest.approx(0, abs=0.01)


def test_two_rounds_have_no_drift() -> None:
    """It is a test over rounds."""
    assert analyze(run_data({"a": Truth(drift=0.5)}, rounds=2))[1][0].drift is None


@pytest.mark.parametrize(
    ("levels", "text", "advice"),
    [
        ([1.0] * 12 + [0.9] * 8, "step of -10 % at 3.0 s (slowdown)", ""),
        ([0.9] * 8 + [1.0] * 12, "step of +11 % at 2.0 s (warm-up)", "raise warmup"),
    ],
)
def test_a_step_is_told_with_its_place(levels: list[float], text: str, advice: str) -> None:
    """One trial of five: a label, never an exclusion."""

    def edit(trial: TrialRecord) -> TrialRecord:
        if trial.round != 4:
            return trial
        return trial.model_copy(update={"window_series": tuple(6e4 * x for x in levels)})

    summary, details = analyze(run_data({"a": Truth()}, edit=edit))
    found = _finding(summary, "step")

    assert (found.scope, told(found).text, told(found).advice) == (
        "r04-a.json-small.wrk-c50",
        text,
        advice,
    )
    assert [step.trial for step in details[0].steps] == ["r04-a.json-small.wrk-c50"]
    assert summary.cells[0].trials.valid == 5


def test_the_time_to_the_plateau_is_seen() -> None:
    """A slow start takes longer than a fast one."""
    _, (slow, fast) = analyze(run_data({"slow": Truth(ramp_s=0.3), "fast": Truth(ramp_s=0.01)}))

    assert fast.plateau_s == 0.0
    assert slow.plateau_s is not None
    assert slow.plateau_s > 0.5
    assert len(slow.warmup) == 8


def test_bytes_on_the_wire_become_requests() -> None:
    """The window's mean is the trial's rate, whatever a request weighs."""

    def in_bytes(trial: TrialRecord) -> TrialRecord:
        return trial.model_copy(
            update={
                "warmup_series": tuple(490 * rate for rate in trial.warmup_series),
                "window_series": tuple(490 * rate for rate in trial.window_series),
            }
        )

    plain, heavy = (
        analyze(run_data({"a": Truth(ramp_s=0.3)}, edit=edit))[1][0] for edit in (None, in_bytes)
    )

    assert heavy.warmup == pytest.approx(plain.warmup)
    assert heavy.warmup[-1] == pytest.approx(60_000, rel=0.1)
    assert heavy.plateau_s == plain.plateau_s


def test_a_silent_window_gives_no_series() -> None:
    """No bytes seen: no scale."""

    def silent(trial: TrialRecord) -> TrialRecord:
        return trial.model_copy(update={"window_series": (0.0, 0.0)})

    assert analyze(run_data({"a": Truth()}, edit=silent))[1][0].warmup == ()


def test_a_warm_up_that_ends_too_early_has_no_time() -> None:
    """Null, not the length of the warm-up."""
    assert analyze(run_data({"a": Truth(ramp_s=2.0)}))[1][0].plateau_s is None


def test_the_curve_rises_and_ends_where_ten_requests_are_left() -> None:
    """Percentiles and latencies ascend; the tail is not drawn from single requests."""
    data = run_data({"a": Truth()})
    curve = analyze(data)[1][0].curve
    percents, latencies = [x for x, _ in curve], [y for _, y in curve]
    requests = sum(trial.load.requests for trial in data.trials if trial.load)

    assert percents == sorted(set(percents))
    assert latencies == sorted(latencies)
    assert percents[-1] > 99.9
    assert requests * (1 - percents[-1] / 100) >= 9.99


def test_rounds_show_every_record_with_its_status() -> None:
    """Excluded trials are marked in the chart, not left out of it."""
    edit = with_status("invalid", "errors", where=lambda t: t.round == 2)
    _, (detail,) = analyze(run_data({"a": Truth()}, edit=edit))

    assert [(number, status) for number, _, status in detail.rounds] == [
        (1, "valid"),
        (2, "invalid"),
        (3, "valid"),
        (4, "valid"),
        (5, "valid"),
    ]
    assert all(rate for _, rate, _ in detail.rounds)


def test_spread_is_that_of_the_trials() -> None:
    """The sd of ln(rate), session drift included."""
    _, (detail,) = analyze(run_data({"a": Truth(noise=0.05)}, rounds=30, block_noise=0.0))

    assert detail.spread == pytest.approx(0.05, rel=0.4)


def test_a_cell_without_trials_has_nothing_to_show() -> None:
    """Empty, not an error."""
    _, (detail,) = analyze(run_data({"a": Truth()}, edit=lambda _: None))

    assert detail.curve == ()
    assert detail.rounds == ()
    assert detail.warmup == ()
    assert (detail.plateau_s, detail.spread, detail.body_bytes) == (None, None, None)
