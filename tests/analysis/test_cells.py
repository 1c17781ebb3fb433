"""One cell over all rounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from bench.analysis import RunData, analyze
from bench.model.load_result import ErrorCounts
from bench.stats.histogram import Histogram
from tests.factories import Truth, closed_profile, exchange, open_profile, run_data

if TYPE_CHECKING:
    from bench.model.summary import CellSummary
    from bench.model.trial_record import TrialRecord
    from tests.factories import Edit


def _cell(data: RunData) -> CellSummary:
    return analyze(data)[0].cells[0]


def _with_load(**change: Any) -> Edit:
    def edit(trial: TrialRecord) -> TrialRecord:
        assert trial.load is not None
        return trial.model_copy(update={"load": trial.load.model_copy(update=change)})

    return edit


def test_the_rate_is_the_geometric_mean_with_its_interval() -> None:
    """Value, interval and n of the rounds."""
    data = run_data({"a": Truth()})
    rates = [trial.load.throughput_rps for trial in data.trials if trial.load]
    metric = _cell(data).metrics.throughput_rps

    assert metric is not None
    assert metric.value == pytest.approx(math.prod(rates) ** (1 / 5))
    assert metric.low is not None
    assert metric.high is not None
    assert metric.low < metric.value < metric.high
    assert metric.n == 5


def test_the_true_values_come_out() -> None:
    """CPU, memory and requests per CPU-second are near what the run was made of."""
    cell = _cell(run_data({"a": Truth(cpu_us=25.0, rss=30_000_000)}))
    cpu, per_second = cell.metrics.cpu_us_per_request, cell.metrics.requests_per_cpu_second
    memory = cell.metrics.rss_peak_bytes

    assert cpu is not None
    assert cpu.value == pytest.approx(25.0, rel=0.02)
    assert per_second is not None
    assert per_second.value == pytest.approx(1e6 / cpu.value)
    assert memory is not None
    assert memory.value == pytest.approx(3e7, rel=0.02)
    assert cell.metrics.instructions_per_request is None


def test_start_and_memory_over_the_trials() -> None:
    """The middle start, and the mean slope with an interval that holds the true one."""
    late = {1: 0.9, 2: 0.21, 3: 0.2, 4: 0.22, 5: None}

    def edit(trial: TrialRecord) -> TrialRecord:
        return trial.model_copy(update={"startup_s": late[trial.round]})

    summary, details = analyze(run_data({"a": Truth(growth=50_000.0)}, edit=edit))
    cell, ends = summary.cells[0], details[0].memory_slope

    assert cell.startup_s == pytest.approx(0.215)
    assert cell.memory_slope_bytes_per_s == pytest.approx(50_000, abs=1000)
    assert ends is not None
    assert ends[0] < 50_000 < ends[1]
    assert details[0].first_request_s == pytest.approx(0.0033)


def test_what_no_trial_tells_is_not_there() -> None:
    """Results from elsewhere know neither start nor memory."""

    def edit(trial: TrialRecord) -> TrialRecord:
        used = trial.resources.model_copy(update={"memory_slope_bytes_per_s": None})
        return trial.model_copy(update={"startup_s": None, "resources": used})

    cell = _cell(run_data({"a": Truth()}, edit=edit))

    assert (cell.startup_s, cell.memory_slope_bytes_per_s) == (None, None)


class TestLatency:
    def test_histograms_are_merged_and_never_averaged(self) -> None:
        """Least, mean, greatest and percentiles are those of all requests together."""
        data = run_data({"a": Truth()})
        every = sorted(
            us
            for trial in data.trials
            for us, count in (data.histogram(trial.trial) or Histogram.of({})).pairs()
            for _ in range(count)
        )
        latency = _cell(data).latency_us

        assert latency is not None
        assert (latency.min, latency.max) == (every[0], every[-1])
        assert latency.mean == pytest.approx(sum(every) / len(every))
        assert latency.percentiles["99"] == every[math.ceil(0.99 * len(every)) - 1]

    def test_a_percentile_needs_ten_requests_beyond_it_in_each_trial(self) -> None:
        """5 x 2,000 requests are not 10,000: p99.9 of one trial has two beyond it."""
        data = run_data({"a": Truth()}, profiles=[open_profile(rate_rps=400.0)])
        latency = _cell(data).latency_us

        assert latency is not None
        assert latency.percentiles["99"] is not None
        assert latency.percentiles["99.9"] is None

    def test_timeouts_rank_above_all(self) -> None:
        """2 % of requests that never came: p90 moves up, p99 is among them."""
        plain = _cell(run_data({"a": Truth()})).latency_us
        late = _cell(
            run_data({"a": Truth()}, edit=_with_load(errors=ErrorCounts(timeout=6_000)))
        ).latency_us

        assert plain is not None
        assert late is not None
        assert plain.percentiles["90"] is not None
        assert late.percentiles["90"] is not None
        assert late.percentiles["90"] > plain.percentiles["90"]
        assert late.percentiles["99"] is None

    def test_without_histograms_percentiles_are_not_made_up(self) -> None:
        """Results measured elsewhere: extremes and mean combine, percentiles do not."""
        data = run_data({"a": Truth()})._replace(histogram=lambda _: None)
        with_them, without = _cell(run_data({"a": Truth()})).latency_us, _cell(data).latency_us

        assert with_them is not None
        assert without is not None
        assert (without.min, without.max) == (with_them.min, with_them.max)
        assert without.mean == pytest.approx(with_them.mean)
        assert set(without.percentiles.values()) == {None}

    def test_a_single_trial_without_histogram_keeps_its_percentiles(self) -> None:
        """There is nothing to merge."""
        data = run_data({"a": Truth()}, rounds=1)._replace(histogram=lambda _: None)
        latency, load = _cell(data).latency_us, data.trials[0].load

        assert latency is not None
        assert load is not None
        assert load.latency_us is not None
        assert latency.percentiles == load.latency_us.percentiles

    def test_what_the_tool_does_not_tell_is_none(self) -> None:
        """wrk's own text has no least latency, and sometimes no mean."""

        def edit(trial: TrialRecord) -> TrialRecord:
            assert trial.load is not None
            assert trial.load.latency_us is not None
            latency = trial.load.latency_us.model_copy(update={"min": None, "mean": None})
            return _with_load(latency_us=latency)(trial) or trial

        data = run_data({"a": Truth()}, edit=edit)._replace(histogram=lambda _: None)
        latency = _cell(data).latency_us

        assert latency is not None
        assert (latency.min, latency.mean) == (None, None)
        assert latency.max > 0

    def test_no_latency_at_all_is_none(self) -> None:
        """A tool that tells nothing."""
        data = run_data({"a": Truth()}, edit=_with_load(latency_us=None))

        assert _cell(data).latency_us is None

    def test_a_mean_of_nothing_is_none(self) -> None:
        """A trial whose tool counted no success."""

        def edit(trial: TrialRecord) -> TrialRecord:
            assert trial.load is not None
            assert trial.load.latency_us is not None
            latency = trial.load.latency_us.model_copy(update={"count": 0})
            return _with_load(latency_us=latency)(trial) or trial

        data = run_data({"a": Truth()}, edit=edit)._replace(histogram=lambda _: None)
        latency = _cell(data).latency_us

        assert latency is not None
        assert latency.mean is None


