"""Sweeps: each profile once per value; what this machine lacks is left out and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.errors import ConfigError, UsageError
from bench.plans.sweeps import cpus_of
from tests.plans.helpers import MATRIX, plan_of, split, write_project

if TYPE_CHECKING:
    from pathlib import Path


def test_each_profile_once_per_value(tmp_path: Path) -> None:
    """Names carry the value, cells multiply, and the rest of the profile stays."""
    matrix = MATRIX + (
        "sweep: {connections: [1, 8, 64]}\n"
        "profiles: [{duration: 3s}, {id: mine, keepalive: false}]\n"
    )
    plan, _ = plan_of(write_project(tmp_path, matrix=matrix))

    names = ["wrk-c1", "wrk-c8", "wrk-c64", "mine-c1", "mine-c8", "mine-c64"]
    assert [profile.id for profile in plan.profiles] == names
    assert [profile.connections for profile in plan.profiles] == [1, 8, 64] * 2
    assert {profile.swept for profile in plan.profiles} == {"connections"}
    assert [(p.duration_s, p.keepalive) for p in plan.profiles[2:4]] == [(3.0, True), (10.0, False)]
    assert len(plan.cells) == 2 * 6


def test_more_cpus_than_there_are_are_left_out_and_said(tmp_path: Path) -> None:
    """With one CPU for the server the sweep has one point, and the plan says so."""
    matrix = MATRIX + "sweep: {server_cpus: [1, 2, 4], connections: [4]}\n"
    plan, _ = plan_of(write_project(tmp_path, matrix=matrix))

    assert [profile.id for profile in plan.profiles] == ["wrk-c4", "wrk-c50-s1"]
    assert {cell.profile for cell in plan.cells} == {"wrk-c4", "wrk-c50-s1"}
    ((code, words),) = plan.cpus.notes
    assert code == "sweep-short"
    assert "leaves out 2, 4 and has 1 point;" in words


def test_a_sweep_without_any_point(tmp_path: Path) -> None:
    """Nothing is left to measure, which is no plan."""
    project = write_project(tmp_path, matrix=MATRIX + "sweep: {server_cpus: [2, 4]}\n")
    with pytest.raises(UsageError, match="the server has 1 here"):
        plan_of(project)


def test_the_server_gets_the_first_of_its_cpus(tmp_path: Path) -> None:
    """The load keeps all of its own, so that only the server changes from point to point."""
    matrix = MATRIX + "sweep: {server_cpus: [1]}\n"
    plan, _ = plan_of(write_project(tmp_path, matrix=matrix))
    four = split(4).model_copy(update={"server": (0, 1, 2, 3), "server_count": 4})
    got = cpus_of(four, plan.profiles[0])

    assert (got.server, got.server_count, got.load) == ((0,), 1, four.load)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("sweep: {}\n", "expected connections or server_cpus"),
        ("sweep: {connections: [8, 8]}\n", "expected each value once"),
        ("sweep: {connections: [1]}\ndesign: duet\n", "a sweep shows each server alone"),
        (
            "sweep: {connections: [1, 8]}\nprofiles: [{processes: 2}]\n",
            "1 of the sweep's connections cannot be shared by 2 processes",
        ),
        (
            "sweep: {connections: [1, 8]}\nprofiles: [{connections: 50}]\n",
            "the sweep says how many connections there are",
        ),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, lines: str, said: str) -> None:
    """With the place and what to do about it."""
    with pytest.raises(ConfigError, match=said):
        plan_of(write_project(tmp_path, matrix=MATRIX + lines))
