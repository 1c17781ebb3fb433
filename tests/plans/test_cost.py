"""`cost: true`: which duets a plan of blocks gets, when, and at which rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.model.plan import PlannedTrial
from bench.plans.cost import PACER_US, SHARE, batches, cost_rate, with_cost, without_cost_of
from tests.factories import Truth, closed_profile, open_profile, run_data
from tests.trial.test_verify import echo_kind, workload

if TYPE_CHECKING:
    from bench.analysis import RunData
    from bench.model.plan import Plan

_SERVERS = {
    "axum": Truth(rps=8_000, noise=0.0),
    "fastify": Truth(rps=2_000, noise=0.0),
    "ceiling": Truth(rps=90_000),
}


def _data(rounds: int = 5) -> RunData:
    profiles = [closed_profile(), open_profile()]
    return run_data(_SERVERS, profiles=profiles, rounds=rounds, block_noise=0.0)


def _plan(data: RunData) -> Plan:
    return with_cost(data.plan, {"json-small": workload(echo_kind())})


def test_each_server_and_a_copy_beside_the_baseline() -> None:
    """Not the baseline itself, whose duet with a copy shows the noise, and not the ceiling."""
    plan = _plan(_data())

    assert plan.cost is not None
    assert plan.cells == _data().plan.cells
    assert [cell.server for cell in plan.cost.cells] == ["axum-again", "fastify"]
    assert (plan.cost.again.name, plan.cost.again.copy_of) == ("axum-again", "axum")
    profile = plan.cost.profile
    assert (profile.loop, profile.rate_share, profile.connections) == ("open", SHARE, 50)
    assert "axum-again" not in {arm.name for arm in plan.arms}


@pytest.mark.parametrize(
    ("rounds", "order"),
    [
        (5, ["b1", "b2", "b3", "c1", "b4", "c2", "b5", "c3", "c4", "c5"]),
        (1, ["b1", "c1"]),
        (3, ["b1", "b2", "b3", "c1", "c2", "c3"]),
    ],
)
def test_duets_begin_when_rates_are_known(rounds: int, order: list[str]) -> None:
    """Three saturated trials of each server come before the first duet."""
    plan = _plan(_data(rounds))
    found = batches(plan)

    said = [f"{'c' if one[0].cell.profile == 'cost' else 'b'}{one[0].round}" for one in found]
    assert said == order
    assert tuple(trial for batch in found for trial in batch) == plan.trials
    assert all(len({trial.round for trial in batch}) == 1 for batch in found)


def test_the_rate_is_a_share_of_what_both_reach_together() -> None:
    """8,000/s and 2,000/s alone are 1,600/s of each together, of which 60 % are sent."""
    data = _data()
    plan = _plan(data)
    assert plan.cost is not None
    copy, other = plan.cost.cells

    assert cost_rate(plan, data.trials, other) == pytest.approx(0.6 * 1_600, rel=0.001)
    assert cost_rate(plan, data.trials, copy) == pytest.approx(0.6 * 4_000, rel=0.001)
    assert cost_rate(plan, [], other) is None


def test_the_load_tool_has_a_limit_too() -> None:
    """Two servers as fast as wrk can load them are not sent more than can be paced."""
    data = run_data({"a": Truth(rps=200_000), "b": Truth(rps=190_000)})
    plan = _plan(data)
    assert plan.cost is not None

    assert cost_rate(plan, data.trials, plan.cost.cells[1]) == SHARE * 1e6 / (2 * PACER_US)


def test_who_could_not_be_built_has_no_duets() -> None:
    """Without the baseline there is nothing to compare with."""
    plan = _plan(_data())
    less, none = without_cost_of(plan, {"fastify"}), without_cost_of(plan, {"axum"})

    assert less.cost is not None
    assert none.cost is not None
    assert [cell.server for cell in less.cost.cells] == ["axum-again"]
    assert none.cost.cells == ()
    assert not any(trial.cell.profile == "cost" for trial in none.trials)


def test_nothing_to_compare_with() -> None:
    """A server and its copy alone ask for no cost."""
    data = run_data({"a": Truth(), "a-again": Truth(server="a")})

    assert _plan(data).cost is None


def test_trials_have_names_of_their_own() -> None:
    """A round of duets is named like one of blocks, under the profile `cost`."""
    trials = [trial for trial in _plan(_data()).trials if trial.cell.profile == "cost"]

    assert {trial.id for trial in trials if trial.round == 2} == {
        "r02-axum-again.json-small.cost",
        "r02-fastify.json-small.cost",
    }
    assert all(isinstance(trial, PlannedTrial) for trial in trials)


def test_the_cost_is_of_what_the_closed_loop_speaks() -> None:
    """Over TLS the rate is offered by a tool that has TLS."""
    plan = _data().plan
    spoken = tuple(one.model_copy(update={"protocol": "https"}) for one in plan.profiles)
    plan = with_cost(
        plan.model_copy(update={"profiles": spoken}), {"json-small": workload(echo_kind())}
    )

    assert plan.cost is not None
    assert (plan.cost.profile.tool, plan.cost.profile.protocol) == ("oha", "https")