class TestSuccess:
    def test_everything_answered_is_exactly_1(self) -> None:
        """And requests in flight when the window closed are no failures."""
        edit = _with_load(errors=ErrorCounts(deadline=50))

        assert _cell(run_data({"a": Truth()}, edit=edit)).success_rate == 1.0

    def test_every_kind_of_failure_counts(self) -> None:
        """Statuses, connections, reads, writes, timeouts and others."""
        errors = ErrorCounts(connect=1, read=2, write=3, timeout=4, status=5, deadline=9, other=6)
        data = run_data({"a": Truth()}, edit=_with_load(ok=979, errors=errors))

        assert _cell(data).success_rate == pytest.approx(979 / 1000)

    def test_a_tool_that_tells_no_errors_is_taken_at_its_word(self) -> None:
        """ok of ok."""
        assert _cell(run_data({"a": Truth()}, edit=_with_load(errors=None))).success_rate == 1.0

    def test_errors_of_trials_that_do_not_count_are_counted_apart(self) -> None:
        def edit(trial: TrialRecord) -> TrialRecord:
            assert trial.load
            load = trial.load.model_copy(update={"ok": 0, "errors": ErrorCounts(read=7)})
            update = {"status": "invalid", "reasons": ("errors",), "load": load}
            return trial.model_copy(update=update)

        failed = _cell(run_data({"a": Truth()}, rounds=2, edit=edit))
        sound = _cell(run_data({"a": Truth()}, rounds=2))

        assert (failed.total_requests, failed.errors, failed.errors_excluded) == (None, None, 14)
        assert (sound.errors, sound.errors_excluded) == (0, None)

    def test_total_requests_are_summed_over_usable_trials(self) -> None:
        """Complete responses of any status."""
        data = run_data({"a": Truth()})

        assert _cell(data).total_requests == sum(t.load.requests for t in data.trials if t.load)


