"""Noise floor, differing copies, noisy hosts, outliers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.analysis import analyze
from bench.analysis.noise import copies, copy_pairs, residuals_of
from bench.analysis.trials import by_cell
from bench.model.copies import mark_copies
from bench.model.finding import finding
from bench.reports.wording.findings import in_words as told
from tests.factories import Truth, open_profile, run_data, with_status

if TYPE_CHECKING:
    from bench.model.finding import Finding
    from bench.model.summary import Summary
    from bench.model.trial_record import TrialRecord


def _finding(summary: Summary, code: str) -> Finding | None:
    return next((each for each in summary.findings if each.code == code), None)


def test_copies_give_the_noise_floor() -> None:
    """The end of the interval of their ratio that is farther from 1, as a share."""
    summary, _ = analyze(run_data({"a": Truth(), "again": Truth(server="a")}))
    (row,) = [r for r in summary.comparisons if r.metric == "throughput_rps"]
    assert row.verdict.low is not None
    assert row.verdict.high is not None
    farther = max(row.verdict.high, 1 / row.verdict.low) - 1

    assert summary.noise_floor == pytest.approx(farther)
    found = _finding(summary, "noise-floor")
    assert found is not None
    assert told(found).text.startswith("two copies of a may differ by up to")
    assert _finding(summary, "arms-differ") is None


def test_copies_that_are_tightly_apart_have_a_floor_beyond_that() -> None:
    """Copies 5 % apart with little spread: two copies may differ by 5 %, not by the spread."""
    truth = {"a": Truth(noise=0.001), "again": Truth(rps=57_000, noise=0.001, server="a")}
    floor = analyze(run_data(truth))[0].noise_floor

    assert floor is not None
    assert 0.05 < floor < 0.06


def test_without_copies_there_is_no_floor() -> None:
    """It is measured, not assumed."""
    summary, _ = analyze(run_data({"a": Truth(), "b": Truth()}))

    assert summary.noise_floor is None
    assert _finding(summary, "noise-floor") is None


def test_copies_that_differ_head_the_report() -> None:
    """The first finding of all says that this setup cannot be trusted so far."""
    truth = {"a": Truth(), "again": Truth(rps=66_000, server="a"), "b": Truth(drift=0.1)}
    summary, _ = analyze(run_data(truth))

    assert summary.findings[0].code == "arms-differ"
    assert told(summary.findings[0]).text.startswith(
        "this setup sees a difference between two copies of one server: again.json-small.wrk-c50"
    )


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (Truth(server="a"), (("a", "second"),)),
        (Truth(server="a", env=(("WORKERS", "2"),)), ()),
        (Truth(), ()),
    ],
)
def test_copies_are_equal_in_server_environment_and_build(
    second: Truth, expected: tuple[tuple[str, str], ...]
) -> None:
    """Another environment makes another arm, not a copy."""
    assert copy_pairs(run_data({"a": Truth(), "second": second}).plan) == expected


def test_builds_that_differ_make_no_copies() -> None:
    """Two git refs of one server are what is compared, not a noise floor."""
    plan = run_data({"a": Truth(), "b": Truth(server="a")}).plan
    arms = (plan.arms[0], plan.arms[1].model_copy(update={"hash": "else"}))

    assert copy_pairs(mark_copies(plan.model_copy(update={"arms": arms}))) == ()


def test_the_baseline_is_never_the_copy() -> None:
    """Wherever it stands, the others are copies of it."""
    data = run_data({"x": Truth(server="a"), "y": Truth(server="a")}, baseline="y")

    assert copy_pairs(data.plan) == (("y", "x"),)


def test_a_duet_says_nothing_about_copies_of_another_arm() -> None:
    """Beside the second b ran the baseline, not the first b: their difference is no noise."""
    truth = {"a": Truth(), "b": Truth(cpu_us=40.0), "b2": Truth(cpu_us=40.0, server="b")}
    data = run_data(truth)
    cells = by_cell(data.plan, data.trials)
    beside = tuple(cell._replace(partner=cells[0]) for cell in cells)

    assert [c.cell.server for c in cells] == ["a", "b", "b2"]
    assert copies([beside], copy_pairs(data.plan)) == ()
    assert len(copies([cells], copy_pairs(data.plan))) == 1


def test_three_copies_are_held_against_the_first() -> None:
    """Two pairs, not three."""
    truth = {name: Truth(server="a") for name in ("x", "y", "z")}

    assert copy_pairs(run_data(truth).plan) == (("x", "y"), ("x", "z"))


def test_copies_under_open_load_are_compared_by_p50() -> None:
    """All are offered the same rate: the rate would always agree."""
    truth = {"a": Truth(), "again": Truth(open_us=600, server="a")}
    summary, _ = analyze(run_data(truth, profiles=[open_profile()]))

    assert summary.findings[0].code == "arms-differ"


def test_copies_that_never_meet_give_no_floor() -> None:
    """One of them is left out of the only workload."""
    data = run_data({"a": Truth(), "again": Truth(server="a")})
    plan = data.plan.model_copy(update={"cells": data.plan.cells[:1]})

    assert analyze(data._replace(plan=plan))[0].noise_floor is None


def test_a_copy_without_trials_gives_no_floor() -> None:
    """Nothing to compare."""
    edit = with_status("failed", "server-died", where=lambda t: t.server == "again")
    truth = {"a": Truth(), "again": Truth(server="a")}

    assert analyze(run_data(truth, edit=edit))[0].noise_floor is None


def test_two_rounds_of_copies_give_no_floor() -> None:
    """No interval, no half-width, and no call that they differ."""
    summary, _ = analyze(run_data({"a": Truth(), "again": Truth(rps=90_000, server="a")}, rounds=2))

    assert summary.noise_floor is None
    assert _finding(summary, "arms-differ") is None


class TestNoisyHost:
    @staticmethod
    def _run(*, noise: float, suspect: int) -> Summary:
        truth = {name: Truth(noise=noise) for name in ("a", "b", "c")}
        edit = with_status("suspect", "steal", where=lambda t: t.round <= suspect)
        return analyze(run_data(truth, edit=edit))[0]

    def test_many_suspect_trials_and_much_noise(self) -> None:
        """Both together make a noisy host."""
        found = _finding(self._run(noise=0.1, suspect=2), "noisy-host")

        assert found is not None
        assert told(found).text.startswith("6 of 15 trials are suspect")

    @pytest.mark.parametrize(("noise", "suspect"), [(0.1, 1), (0.1, 0), (0.002, 5)])
    def test_either_alone_does_not(self, noise: float, suspect: int) -> None:
        """20 % suspect is everyday on a virtual machine, and so is noise without a cause."""
        assert _finding(self._run(noise=noise, suspect=suspect), "noisy-host") is None

    def test_the_noise_floor_counts_as_noise(self) -> None:
        """Copies that cannot be told apart below the margin are noise enough."""
        edit = with_status("suspect", "steal", where=lambda t: t.round <= 2)
        truth = {"a": Truth(noise=0.1), "again": Truth(noise=0.1, server="a")}

        assert _finding(analyze(run_data(truth, edit=edit))[0], "noisy-host") is not None


def _slow_trial(trial: TrialRecord) -> TrialRecord:
    if trial.server != "b" or trial.round != 3 or trial.load is None:
        return trial
    load = trial.load.model_copy(update={"throughput_rps": trial.load.throughput_rps * 0.85})
    return trial.model_copy(update={"load": load})


def test_a_trial_that_fits_nothing_is_hinted_at_and_kept() -> None:
    """It is named as an outlier and still counts."""
    truth = {name: Truth(noise=0.005) for name in ("a", "b", "c", "d", "e")}
    summary, _ = analyze(run_data(truth, edit=_slow_trial))
    found = [each for each in summary.findings if each.code == "outlier"]

    assert [each.scope for each in found] == ["r03-b.json-small.wrk-c50"]
    assert told(found[0]).text.startswith("-1")
    assert summary.cells[1].trials.valid == 5


@pytest.mark.parametrize(("servers", "rounds"), [(2, 5), (5, 2)])
def test_small_tables_give_no_hints(servers: int, rounds: int) -> None:
    """Two rows or two columns cannot tell which of them is odd; the spread is there."""
    data = run_data({f"s{k}": Truth(noise=0.2) for k in range(servers)}, rounds=rounds)
    found = residuals_of(by_cell(data.plan, data.trials))

    assert found is not None
    assert found.hints == ()
    assert found.spread > 0.05


@pytest.mark.parametrize(("servers", "rounds"), [(1, 5), (5, 1)])
def test_one_server_or_one_round_has_no_residuals(servers: int, rounds: int) -> None:
    """A single row explains itself."""
    data = run_data({f"s{k}": Truth() for k in range(servers)}, rounds=rounds)

    assert residuals_of(by_cell(data.plan, data.trials)) is None


def test_nothing_measured_is_not_polished() -> None:
    """All failed."""
    edit = with_status("failed", "server-died", where=lambda _: True)
    data = run_data({"a": Truth(), "b": Truth(), "c": Truth()}, edit=edit)

    assert residuals_of(by_cell(data.plan, data.trials)) is None


class TestUnsteadyCpu:
    @staticmethod
    def _run(times_us: dict[int, float], truth: dict[str, Truth] | None = None) -> Summary:
        """Trials of some rounds whose cores took so long; those of others took 260 us."""

        def edit(trial: TrialRecord) -> TrialRecord:
            took = times_us.get(trial.round, 260.0)
            counters = trial.counters.model_copy(update={"work_us": took})
            return trial.model_copy(update={"counters": counters})

        return analyze(run_data(truth or {"a": Truth(), "b": Truth()}, edit=edit))[0]

    def test_cores_that_were_slow_in_many_trials(self) -> None:
        """The share of them, and by how much."""
        found = _finding(self._run({1: 350.0, 4: 420.0}), "unsteady-cpu")

        assert found is not None
        assert told(found).text == (
            "in 4 of 10 trials the server's cores took 48 % longer (the median; 62 % at most) for "
            "one fixed computation than in the fastest tenth of all; no counter shows why"
        )
        assert told(found).advice.endswith("(bench ab, cost: true)")

    def test_a_run_that_has_pairs_is_not_advised_to_have_them(self) -> None:
        """There it is said that they stand."""
        plain = finding("unsteady-cpu", "host", "run", slow=4, trials=9, longer=0.2, most=0.3)
        paired = plain.model_copy(update={"evidence": {**plain.evidence, "pairs": True}})

        assert "cost: true" in told(plain).advice
        assert "cost: true" not in told(paired).advice
        assert "pairs at the same time and stands" in told(paired).advice

    @pytest.mark.parametrize("times_us", [{}, {3: 400.0}, dict.fromkeys((2, 3, 4), 285.0)])
    def test_a_few_of_them_or_a_little_slower(self, times_us: dict[int, float]) -> None:
        """One round in five, and a tenth, are everyday."""
        assert _finding(self._run(times_us), "unsteady-cpu") is None

    def test_where_it_is_not_known(self) -> None:
        """macOS holds no thread on a core."""
        summary, _ = analyze(run_data({"a": Truth(), "b": Truth()}))

        assert _finding(summary, "unsteady-cpu") is None
