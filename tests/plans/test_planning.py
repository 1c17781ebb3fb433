"""Expanding a matrix: cells, rounds, order, profiles, overrides, estimated time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bench.errors import ConfigError
from bench.model.plan import Plan
from bench.plans.lengths import calibrating
from bench.plans.matrix_files import read_matrix
from bench.plans.overrides import Overrides
from bench.plans.planning import make_plan, rounds_for
from tests.plans.helpers import (
    MATRIX,
    SERVER,
    plan_of,
    said,
    split,
    unsupported,
    write_project,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.model.config import MatrixConfig
    from bench.model.plan import CpuSplit, Workload
    from bench.plans.project import Project

OPEN = "{tool: oha, loop: open, rate: 50%, warmup: 1s, duration: 4s}"
CLOSED = "{warmup: 1s, duration: 4s}"


def _plan(root: Path, matrix: str = MATRIX, overrides: Overrides | None = None) -> Plan:
    return plan_of(write_project(root, matrix=matrix), overrides)[0]


def _refused(root: Path, matrix: str, overrides: Overrides) -> str:
    with pytest.raises(ConfigError) as error:
        _plan(root, matrix, overrides)
    return said(error.value.problems)


def test_defaults(tmp_path: Path) -> None:
    """Two ids and a workload are enough: five rounds of wrk with 50 connections."""
    plan = _plan(tmp_path)

    assert (plan.matrix, plan.title, plan.rounds, plan.max_rounds) == ("m", "m", 5, 5)
    assert (plan.baseline, plan.margin, plan.seed, plan.design) == ("one", 0.02, 7, "blocks")
    [profile] = plan.profiles
    assert profile.model_dump() == {
        "id": "wrk-c50",
        "tool": "wrk",
        "loop": "closed",
        "connections": 50,
        "rate_rps": None,
        "rate_share": None,
        "processes": 1,
        "warmup_s": 2.0,
        "duration_s": 10.0,
        "timeout_s": 10.0,
    }
    assert [cell.id for cell in plan.cells] == ["one.small.wrk-c50", "two.small.wrk-c50"]
    assert plan.workload_titles == {"small": "small"}
    assert plan.arms[0].config.title == "one"


def test_each_round_holds_each_cell_once(tmp_path: Path) -> None:
    """A round is a complete block: every cell, once."""
    plan = _plan(tmp_path, MATRIX + f"profiles: [{CLOSED}, {OPEN}]\nrounds: 6\n")

    for number in range(1, 7):
        block = [trial.cell.id for trial in plan.trials if trial.round == number]
        assert Counter(block) == Counter(cell.id for cell in plan.cells)
    assert [trial.round for trial in plan.trials] == sorted(trial.round for trial in plan.trials)


def test_order_depends_on_seed_and_round_alone(tmp_path: Path) -> None:
    """The same seed gives the same order; rounds differ; a longer run begins like a short one."""
    servers = ", ".join(f"{{id: one, as: s{n}}}" for n in range(8))
    matrix = f"servers: [{servers}]\nworkloads: [small]\nrounds: 4\n"
    project = write_project(tmp_path, matrix=matrix)

    four = plan_of(project)[0].trials
    longer = plan_of(project, Overrides(rounds=9))[0].trials
    other = plan_of(project, Overrides(seed=8))[0].trials

    assert longer[: len(four)] == four
    assert [one.cell for one in four] != [one.cell for one in other]
    orders = {tuple(one.cell.server for one in four if one.round == n) for n in range(1, 5)}
    assert len(orders) == 4


def test_rounds_added_later_are_the_planned_ones(tmp_path: Path) -> None:
    """A round asked for on its own is what a longer plan would hold."""
    project = write_project(tmp_path, matrix=MATRIX + "rounds: 3\nprecision: 2%\n")
    plan = plan_of(project)[0]
    longer = plan_of(project, Overrides(rounds=8))[0]

    assert rounds_for(plan, 8) == tuple(one for one in longer.trials if one.round == 8)


def test_trial_ids(tmp_path: Path) -> None:
    """`r03-axum.json-small.wrk-c50`; three digits where a hundred rounds are possible."""
    project = write_project(tmp_path)

    assert {one.id for one in rounds_for(plan_of(project)[0], 3)} == {
        "r03-one.small.wrk-c50",
        "r03-two.small.wrk-c50",
    }
    hundred = plan_of(project, Overrides(rounds=100))[0]
    assert hundred.trials[0].id.startswith("r001-")
    assert hundred.trials[-1].id.startswith("r100-")


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("{}", "wrk-c50"),
        ("{tool: oha, connections: 8}", "oha-c8"),
        ("{tool: oha, loop: open, rate: 2000}", "oha-c50-r2000"),
        ("{tool: oha, loop: open, rate: 0.5}", "oha-c50-r0_5"),
        ("{tool: oha, loop: open, rate: 50%}", "oha-c50-r50pct"),
        ("{tool: oha, loop: open, rate: 12.5%}", "oha-c50-r12_5pct"),
        ("{tool: oha, loop: open, rate: 1000000}", "oha-c50-r1000000"),
        ("{id: mine}", "mine"),
    ],
)
def test_profile_ids(tmp_path: Path, profile: str, expected: str) -> None:
    """A profile without an id is named by tool, connections and rate; never with a dot."""
    assert _plan(tmp_path, MATRIX + f"profiles: [{profile}]\n").profiles[0].id == expected


def test_rates(tmp_path: Path) -> None:
    """A rate is requests per second or a share, never both."""
    plan = _plan(tmp_path, MATRIX + f"profiles: [{{tool: oha, loop: open, rate: 2000}}, {OPEN}]\n")

    assert [(one.rate_rps, one.rate_share) for one in plan.profiles] == [(2000, None), (None, 0.5)]


@pytest.mark.parametrize(
    ("written", "load_count", "processes"),
    [
        ("connections: 50", 4, 4),
        ("connections: 3", 4, 3),
        ("processes: auto", 2, 2),
        ("processes: 7", 2, 7),
    ],
)
def test_processes(tmp_path: Path, written: str, load_count: int, processes: int) -> None:
    """Auto is one process per load CPU, never more than connections; a number is taken."""
    project = write_project(tmp_path, matrix=MATRIX + f"profiles: [{{{written}}}]\n")

    assert plan_of(project, load_count=load_count)[0].profiles[0].processes == processes


def test_cpus_are_split_once_the_matrix_is_good(tmp_path: Path) -> None:
    """The split may depend on the matrix; it is not asked for where the matrix is wrong."""
    asked: list[object] = []

    def cpus(config: MatrixConfig) -> CpuSplit:
        asked.append(config.load_cpus)
        return split(3)

    good = write_project(tmp_path / "good", matrix=MATRIX + "load_cpus: 3\n")
    bad = write_project(tmp_path / "bad", matrix=MATRIX + "load_cpus: x\n")
    plan, _ = _make(good, cpus)
    with pytest.raises(ConfigError):
        _make(bad, cpus)

    assert (asked, plan.profiles[0].processes, plan.cpus) == ([3], 3, split(3))


def _make(
    project: Project, cpus: Callable[[MatrixConfig], CpuSplit]
) -> tuple[Plan, dict[str, Workload]]:
    return make_plan(
        project,
        read_matrix(project.matrices["m"], project),
        Overrides(),
        cpus=cpus,
        unsupported=unsupported,
        draw_seed=lambda: 7,
    )


def test_second_arm(tmp_path: Path) -> None:
    """`{id, as, env}` is the same server under another name with more in its environment."""
    matrix = "servers: [one, {id: one, as: again, env: {A: '{cpus}'}}]\nworkloads: [small]\n"

    arms = _plan(tmp_path, matrix).arms

    assert [(arm.name, arm.server, arm.env) for arm in arms] == [
        ("one", "one", {}),
        ("again", "one", {"A": "{cpus}"}),
    ]
    assert arms[0].folder == arms[1].folder == str(tmp_path / "servers" / "one")


def test_url_arm(tmp_path: Path) -> None:
    """A server that runs already has an address, no folder, and host and port as its name."""
    matrix = "servers: [{url: 'http://127.0.0.1:3000/'}]\nworkloads: [small]\n"

    plan = _plan(tmp_path, matrix + "baseline: 127.0.0.1-3000\n")

    [arm] = plan.arms
    assert (arm.name, arm.url, arm.folder) == ("127.0.0.1-3000", "http://127.0.0.1:3000", "")


def test_remote_url_where_allowed(tmp_path: Path) -> None:
    """allow_remote lets a matrix measure another host."""
    matrix = "servers: [{url: 'http://db.example:80', as: far}]\nworkloads: [small]\n"

    assert _plan(tmp_path, matrix + "allow_remote: true\n").arms[0].name == "far"


def test_exclude(tmp_path: Path) -> None:
    """A pattern takes out the cells that fit all of its keys."""
    matrix = MATRIX + f"profiles: [{CLOSED}, {OPEN}]\nexclude: [{{server: t*, profile: oha-*}}]\n"

    assert [cell.id for cell in _plan(tmp_path, matrix).cells] == [
        "one.small.wrk-c50",
        "two.small.wrk-c50",
        "one.small.oha-c50-r50pct",
    ]


def test_server_without_cells_is_skipped(tmp_path: Path) -> None:
    """A server that answers none of the workloads takes no part, and the plan says so."""
    project = write_project(tmp_path)
    (tmp_path / "servers" / "two" / "server.yaml").write_text(SERVER + "workloads: [plaintext]\n")

    plan = plan_of(project)[0]

    assert [arm.name for arm in plan.arms] == ["one"]
    assert [(one.server, one.reason) for one in plan.skipped] == [
        ("two", "it answers none of the workloads")
    ]


def test_workload_without_cells_is_left_out(tmp_path: Path) -> None:
    """A workload whose cells are all excluded is not read into the plan."""
    matrix = "servers: [one]\nworkloads: [small, plaintext]\nexclude: [{workload: plaintext}]\n"

    plan, workloads = plan_of(write_project(tmp_path, matrix=matrix))

    assert plan.workloads == ("small",)
    assert list(workloads) == ["small"]


def test_ceiling_is_an_arm_of_the_workloads_it_serves(tmp_path: Path) -> None:
    """`ceiling: true` adds the ceiling server where it can answer, and only there."""
    matrix = "servers: [one]\nworkloads: [small, plaintext]\nceiling: true\n"
    project = write_project(tmp_path, matrix=matrix)

    ceiling = [cell.workload for cell in plan_of(project)[0].cells if cell.server == "ceiling"]

    assert ceiling == ["plaintext"]
    chosen = plan_of(project, Overrides(servers=("one",)))[0]
    assert [arm.name for arm in chosen.arms] == ["one"]


def test_duet_has_no_trials_of_the_baseline_alone(tmp_path: Path) -> None:
    """In a duet each other server has one trial per round, together with the baseline."""
    plan = _plan(tmp_path, MATRIX + "design: duet\nrounds: 2\n")

    assert len(plan.cells) == 2
    assert [trial.id for trial in plan.trials] == ["r01-two.small.wrk-c50", "r02-two.small.wrk-c50"]


@pytest.mark.parametrize(
    ("written", "most"),
    [("", 12), ("max_rounds: 8\n", 8), ("rounds: 20\n", 20)],
)
def test_max_rounds_with_precision(tmp_path: Path, written: str, most: int) -> None:
    """With a precision rounds are added up to 12, or max_rounds, or what was asked for."""
    assert _plan(tmp_path, MATRIX + "precision: 2%\n" + written).max_rounds == most


def test_estimate(tmp_path: Path) -> None:
    """Warm-up, window and 1.5 s for each trial, three of 3.5 s for what is calibrated.

    An open loop is first loaded for a second as much as it can take.
    """
    closed = _plan(tmp_path / "a", MATRIX + f"profiles: [{CLOSED}]\nrounds: 2\n")
    both = _plan(tmp_path / "b", MATRIX + f"profiles: [{CLOSED}, {OPEN}]\nrounds: 2\n")

    assert closed.estimated_s == pytest.approx(2 * 2 * 6.5)
    assert calibrating(closed) == ()
    assert both.estimated_s == pytest.approx(2 * 4 * 6.5 + 2 * 2 + 3 * 2 * 3.5)
    assert [one.cell.server for one in calibrating(both)] == ["one", "two"]


def test_each_profile_with_a_share_is_calibrated(tmp_path: Path) -> None:
    """A capacity is that of one profile: two shares of one server are calibrated apart."""
    other = OPEN.replace("{", "{id: other, ", 1)
    plan = _plan(tmp_path, MATRIX + f"profiles: [{OPEN}, {other}]\nrounds: 2\n")

    assert len(calibrating(plan)) == 4
    assert plan.estimated_s == pytest.approx(2 * 4 * 7.5 + 3 * 4 * 3.5)


def test_seed_is_drawn_only_where_none_is_given(tmp_path: Path) -> None:
    """Command line before matrix before chance."""
    project = write_project(tmp_path, matrix=MATRIX + "seed: 0\n")

    assert plan_of(project)[0].seed == 0
    assert plan_of(project, Overrides(seed=3))[0].seed == 3


def test_overrides_change_what_is_asked(tmp_path: Path) -> None:
    """Numbers of the command line hold for every chosen profile; default ids follow them."""
    matrix = MATRIX + f"profiles: [{CLOSED}, {OPEN}]\nbaseline: two\n"
    overrides = Overrides(
        servers=("one",),
        workloads=("plaintext",),
        profiles=("wrk-c50",),
        rounds=2,
        duration_s=1.0,
        warmup_s=0.0,
        connections=7,
    )

    plan = _plan(tmp_path, matrix, overrides)

    [profile] = plan.profiles
    assert (profile.id, profile.connections) == ("wrk-c7", 7)
    assert (profile.warmup_s, profile.duration_s) == (0.0, 1.0)
    assert [cell.id for cell in plan.cells] == ["one.plaintext.wrk-c7"]
    assert (plan.rounds, plan.baseline) == (2, "one")


def test_another_server_of_the_project_can_be_named(tmp_path: Path) -> None:
    """--servers takes ids that the matrix does not have."""
    plan = _plan(tmp_path, "servers: [one]\nworkloads: [small]\n", Overrides(servers=("two",)))

    assert [arm.name for arm in plan.arms] == ["two"]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (Overrides(servers=("onne",)), '--servers: there is no server "onne" (did you mean one?)'),
        (Overrides(workloads=("smal",)), '--workloads: there is no workload "smal" (did you'),
        (Overrides(profiles=("hey",)), '--profiles: there is no profile "hey" (expected one of'),
        (Overrides(servers=("one", "one")), "--servers: one is named twice"),
        (Overrides(rounds=0), "--rounds: expected a whole number from 1 to 100, got 0"),
        (Overrides(connections=0), "--connections: expected a whole number from 1 to 100000"),
        (Overrides(seed=-1), "--seed: expected a whole number from 0"),
        (Overrides(duration_s=0.0), "--duration: expected a duration above 0s"),
        (Overrides(warmup_s=-1.0), "--warmup: expected a duration from 0s"),
        (Overrides(duration_s=0.5), "--duration: profile wrk-c50: the duration is not whole"),
        (Overrides(connections=1), "--connections: profile many has 2 processes (at least 2)"),
    ],
)
def test_wrong_overrides(tmp_path: Path, overrides: Overrides, words: str) -> None:
    """What an option asks for and cannot have is a problem under the option's name."""
    matrix = MATRIX + "profiles: [{}, {id: many, processes: 2}]\n"

    assert words in _refused(tmp_path, matrix, overrides)


