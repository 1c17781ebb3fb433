"""What a trial of a search says of the promise, and whose fault it is where it does not hold."""

from __future__ import annotations

from typing import Any

import pytest

from bench.analysis.capacities import answered_share, measured_us, state_of, step_load, step_of
from bench.model.finding import finding
from bench.model.load_result import ErrorCounts
from bench.model.plan import Sought
from bench.model.promise import parse_promise
from bench.model.trial_record import Counters
from bench.stats.histogram import Histogram
from bench.stats.rate_search import Trying
from tests.factories import Truth, open_profile, run_data

PROMISE = parse_promise("p99<10ms")
DATA = run_data({"a": Truth(rps=1000)}, profiles=[open_profile(rate_rps=1000.0)])
TRIAL, LOAD = DATA.trials[0], DATA.plan.profiles[0]
FAST, SLOW = Histogram.of({1000: 1000}), Histogram.of({1000: 900, 20_000: 100})


def step(counts: Histogram, **update: Any) -> Any:
    return step_of(PROMISE, TRIAL.model_copy(update=update), LOAD, counts)


def loaded(**update: Any) -> Any:
    assert TRIAL.load is not None
    window = {"duration_s": LOAD.duration_s, "requests": 1000}
    return TRIAL.load.model_copy(update={**window, "errors": ErrorCounts(), **update})


@pytest.mark.parametrize(
    ("counts", "update", "cause"),
    [
        (FAST, {"load": loaded()}, "kept"),
        (SLOW, {"load": loaded()}, "broken"),
        (SLOW, {"load": loaded(), "bound": "client"}, "client"),
        (SLOW, {"load": loaded(), "findings": (finding("late-pacer", "x"),)}, "pacer"),
        (FAST, {"load": loaded(), "findings": (finding("late-pacer", "x"),)}, "kept"),
        (FAST, {"load": loaded(duration_s=2 * LOAD.duration_s)}, "behind"),
        (FAST, {"load": loaded(), "status": "invalid", "reasons": ("errors",)}, "errors"),
        (FAST, {"load": None, "status": "invalid", "reasons": ("server-died",)}, "died"),
    ],
)
def test_what_decides(counts: Histogram, update: dict[str, Any], cause: str) -> None:
    """Kept is kept, whoever was late; else the load is named before the server is blamed."""
    found = step(counts, **update)

    assert (found.cause, found.holds) == (cause, cause == "kept")


@pytest.mark.parametrize("status", ["invalid", "failed"])
def test_what_says_nothing_is_no_step(status: str) -> None:
    """A tool that failed, or a server that never got ready, tells nothing of the promise."""
    assert step(FAST, status=status, reasons=("tool-failed",), load=None) is None


def test_failures_rank_above_all() -> None:
    """One timeout in 50 puts p99 among those without a time; the mean counts them in full."""
    late = loaded(errors=ErrorCounts(timeout=21))
    mean = measured_us(parse_promise("mean<1s"), late, FAST, LOAD)

    assert measured_us(PROMISE, late, FAST, LOAD) is None
    assert measured_us(PROMISE, loaded(errors=ErrorCounts(timeout=2)), FAST, LOAD) == 1000
    assert mean == pytest.approx((1000 * 1000 + 21 * LOAD.timeout_s * 1e6) / 1021)


def test_the_time_that_the_promise_allows_is_no_falling_behind() -> None:
    """The last responses may come after the window; what is left at the end was not answered."""
    inside = loaded(duration_s=LOAD.duration_s + 0.009)
    left = loaded(errors=ErrorCounts(deadline=500))

    assert answered_share(inside, LOAD, PROMISE) == 1.0
    assert answered_share(left, LOAD, PROMISE) == pytest.approx(1000 / 1500)


def test_low_rates_get_longer_windows() -> None:
    """A short trial is a third of a whole one, up to three times as long for enough requests."""
    base = LOAD.model_copy(update={"duration_s": 6.0})
    seconds = [
        step_load(base, Trying(rate, whole=whole), PROMISE).duration_s
        for rate, whole in ((5000.0, False), (250.0, False), (10.0, False), (10.0, True))
    ]

    assert seconds == [2.0, 4.0, 6.0, 18.0]
    assert step_load(base, Trying(1234.5, whole=True), PROMISE).id.endswith("-r1234_5-whole")


@pytest.mark.parametrize(
    ("patience", "reasons", "share", "stolen", "cause", "rate"),
    [
        (8, ("steal",), 1.0, 0.03, "disturbed", 500.0),
        (8, (), 1.0, 0.0, "broken", 500.0),
        (8, ("steal",), 0.5, 0.03, "behind", 500.0),
        (8, ("others-on-cpu",), 0.5, 0.2, "disturbed", 500.0),
        (0, ("steal",), 1.0, 0.03, "broken", 500.0),
    ],
)
def test_what_fails_beside_other_work_is_no_evidence(  # noqa: PLR0917 - columns of a table
    patience: int,
    reasons: tuple[str, ...],
    share: float,
    stolen: float,
    cause: str,
    rate: float,
) -> None:
    """It is asked again; not in runs older than that, nor where the server did half of the rate."""
    base = open_profile("open", rate_rps=None)
    load = step_load(base, Trying(rate, whole=False), PROMISE)
    cell = DATA.plan.cells[0].model_copy(update={"profile": "open"})
    search = Sought(promise="p99<10ms", tolerance=0.05, patience=patience)
    changes = {"profiles": (base, load), "cells": (cell,), "search": search}
    trial = TRIAL.model_copy(
        update={
            "profile": load.id,
            "status": "suspect" if reasons else "valid",
            "reasons": reasons,
            "counters": Counters(steal_share=stolen, others_share=0.0),
            "load": loaded(duration_s=load.duration_s / share),
        }
    )
    stands = state_of(DATA.plan.model_copy(update=changes), cell, [trial], lambda _: SLOW)

    assert stands.result.steps[0].cause == cause
