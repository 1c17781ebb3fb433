"""Two runs against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.analysis import compare
from bench.analysis.run_differences import changes
from bench.errors import UsageError
from bench.model.metric_names import METRICS
from bench.reports.wording.verdict_words import verdict_text
from bench.stats.intervals import welch
from tests.factories import (
    Truth,
    build,
    closed_profile,
    exchange,
    host,
    open_profile,
    run_data,
    run_view,
    with_status,
)

if TYPE_CHECKING:
    from bench.model.run_comparison import CompareResult, CompareRow
    from bench.model.summary import RunView
    from bench.model.trial_record import TrialRecord

BOTH = {"axum": Truth(), "spikard": Truth(rps=17_000)}


def _view(truth: dict[str, Truth] | None = None, **options: Any) -> RunView:
    options = {"seed": 2, "block_noise": 0.005} | options
    return run_view(run_data(truth or BOTH, **options))


def _rows(result: CompareResult, metric: str = METRICS[0]) -> dict[str, CompareRow]:
    return {row.server: row for row in result.rows if row.metric == metric}


def test_a_slower_candidate_is_found() -> None:
    """Ratio candidate / baseline, with both estimates, and the gate."""
    result = compare(_view(), _view({"axum": Truth(rps=50_000), "spikard": BOTH["spikard"]}))
    row = _rows(result)["axum"]

    assert row.verdict.word == "slower"
    assert row.verdict.ratio == pytest.approx(row.candidate.value / row.baseline.value)
    assert (row.baseline.n, row.candidate.n) == (5, 5)
    assert row.baseline.verdict is None
    assert [each.server for each in result.gate] == ["axum"]
    assert result.method == "unpaired"


def test_a_run_against_itself_gives_ratio_1() -> None:
    """And nothing changed, nothing is missing, no gate."""
    view = _view()
    result = compare(view, view)

    assert all(row.verdict.ratio == pytest.approx(1.0) for row in result.rows)
    assert (result.changes, result.missing, result.gate) == ((), (), ())
    assert result.same_host


def test_swapping_the_runs_gives_the_reciprocal() -> None:
    """A/B and B/A agree."""
    a, b = _view(seed=1), _view(seed=2)
    there, back = _rows(compare(a, b))["axum"].verdict, _rows(compare(b, a))["axum"].verdict

    assert there.ratio is not None
    assert back.ratio == pytest.approx(1 / there.ratio)


def test_rounds_of_two_runs_are_no_pairs() -> None:
    """What is common to round 3 of both is chance: the interval does not profit from it."""
    wide = _rows(compare(_view(block_noise=0.1), _view(block_noise=0.1)))["axum"].verdict
    assert wide.low is not None
    assert wide.high is not None
    other = _rows(compare(_view(block_noise=0.1, seed=2), _view(block_noise=0.1, seed=3)))

    assert wide.high / wide.low > 1.1
    assert other["axum"].verdict.word == "inconclusive"


def test_the_margin_is_the_baselines_or_the_one_given() -> None:
    """10 % slower is no gate at a margin of 30 %."""
    a, b = _view(), _view({"axum": Truth(rps=52_000), "spikard": BOTH["spikard"]})

    assert compare(a, b).margin == 0.02
    assert compare(a, b).gate
    assert compare(a, b, margin=0.3).gate == ()


def test_the_gate_may_look_at_a_cost() -> None:
    """More CPU per request is the worse direction there."""
    costly = _view({"axum": Truth(cpu_us=24.0), "spikard": BOTH["spikard"]})

    assert [r.server for r in compare(_view(), costly, metric="cpu_us_per_request").gate] == [
        "axum"
    ]
    assert compare(costly, _view(), metric="cpu_us_per_request").gate == ()
    assert compare(_view(), costly).gate == ()


def test_latencies_are_compared_in_open_loops() -> None:
    """p99 of the open profile, not of the closed one."""
    profiles = [closed_profile(), open_profile()]
    a = _view(profiles=profiles)
    b = _view({"axum": Truth(open_us=600.0), "spikard": BOTH["spikard"]}, profiles=profiles)
    result = compare(a, b, metric="p99_us")

    assert {row.profile for row in result.rows if row.metric == "p99_us"} == {"oha-c50-r2000"}
    assert [row.server for row in result.gate] == ["axum"]
    assert result.gate[0].verdict.word == "more"


def test_other_hosts_are_refused() -> None:
    """Both machines are named, and what to do."""
    elsewhere = run_view(run_data(BOTH)._replace(host=host(model="Apple M4", fingerprint="beef")))

    with pytest.raises(UsageError, match="different hosts") as caught:
        compare(_view(), elsewhere)
    assert "Apple M4" in str(caught.value)
    assert "--across-hosts" in str(caught.value)

    result = compare(_view(), elsewhere, across_hosts=True)
    assert not result.same_host
    assert "CPU" in {change.what for change in result.changes}


def test_runs_without_a_common_cell_are_refused() -> None:
    """There is nothing to compare."""
    with pytest.raises(UsageError, match="no cell in common"):
        compare(_view(), _view({"else": Truth()}))


def test_copies_open_no_gate_and_take_no_power() -> None:
    """What a copy of the baseline is slower by from run to run is told and not judged."""
    before = _view({"axum": Truth(), "axum2": Truth(server="axum")}, seed=1)
    after = _view({"axum": Truth(), "axum2": Truth(rps=50_000, server="axum")})
    rows = _rows(compare(before, after))
    values = [
        [t.load.throughput_rps for t in view.trials if t.server == "axum" and t.load]
        for view in (after, before)
    ]

    assert rows["axum2"].verdict.word == "slower"
    assert [row.server for row in compare(before, after).gate] == []
    assert rows["axum"].verdict.p_holm == pytest.approx(welch(values[0], values[1]).p)


def test_a_copy_that_one_run_lacks_fails_no_gate() -> None:
    """It is listed; a candidate that is lacking fails the gate."""
    before = _view({"axum": Truth(), "axum2": Truth(server="axum"), "b": Truth()})
    missing = compare(before, _view({"axum": Truth()})).missing

    assert [(each.server, each.gated) for each in missing] == [("axum2", False), ("b", True)]


class TestMissing:
    def test_a_cell_that_one_run_does_not_have(self) -> None:
        """Named with its side."""
        (cell,) = compare(_view(), _view({"axum": Truth()})).missing

        assert (cell.server, cell.side, cell.reason) == (
            "spikard",
            "candidate",
            "it is not part of the run",
        )
        (cell,) = compare(_view({"axum": Truth()}), _view()).missing
        assert (cell.server, cell.side) == ("spikard", "baseline")

    @pytest.mark.parametrize("sides", [("candidate",), ("baseline",), ("baseline", "candidate")])
    def test_a_cell_without_usable_trials(self, sides: tuple[str, ...]) -> None:
        """Its cause is told."""
        edit = with_status("failed", "server-died", where=lambda t: t.server == "spikard")
        broken: dict[str, Any] = {"edit": edit}
        a = _view(**(broken if "baseline" in sides else {}))
        b = _view(**(broken if "candidate" in sides else {}))
        (cell,) = compare(a, b).missing

        assert cell.side == ("both" if len(sides) == 2 else sides[0])
        assert cell.reason == "no usable trial (failed: server-died)"

    def test_another_load_is_not_compared(self) -> None:
        """A profile of the same name with other connections is another measurement."""
        a, b = _view(), _view(profiles=[closed_profile(connections=64)])
        result = compare(a, b)

        assert result.rows == ()
        assert {(cell.side, cell.gated) for cell in result.missing} == {("neither", True)}
        assert result.missing[0].reason == "the loads differ in connections"

    def test_shares_of_unlike_capacities_are_not_compared(self) -> None:
        """50 % of what the slowest could do then is another rate than 50 % of it now."""

        def edit(trial: TrialRecord) -> TrialRecord:
            return trial.model_copy(update={"offered_rps": 2_500.0})

        profiles = [open_profile()]
        result = compare(_view(profiles=profiles), _view(profiles=profiles, edit=edit))

        assert result.rows == ()
        assert result.missing[0].reason == (
            "the loads differ in offered rate (2,000 and 2,500 requests/s)"
        )
        assert not result.missing[0].gated


def test_lower_bounds_hold_across_runs() -> None:
    """A client-bound candidate is never called slower, nor one against a client-bound baseline."""
    free, bound = _view(), _view({"axum": Truth(bound="client"), "spikard": BOTH["spikard"]})

    assert verdict_text(_rows(compare(free, bound))["axum"].verdict).startswith(
        "axum reaches at least"
    )
    assert "at most" in verdict_text(_rows(compare(bound, free))["axum"].verdict)


def test_short_windows_leave_rates_and_costs_open_across_runs() -> None:
    """A run with ten responses of each connection, one with five."""
    profiles = [closed_profile(duration_s=1.0)]
    servers = {"axum": Truth(rps=9_000, noise=0.001)}
    long, short = (
        _view(servers, profiles=profiles),
        _view({"axum": Truth(rps=250, noise=0.001)}, profiles=profiles),
    )
    rows = {row.metric: row.verdict for row in compare(long, short).rows}

    assert rows["throughput_rps"].word == "inconclusive"
    assert verdict_text(rows["throughput_rps"]).startswith("axum reaches at least")
    assert rows["cpu_us_per_request"].word == "not-comparable"
    assert rows["rss_peak_bytes"].word == "equivalent"


def test_two_rounds_are_too_few() -> None:
    """The smaller side decides."""
    row = _rows(compare(_view(rounds=2), _view()))["axum"]

    assert row.verdict.word == "too-few-rounds"
    assert verdict_text(row.verdict) == "not enough rounds for an interval (2 of 3)"


class TestChanges:
    def test_versions_settings_and_tools(self) -> None:
        """Whatever may move a number is listed with before and after."""
        data = run_data(BOTH)
        old = data.host
        new = old.model_copy(
            update={
                "cpu": old.cpu.model_copy(update={"governor": "powersave"}),
                "power": old.power.model_copy(update={"source": "battery"}),
                "tools": {**old.tools, "wrk": "4.2.0"},
            }
        )
        builds = {"axum": build("axum").model_copy(update={"version": "axum 0.9.0"})}
        arms = (data.plan.arms[0].model_copy(update={"env": {"THREADS": "2"}}),)
        plan = data.plan.model_copy(update={"arms": (*arms, *data.plan.arms[1:])})
        after = run_view(data._replace(host=new, builds=data.builds | builds, plan=plan))

        found = {change.what: (change.before, change.after) for change in changes(_view(), after)}

        assert found == {
            "CPU frequency governor": ("performance", "powersave"),
            "power source": ("ac", "battery"),
            "tool wrk": ("4.1.0", "4.2.0"),
            "axum version": ("axum 0.8.1", "axum 0.9.0"),
            "axum environment": (None, "THREADS=2"),
        }

    def test_load_and_bodies(self) -> None:
        """Another duration, another version of the load tool, other bodies."""

        def edit(trial: TrialRecord) -> TrialRecord:
            assert trial.load is not None
            load = trial.load.model_copy(update={"tool_version": "4.2.0"})
            return trial.model_copy(update={"load": load, "exchanges": (exchange(100),)})

        after = _view(profiles=[closed_profile(duration_s=3.0)], edit=edit)
        found = {change.what: (change.before, change.after) for change in changes(_view(), after)}

        assert found == {
            "load tool wrk": ("4.1.0", "4.2.0"),
            "profile wrk-c50 duration_s": ("5.0", "3.0"),
            "workload json-small request body": ("86 bytes", "100 bytes"),
            "workload json-small response body": ("86 bytes", "100 bytes"),
        }

    def test_what_only_one_run_has_is_no_change(self) -> None:
        """A server, a profile or a tool more is listed among the cells, not here."""
        data = run_data({**BOTH, "robyn": Truth()}, profiles=[closed_profile(), open_profile()])
        tools = {**data.host.tools, "vegeta": "12"}
        more = run_view(data._replace(host=data.host.model_copy(update={"tools": tools})))

        assert changes(_view(), more) == ()
        assert changes(more, _view()) == ()

    def test_bodies_that_were_not_verified_are_no_change(self) -> None:
        """Nothing is known, nothing is claimed."""
        after = _view(edit=lambda _: None)

        assert not [c for c in changes(_view(), after) if c.what.startswith("workload")]