class TestBytes:
    def test_bytes_are_rate_times_verified_body(self) -> None:
        """wrk counts headers too; the body is what was verified."""
        cell = _cell(run_data({"a": Truth()}, workloads=["json-medium"]))

        assert cell.metrics.throughput_rps is not None
        assert cell.bytes_per_s == pytest.approx(4096 * cell.metrics.throughput_rps.value)

    def test_kinds_count_by_their_weight(self) -> None:
        """Three of 100 bytes for one of 500: 200 on average."""

        def edit(trial: TrialRecord) -> TrialRecord:
            mixed = (exchange(100, 3), exchange(500, 1))
            return trial.model_copy(update={"exchanges": mixed})

        summary, details = analyze(run_data({"a": Truth()}, edit=edit))
        rate = summary.cells[0].metrics.throughput_rps

        assert rate is not None
        assert summary.cells[0].bytes_per_s == pytest.approx(200 * rate.value)
        assert (details[0].request_bytes, details[0].body_bytes) == (200, 200)

    def test_an_empty_body_is_zero_bytes(self) -> None:
        """Known to be nothing is not unknown."""

        def edit(trial: TrialRecord) -> TrialRecord:
            return trial.model_copy(update={"exchanges": (exchange(0),)})

        assert _cell(run_data({"a": Truth()}, edit=edit)).bytes_per_s == 0.0

    def test_without_verified_bodies_the_tools_own_count_is_taken(self) -> None:
        """Where it counts bodies; bytes on the wire are not passed off as such."""

        def bare(trial: TrialRecord) -> TrialRecord:
            return trial.model_copy(update={"exchanges": ()})

        by_oha = run_data({"a": Truth()}, profiles=[closed_profile("oha", tool="oha")], edit=bare)
        by_wrk = run_data({"a": Truth()}, edit=bare)
        seconds = 5 * 5.0

        assert _cell(by_oha).bytes_per_s == pytest.approx(
            sum(trial.load.bytes_in for trial in by_oha.trials if trial.load) / seconds
        )
        assert _cell(by_wrk).bytes_per_s is None


class TestOpenLoop:
    def test_achieved_over_offered(self) -> None:
        """A server that can do half of what is offered achieves half."""
        cell = _cell(run_data({"a": Truth(rps=1_000)}, profiles=[open_profile(rate_rps=2_000)]))

        assert cell.offered_rps == 2_000
        assert cell.achieved_ratio == pytest.approx(0.5, rel=0.05)

    def test_a_closed_loop_offers_nothing(self) -> None:
        """No rate, no ratio."""
        cell = _cell(run_data({"a": Truth()}))

        assert (cell.offered_rps, cell.achieved_ratio) == (None, None)

    def test_the_offered_rate_of_a_failed_cell_is_that_of_the_plan(self) -> None:
        """What was going to be offered."""
        data = run_data({"a": Truth()}, profiles=[open_profile()], edit=lambda _: None)
        cell = _cell(data)

        assert (cell.offered_rps, cell.achieved_ratio) == (2000.0, None)
