"""Duets: both servers over one window, compared by what a request costs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.analysis import analyze
from bench.analysis.joint_capacity import cost_ratio, joint_capacity
from bench.cli.matrix_options import show
from bench.errors import StoreError
from bench.model.trial_record import Partner
from bench.plans.duets import as_duet, copy_of, duets_for, with_alone
from bench.run.calibration import offered
from tests.factories import Truth, open_profile, run_data
from tests.run.helpers import Project

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.plan import Arm
    from bench.model.trial_record import TrialRecord

_DATA = run_data({"axum": Truth(), "fastapi": Truth(rps=9_000, cpu_us=130)}, rounds=3)


def test_a_copy_of_the_baseline_is_added() -> None:
    """A duet plan holds a copy of the baseline; the baseline has no duets of its own."""
    plan = as_duet(_DATA.plan)
    duets = [trial for trial in plan.trials if trial.cell in plan.cells]

    assert [arm.name for arm in plan.arms] == ["axum", "axum-again", "fastapi"]
    assert {trial.cell.server for trial in duets} == {"axum-again", "fastapi"}
    assert len(duets) == 6
    assert len(plan.cells) == 3
    assert copy_of(plan) == "axum-again"


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_servers_are_measured_alone_too(rounds: int) -> None:
    """The baseline and each other arm once in each of the first rounds, in no cell of the plan."""
    plan = with_alone(as_duet(_DATA.plan), rounds)
    alone = [trial for trial in plan.trials if trial.cell not in plan.cells]

    assert sorted((t.round, t.cell.server) for t in alone) == [
        (number, name) for number in range(1, rounds + 1) for name in ("axum", "fastapi")
    ]
    assert {trial.cell.profile for trial in alone} <= {"wrk-c50-alone"}
    assert len({trial.id for trial in plan.trials}) == len(plan.trials)


def test_trials_alone_enter_no_comparison() -> None:
    """Records of servers alone change nothing of what the analysis says."""
    plan = as_duet(_DATA.plan)
    alone = tuple(
        record.model_copy(update={"trial": f"{record.trial}-alone", "profile": plan.alone[0].id})
        for record in _DATA.trials
    )
    before = analyze(_DATA._replace(plan=plan))[0]
    after = analyze(_DATA._replace(plan=plan, trials=(*_DATA.trials, *alone)))[0]

    assert (after.cells, after.comparisons) == (before.cells, before.comparisons)
    assert after.measured_s == pytest.approx(2 * before.measured_s)


def test_two_copies_are_not_measured_alone() -> None:
    """Where there is nothing but the baseline and its copy there is no rate to set beside."""
    data = run_data({"axum": Truth(), "second": Truth(server="axum")})

    assert all(trial.cell in data.plan.cells for trial in as_duet(data.plan).trials)


def test_without_a_closed_loop_nothing_is_measured_alone() -> None:
    """At an offered rate a server alone does what it is asked: that tells no rate."""
    plan = as_duet(run_data({"a": Truth(), "b": Truth()}, profiles=[open_profile()]).plan)

    assert plan.alone == ()
    assert all(trial.cell in plan.cells for trial in plan.trials)


def test_a_copy_that_is_there_is_enough() -> None:
    """A matrix that enters the baseline twice gets no third copy."""
    first = _DATA.plan.arms[0]
    second: Arm = first.model_copy(update={"name": "second", "copy_of": "axum"})
    cells = _DATA.plan.cells
    copied = tuple(c.model_copy(update={"server": "second"}) for c in cells if c.server == "axum")
    plan = _DATA.plan.model_copy(
        update={"arms": (*_DATA.plan.arms, second), "cells": (*cells, *copied)}
    )

    assert [arm.name for arm in as_duet(plan).arms] == ["axum", "fastapi", "second"]


def test_rounds_can_be_added() -> None:
    """A later round holds the same duets in an order of its own."""
    plan = as_duet(_DATA.plan)

    assert {t.cell for t in duets_for(plan, 9)} == {t.cell for t in duets_for(plan, 8)}
    assert all(t.id.startswith("r09-") for t in duets_for(plan, 9))


def _duet_record(cpu_s: tuple[float, float], ok: tuple[int, int], load_s: float) -> TrialRecord:
    record = _DATA.trials[0]
    assert record.load is not None
    loads = [record.load.model_copy(update={"ok": count}) for count in ok]
    resources = [
        record.resources.model_copy(
            update={"server_cpu_s": used, "span_s": 1.0, "load_cpu_s": (load_s,)}
        )
        for used in cpu_s
    ]
    partner = Partner(
        server="axum",
        server_process=None,
        load=loads[1],
        resources=resources[1],
        counters=record.counters,
        exchanges=(),
        sidechannel=record.sidechannel,
        start_s=0.1,
        first=False,
    )
    update = {"load": loads[0], "resources": resources[0], "partner": partner}
    return record.model_copy(update=update)


@pytest.mark.parametrize(
    ("cpu_s", "ok", "load_s", "expected"),
    [
        ((0.5, 0.5), (5_000, 5_000), 0.01, 5_000.0),  # equal: half of what both reach
        ((0.5, 0.5), (5_000, 500), 0.01, 1 / (1e-4 + 1e-3)),  # bound by what both cost
        ((0.5, 0.5), (5_000, 5_000), 0.5, 5_000.0),  # the tool could do just as much
        ((0.5, 0.5), (5_000, 5_000), 0.8, 1 / (2 * 1.6e-4)),  # the tool is the limit
    ],
)
def test_joint_capacity(
    cpu_s: tuple[float, float], ok: tuple[int, int], load_s: float, expected: float
) -> None:
    """At the joint capacity both servers together use up the CPU, or the tools theirs."""
    capacity = joint_capacity(_duet_record(cpu_s, ok, load_s), load_cpus=1)

    assert capacity == pytest.approx(expected)


def test_without_a_capacity_nothing_is_offered() -> None:
    """A share of what could not be measured is no rate: the run ends with the reason."""
    profile = open_profile(rate_rps=None, share=0.6)
    plan = run_data({"a": Truth(), "b": Truth()}, profiles=[profile]).plan

    with pytest.raises(StoreError, match="no capacity of json-small could be measured"):
        offered(plan, profile, plan.cells[0])


def test_no_capacity_without_figures() -> None:
    """A trial of one server alone tells no joint capacity, and no ratio."""
    assert joint_capacity(_DATA.trials[0], load_cpus=1) is None
    assert cost_ratio(_DATA.trials[0]) is None


def test_the_ratio_of_a_duet_is_that_of_the_costs() -> None:
    """CPU time per request of the one over that of the other; rates do not matter."""
    assert cost_ratio(_duet_record((0.5, 0.5), (5_000, 4_000), 0.1)) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("alone", "said"), [(0, "2 duets x 3 rounds = 6,"), (1, "2 duets x 3 rounds + 2 alone = 8,")]
)
def test_a_plan_shows_its_duets(alone: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The numbers of `bench plan` add up: the baseline is part of each duet and has none."""
    plan = as_duet(_DATA.plan.model_copy(update={"design": "duet"}))
    show(with_alone(plan, alone), as_json=False)

    assert said in capsys.readouterr().out


