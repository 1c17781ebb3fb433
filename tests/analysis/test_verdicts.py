"""Verdicts within one workload and profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.analysis import analyze
from bench.analysis.trials import by_cell
from bench.analysis.verdicts import BASELINE, NoiseBounds, Ratio, decide, paired_ratio
from bench.model.metric_names import HIGHER_IS_BETTER, METRICS
from bench.reports.wording.verdict_words import verdict_text
from bench.stats.intervals import Estimate, paired
from tests.factories import Truth, closed_profile, open_profile, run_data, with_status

if TYPE_CHECKING:
    from bench.model.summary import Comparison, Verdict
    from bench.model.trial_record import TrialRecord

FAST = paired([1.10, 1.11, 1.09, 1.10, 1.10], [1.0] * 5)
SLOW = paired([0.80, 0.81, 0.79, 0.80, 0.80], [1.0] * 5)
SAME = paired([1.001, 0.999, 1.0, 1.002, 0.998], [1.0] * 5)


def _rows(rows: tuple[Comparison, ...], metric: str) -> dict[str, Verdict]:
    return {row.server: row.verdict for row in rows if row.metric == metric}


def test_true_differences_get_their_words() -> None:
    """Known truth comes out: slower, faster, equivalent."""
    data = run_data(
        {
            "axum": Truth(rps=60_000),
            "spikard": Truth(rps=17_000),
            "ceiling-like": Truth(rps=90_000),
            "again": Truth(rps=60_000, noise=0.002, server="other"),
        },
        rounds=7,
    )
    summary, _ = analyze(data)
    found = _rows(summary.comparisons, "throughput_rps")

    assert found["spikard"].word == "slower"
    assert found["spikard"].beyond_margin
    assert found["spikard"].ratio == pytest.approx(17 / 60, rel=0.03)
    assert found["ceiling-like"].word == "faster"
    assert found["again"].word == "equivalent"
    assert not found["again"].beyond_margin
    assert "axum" not in found


def test_rows_are_the_verdicts_of_the_cells() -> None:
    """`comparisons` says what the cells say, the baseline left out."""
    data = run_data(
        {"a": Truth(), "b": Truth(rps=50_000)}, profiles=[closed_profile(), open_profile()]
    )
    summary, _ = analyze(data)
    rows = {(r.server, r.profile, r.metric): r.verdict for r in summary.comparisons}
    cells = {
        (cell.server, cell.profile, name): metric.verdict
        for cell in summary.cells
        for name, metric in cell.metrics
        if metric is not None and metric.verdict is not None
    }

    assert rows == {key: verdict for key, verdict in cells.items() if key[0] != "a"}
    assert {verdict.word for key, verdict in cells.items() if key[0] == "a"} == {"baseline"}


def test_latencies_are_compared_in_the_open_loop_only() -> None:
    """The closed loop's percentiles are shown without a verdict, the open loop's rate too."""
    data = run_data({"a": Truth(), "b": Truth()}, profiles=[closed_profile(), open_profile()])
    summary, _ = analyze(data)
    closed, opened = (
        next(c.metrics for c in summary.cells if c.server == "b" and c.profile == profile)
        for profile in ("wrk-c50", "oha-c50-r2000")
    )

    assert closed.p99_us is not None
    assert closed.p99_us.verdict is None
    assert closed.throughput_rps is not None
    assert closed.throughput_rps.verdict is not None
    assert opened.p99_us is not None
    assert opened.p99_us.verdict is not None
    assert opened.throughput_rps is not None
    assert opened.throughput_rps.verdict is None


@pytest.mark.parametrize("metric", METRICS)
def test_words_follow_the_direction_of_the_metric(metric: str) -> None:
    """1.10 is faster where more is better, and more where it costs."""
    found = decide(metric, {"fast": Ratio(FAST), "slow": Ratio(SLOW)}, 0.02)
    expected = ("faster", "slower") if metric in HIGHER_IS_BETTER else ("more", "less")

    assert (found["fast"].word, found["slow"].word) == expected
    assert found["fast"].beyond_margin
    assert found["slow"].beyond_margin


def test_p_values_are_corrected_over_all_servers_given() -> None:
    """Each p is at least as large among many as alone."""
    alone = decide(METRICS[0], {"fast": Ratio(FAST)}, 0.02)["fast"].p_holm
    many = {f"s{k}": Ratio(SAME) for k in range(9)} | {"fast": Ratio(FAST)}
    among = decide(METRICS[0], many, 0.02)["fast"].p_holm

    assert alone is not None
    assert among == pytest.approx(10 * alone)


def test_what_correction_takes_away_is_told() -> None:
    """A borderline server among many is inconclusive, and the sentence says why."""
    borderline = paired([1.09, 1.02, 1.14, 1.05, 1.03], [1.0] * 5)
    assert borderline.p is not None
    assert 0.01 < borderline.p < 0.05
    many = {f"s{k}": Ratio(SAME) for k in range(9)} | {"x": Ratio(borderline)}
    found = decide(METRICS[0], many, 0.02)["x"]

    assert found.word == "inconclusive"
    assert verdict_text(found).startswith("probably faster")
    assert "not after correction for 10 comparisons" in verdict_text(found)


class TestLowerBounds:
    WHY = "the load tool was the limit"

    @pytest.mark.parametrize(
        ("ratio", "word"), [(FAST, "faster"), (SLOW, "inconclusive"), (SAME, "inconclusive")]
    )
    def test_a_lower_bound_is_never_called_slower_or_equivalent(
        self, ratio: Estimate, word: str
    ) -> None:
        """`at least`: it may be called faster, no more."""
        found = decide(METRICS[0], {"x": Ratio(ratio)}, 0.02, NoiseBounds({"x": self.WHY}, {}))["x"]

        assert found.word == word
        assert verdict_text(found).startswith(f"x reaches at least {ratio.value:.2f}")
        assert found.beyond_margin == (word == "faster")

    @pytest.mark.parametrize(
        ("ratio", "word"), [(SLOW, "slower"), (FAST, "inconclusive"), (SAME, "inconclusive")]
    )
    def test_against_a_lower_bound_nothing_is_called_faster(
        self, ratio: Estimate, word: str
    ) -> None:
        """`at most`: the baseline could do more."""
        found = decide(METRICS[0], {"x": Ratio(ratio)}, 0.02, NoiseBounds({}, {"x": self.WHY}))["x"]

        assert found.word == word
        assert "at most" in verdict_text(found)
        assert self.WHY in verdict_text(found)

    def test_two_lower_bounds_say_nothing(self) -> None:
        """Both could do more."""
        bounds = NoiseBounds({"x": self.WHY}, {"x": self.WHY})
        found = decide(METRICS[0], {"x": Ratio(FAST)}, 0.02, bounds)["x"]

        assert found.word == "inconclusive"
        assert not found.beyond_margin
        assert "both rates are lower bounds" in verdict_text(found)

    def test_cpu_per_request_still_compares(self) -> None:
        """Whoever was the limit, a request costs what it costs."""
        bounds = NoiseBounds({"x": self.WHY}, {})
        found = decide("cpu_us_per_request", {"x": Ratio(SLOW)}, 0.02, bounds)["x"]

        assert found.word == "less"

    def test_too_few_rounds_come_first(self) -> None:
        """Without an interval there is nothing to bound."""
        two = Ratio(paired([2.0, 2.0], [1.0, 1.0]))
        found = decide(METRICS[0], {"x": two}, 0.02, NoiseBounds({"x": self.WHY}, {}))["x"]

        assert found.word == "too-few-rounds"


def test_a_result_that_depends_on_one_round_says_so() -> None:
    """Seven rounds, one wild: the t interval and the exact test disagree, the round is named."""
    changed = {1: 1.0014, 2: 1.0016, 3: 1.0015, 4: 0.9999, 5: 0.9995, 6: 1.0013, 7: 1.0017}

    def edit(trial: TrialRecord) -> TrialRecord:
        rate = 1000.0 * (changed[trial.round] if trial.server == "b" else 1.0)
        assert trial.load is not None
        load = trial.load.model_copy(update={"throughput_rps": rate})
        return trial.model_copy(update={"load": load})

    data = run_data({"a": Truth(), "b": Truth()}, rounds=7, edit=edit)
    a, b = by_cell(data.plan, data.trials)
    found = paired_ratio(b, a, "throughput_rps")

    assert found is not None
    assert found.estimate.p is not None
    assert found.estimate.p < 0.05
    assert found.odd_round == 5


def test_only_common_rounds_are_paired() -> None:
    """A round in which one side failed enters neither side."""
    data = run_data(
        {"a": Truth(), "b": Truth()},
        edit=with_status("failed", "server-died", where=lambda t: t.trial.startswith("r02-b")),
    )
    a, b = by_cell(data.plan, data.trials)
    found = paired_ratio(b, a, "throughput_rps")

    assert found is not None
    assert found.estimate.n == 4


def test_no_common_round_is_not_comparable() -> None:
    """One side failed where the other did not."""
    edit = with_status("failed", "server-died", where=lambda t: (t.round < 3) == (t.server == "b"))
    summary, _ = analyze(run_data({"a": Truth(), "b": Truth()}, edit=edit))
    found = _rows(summary.comparisons, "throughput_rps")["b"]

    assert found.word == "not-comparable"
    assert verdict_text(found) == "not comparable: no round in which both were measured"


@pytest.mark.parametrize("profile", [closed_profile(), open_profile()])
def test_a_failed_server_is_not_comparable_and_the_cause_is_told(profile: object) -> None:
    """Its metrics are null; one row names it, in either loop."""
    data = run_data(
        {"a": Truth(), "b": Truth()},
        profiles=[profile],  # type: ignore[list-item] # the test gives what the type would not
        edit=with_status("failed", "server-not-ready", where=lambda t: t.server == "b"),
    )
    summary, _ = analyze(data)
    (row,) = [row for row in summary.comparisons if row.server == "b"]

    assert row.verdict.word == "not-comparable"
    assert verdict_text(row.verdict) == "not comparable: no usable trial (failed: server-not-ready)"
    assert row.verdict.ratio is None
    assert all(metric is None for _, metric in summary.cells[1].metrics)


def test_a_server_without_any_record_is_told_apart() -> None:
    """Half a run: what never ran is not called failed."""
    data = run_data({"a": Truth(), "b": Truth()}, edit=lambda t: t if t.server == "a" else None)
    summary, _ = analyze(data)

    assert verdict_text(summary.comparisons[0].verdict) == "not comparable: no trial was recorded"


def test_a_metric_that_one_side_lacks_is_not_comparable() -> None:
    """Memory that was not measured, percentiles with too few requests beyond."""

    def edit(trial: TrialRecord) -> TrialRecord:
        if trial.server != "b" or trial.load is None or trial.load.latency_us is None:
            return trial
        latency = trial.load.latency_us.model_copy(update={"percentiles": {"50": 400.0}})
        return trial.model_copy(
            update={
                "load": trial.load.model_copy(update={"latency_us": latency}),
                "resources": trial.resources.model_copy(update={"rss_peak_bytes": None}),
            }
        )

    data = run_data({"a": Truth(), "b": Truth()}, profiles=[open_profile()], edit=edit)
    rows = analyze(data)[0].comparisons
    (memory,) = _rows(rows, "rss_peak_bytes").values()
    (tail,) = _rows(rows, "p99_us").values()

    assert verdict_text(memory) == "not comparable: not measured"
    assert verdict_text(tail) == "not comparable: too few requests beyond it"


def test_the_baseline_is_called_baseline() -> None:
    """With ratio 1 and nothing else."""
    summary, _ = analyze(run_data({"a": Truth(), "b": Truth()}))
    metric = summary.cells[0].metrics.throughput_rps

    assert metric is not None
    assert metric.verdict == BASELINE


def test_a_copy_takes_no_power_from_the_candidate() -> None:
    """Holm's family holds candidates only: with one of them its p is not corrected."""
    truth = {"a": Truth(), "a2": Truth(server="a"), "b": Truth(rps=59_000)}
    data = run_data(truth)
    found = _rows(analyze(data)[0].comparisons, "throughput_rps")
    base, copy, other = by_cell(data.plan, data.trials)
    ratios = [paired_ratio(each, base, "throughput_rps") for each in (copy, other)]

    assert list(found) == ["a2", "b"]
    assert [verdict.p_holm for verdict in found.values()] == [
        ratio.estimate.p for ratio in ratios if ratio
    ]
