"""What a request costs against the baseline, from planted duets."""

from __future__ import annotations

import pytest

from bench.analysis import RunData, analyze, precision
from bench.model.finding import finding
from bench.model.trial_record import Partner, TrialRecord
from bench.plans.cost import with_cost
from tests.factories import Truth, closed_profile, run_data, run_view
from tests.trial.test_verify import echo_kind, workload

_AXUM = Truth(rps=9_000, cpu_us=40.0, noise=0.004)
_SERVERS = {"axum": _AXUM, "fastify": Truth(rps=3_000, cpu_us=90.0, noise=0.004)}
_RATE = 1_234.0


def _duet(mine: TrialRecord, base: TrialRecord, name: str) -> TrialRecord:
    partner = Partner(
        server="axum",
        server_process=None,
        load=base.load,
        resources=base.resources,
        counters=base.counters,
        exchanges=(),
        sidechannel=base.sidechannel,
        start_s=0.1,
        first=False,
    )
    update = {
        "trial": f"r0{mine.round}-{name}.json-small.cost",
        "server": name,
        "profile": "cost",
        "offered_rps": _RATE,
        "partner": partner,
    }
    return mine.model_copy(update=update)


def cost_data(rounds: int = 5) -> RunData:
    """Blocks, and duets of 90 us and of a copy beside a baseline of 40 us, at 1,234/s."""
    blocks = run_data(_SERVERS, profiles=[closed_profile()], rounds=rounds)
    plan = with_cost(blocks.plan, {"json-small": workload(echo_kind())})
    other = run_data({"axum": _AXUM, "fastify": _SERVERS["fastify"]}, rounds=rounds, seed=2)
    again = run_data({"axum": _AXUM}, rounds=rounds, seed=3)
    base = {t.round: t for t in other.trials if t.server == "axum"}
    duets = [_duet(t, base[t.round], "fastify") for t in other.trials if t.server == "fastify"]
    duets += [_duet(t, base[t.round], "axum-again") for t in again.trials]
    return blocks._replace(plan=plan, trials=(*blocks.trials, *duets))


def test_the_cost_is_that_of_the_duets() -> None:
    """90 us against 40 us, its interval, verdict, rate and noise floor; told once per workload."""
    summary = analyze(cost_data())[0]
    cells = {cell.server: cell for cell in summary.cells}
    cost = cells["fastify"].cost

    assert set(cells) == {"axum", "fastify"}
    assert cells["axum"].cost is None
    assert cost is not None
    assert cost.low is not None
    assert cost.high is not None
    assert cost.low < 90 / 40 < cost.high
    assert cost.high / cost.low < 1.05
    assert (cost.n, cost.verdict.word, cost.rate_rps) == (5, "more", _RATE)
    assert cost.baseline_cpu_us == pytest.approx(40, rel=0.02)
    assert cost.floor is not None
    assert cost.floor == summary.noise_floor
    assert 0 < cost.floor < 0.03


def test_its_words_are_those_of_every_verdict() -> None:
    """In JSON and in reports."""
    (_, cell) = run_view(cost_data()).summary.cells
    assert cell.cost is not None

    from bench.reports.wording.in_words import summary_in_words  # noqa: PLC0415 - this test alone

    told = summary_in_words(run_view(cost_data()).summary).cells[1].cost
    assert told is not None
    assert told.verdict.text.startswith("fastify needs more CPU per request: 2.2")


def test_without_duets_there_is_no_cost() -> None:
    """A run that ended before its first one says so, and names no ratio."""
    data = cost_data()
    blocks = tuple(trial for trial in data.trials if trial.partner is None)
    cost = analyze(data._replace(trials=blocks))[0].cells[1].cost

    assert cost is not None
    assert (cost.ratio, cost.verdict.word) == (None, "not-comparable")


def test_with_a_time_the_widest_against_its_goal_comes_first() -> None:
    """Costs are asked for at 0.4 of the precision; without a time only the rate counts."""
    data = cost_data()
    update = {"precision": 0.004, "max_rounds": 100, "max_time_s": 60.0}
    found = precision(data.plan.model_copy(update=update), data.trials).groups
    timeless = precision(data.plan.model_copy(update={**update, "max_time_s": None}), data.trials)

    assert {group.profile for group in found} == {"wrk-c50", "cost"}
    assert [group.urgency for group in found] == sorted((g.urgency for g in found), reverse=True)
    assert {group.profile: group.goal for group in found}["cost"] == pytest.approx(0.0016)
    assert {group.profile for group in timeless.groups} == {"wrk-c50"}


def test_lateness_is_no_doubt_about_the_cost() -> None:
    """Response times of these duets are compared nowhere; bursts do change what is compared."""
    data = cost_data()
    late = [
        finding(code, "t", case) for code, case in (("pacer-late", ""), ("arrivals-off", "even"))
    ]
    trials = tuple(
        trial.model_copy(update={"findings": tuple(late)}) if trial.partner else trial
        for trial in data.trials
    )
    codes = {each.code for each in analyze(data._replace(trials=trials))[0].findings}

    assert "arrivals-off" in codes
    assert "pacer-late" not in codes
