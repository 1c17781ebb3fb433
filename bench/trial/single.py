"""A trial of one server alone: launch, verify, warm up, measure, verify again, stop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bench.errors import MachineLostError, StartError, VerifyError
from bench.trial.life import TrialRun
from bench.trial.load import LoadFailure, run_together
from bench.trial.outcome import outcome_of
from bench.trial.warmup import warm_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.trial.life import TrialSetting
    from bench.trial.outcome import Outcome
    from bench.trial.seam import TrialLoader, TrialSampler


def run_trial(
    setting: TrialSetting, make_life: Callable[[TrialSetting], TrialRun] = TrialRun
) -> Outcome:
    """Run one trial from launch to stop.

    Whatever the server or the tool does wrong becomes a status with reasons.

    Raises:
        KeyboardInterrupt: passed on after server and tool were stopped.
        StoreError: the disk is full.
    """
    life = make_life(setting)
    began = time.monotonic()
    try:
        with life.server:
            life.launched()
            life.verify()
            with life.sampling() as sampler:
                loader = life.load_up()
                _warm_up(life, loader, sampler)
                _measure(life, loader, sampler)
            life.verify_again()
    except (StartError, VerifyError) as error:
        life.fail(error.code, error)
    except LoadFailure as error:
        life.fail(error.code, error)
    except MachineLostError as error:
        life.fail("server-machine-lost", error)
    life.phases["stop"] = life.server.stop_s
    life.phases["total"] = time.monotonic() - began
    return outcome_of(life)


def _warm_up(life: TrialRun, loader: TrialLoader[Any], sampler: TrialSampler) -> None:
    """Until it is warm."""
    try:
        warm_up([life], [sampler], [loader], life.warming_up)
    except LoadFailure as error:
        life.load_failed(error)
        raise


def _measure(life: TrialRun, loader: TrialLoader[Any], sampler: TrialSampler) -> None:
    """The window."""
    life.begin_window()
    marks = []

    def begins() -> None:
        life.window_begins()
        marks.append(sampler.mark())

    def ended() -> None:
        marks.append(sampler.mark())
        life.right_after()

    try:
        (load,) = run_together(
            [loader],
            "load",
            life.setting.profile.duration_s,
            started=[sampler.set_load_pids],
            tick=life.meanwhile,
            begins=begins,
            ended=ended,
        )
    except LoadFailure as error:
        life.load_failed(error)
        raise
    life.measured_window(load, sampler.window(*marks))