def test_connections_that_make_profiles_equal(tmp_path: Path) -> None:
    """--connections on two profiles that differ in nothing else is refused."""
    matrix = MATRIX + "profiles: [{connections: 5}, {connections: 50}]\n"

    words = _refused(tmp_path, matrix, Overrides(connections=9))

    assert words == "--connections: it makes two profiles wrk-c9 (choose one with --profiles)"


def test_ambiguous_cell_names(tmp_path: Path) -> None:
    """Arms and workloads whose dotted names run together are refused."""
    matrix = "servers: [{id: one, as: a}, {id: one, as: a.b}]\nworkloads: [b.c, c]\n"
    project = write_project(tmp_path, matrix=matrix)
    for name in ("b.c", "c"):
        (tmp_path / "configs" / "workloads" / f"{name}.yaml").write_text("requests: [{path: /}]")

    with pytest.raises(ConfigError, match="two cells have the same name"):
        plan_of(
            type(project)(
                **{
                    **project._asdict(),
                    "workloads": {
                        name: tmp_path / "configs" / "workloads" / f"{name}.yaml"
                        for name in ("b.c", "c")
                    },
                }
            )
        )


def test_plan_survives_json(tmp_path: Path) -> None:
    """What is written to plan.json is read back equal: durations and sizes too."""
    project = write_project(tmp_path)
    extra = "ready_timeout: 1500ms\nstop: {grace: 250us}\nmemory_limit: 64MB\n"
    (tmp_path / "servers" / "two" / "server.yaml").write_text(SERVER + extra)

    plan = plan_of(project)[0]

    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert Plan.model_validate(plan.model_dump()) == plan


def test_servers_of_a_group_follow_each_other(tmp_path: Path) -> None:
    """What is compared is measured seconds apart; groups and servers change places each round."""
    matrix = MATRIX.replace("[one, two]", "[one, two, {id: one, as: three}]")
    plan = _plan(tmp_path, matrix + f"profiles: [{CLOSED}, {OPEN}]\nrounds: 12\n")
    seen = set()
    for number in range(1, 13):
        block = [trial.cell for trial in plan.trials if trial.round == number]
        groups = [block[0].profile, block[3].profile]
        assert [cell.profile for cell in block] == [groups[0]] * 3 + [groups[1]] * 3
        seen.add((groups[0], block[0].server))

    assert len(seen) > 3
