"""Duets: both servers over one window, compared by what a request costs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.model.trial import Partner
from bench.session.duets import as_duet, duets_for, joint_capacity
from tests.factories import Truth, open_profile, run_data
from tests.session.helpers import Project

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.plan import Arm
    from bench.model.trial import TrialRecord

_DATA = run_data({"axum": Truth(), "fastapi": Truth(rps=9_000, cpu_us=130)}, rounds=3)


def test_a_copy_of_the_baseline_is_added() -> None:
    """A duet plan holds a copy of the baseline; the baseline has no trials of its own."""
    plan = as_duet(_DATA.plan)

    assert [arm.name for arm in plan.arms] == ["axum", "axum-again", "fastapi"]
    assert {trial.cell.server for trial in plan.trials} == {"axum-again", "fastapi"}
    assert len(plan.trials) == 6
    assert len(plan.cells) == 3


def test_a_copy_that_is_there_is_enough() -> None:
    """A matrix that enters the baseline twice gets no third copy."""
    first = _DATA.plan.arms[0]
    twin: Arm = first.model_copy(update={"name": "second"})
    cells = _DATA.plan.cells
    copied = tuple(c.model_copy(update={"server": "second"}) for c in cells if c.server == "axum")
    plan = _DATA.plan.model_copy(
        update={"arms": (*_DATA.plan.arms, twin), "cells": (*cells, *copied)}
    )

    assert [arm.name for arm in as_duet(plan).arms] == ["axum", "fastapi", "second"]


def test_rounds_can_be_added() -> None:
    """A later round holds the same duets in an order of its own."""
    plan = as_duet(_DATA.plan)

    assert {t.cell for t in duets_for(plan, 9)} == {t.cell for t in duets_for(plan, 1)}
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


def test_no_capacity_without_figures() -> None:
    """A trial of one server alone tells no joint capacity."""
    assert joint_capacity(_DATA.trials[0], load_cpus=1) is None


@pytest.mark.real
@pytest.mark.alone
@pytest.mark.needs("wrk")
def test_a_real_duet(tmp_path: Path) -> None:
    """Both servers of a duet are measured in one trial, and a costlier one is found."""
    project = Project(tmp_path)
    project.server("plain")
    project.server("costly", "--flood=20000")
    project.matrix("plain", "costly", design="duet", rounds=3, baseline="plain")
    done = project.bench("run", "faults", "--json")
    trials = project.trials()
    summary = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert {trial["server"] for trial in trials} == {"plain-again", "costly"}
    for trial in trials:
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
        project.runs()[-1] / "trials" / trials[0]["trial"] / "partner" / "histogram.json"
    ).is_file()


def test_a_share_of_the_joint_capacity_in_a_plan() -> None:
    """An open profile of a duet keeps its share until the calibration."""
    data = run_data({"a": Truth(), "b": Truth()}, profiles=[open_profile()], rounds=1)

    assert as_duet(data.plan).profiles == data.plan.profiles