@pytest.mark.real
@pytest.mark.needs("wrk")
def test_a_real_duet(tmp_path: Path) -> None:
    """Both servers of a duet are measured in one trial, and a costlier one is found."""
    project = Project(tmp_path)
    project.server("plain")
    project.server("costly", "--burn-us=300")  # more than a neighbor can hide
    project.matrix("plain", "costly", design="duet", rounds=3, baseline="plain")
    done = project.bench("run", "faults", "--json")
    trials = project.believed()
    summary = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    duets = [trial for trial in trials if trial["partner"]]
    alone = [trial for trial in trials if not trial["partner"]]
    assert {trial["server"] for trial in duets} == {"plain-again", "costly"}
    assert {trial["server"] for trial in alone} == {"costly", "plain"}
    assert {trial["profile"] for trial in alone} == {duets[0]["profile"] + "-alone"}
    for trial in duets:
        assert trial["partner"]["server"] == "plain"
        assert trial["partner"]["load"]["ok"] > 0
        assert trial["partner"]["server_process"]["port"] != trial["server_process"]["port"]
    cells = {cell["server"]: cell["metrics"] for cell in summary["cells"]}
    verdict = cells["costly"]["requests_per_cpu_second"]["verdict"]
    assert verdict["ratio"] < 0.95
    assert cells["plain"]["requests_per_cpu_second"]["n"] == 3
    assert cells["costly"]["throughput_rps"]["verdict"] is None
    assert summary["noise_floor"] is not None
    assert project.nothing_left()
    assert (
        project.runs()[-1] / "trials" / duets[0]["trial"] / "partner" / "histogram.json"
    ).is_file()


def test_a_share_of_the_joint_capacity_in_a_plan() -> None:
    """An open profile of a duet keeps its share until the calibration."""
    data = run_data({"a": Truth(), "b": Truth()}, profiles=[open_profile()], rounds=1)

    assert as_duet(data.plan).profiles == data.plan.profiles
