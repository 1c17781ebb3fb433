"""What a session keeps of its trials is small and decides as the whole records do."""

from __future__ import annotations

import tracemalloc

import pytest

from bench.analysis import precision
from bench.analysis.trials import by_cell
from bench.model.trial_record import cpu_us_per_request
from bench.run.compact import slim
from tests.factories import Truth, run_data

_METRICS = ("throughput_rps", "requests_per_cpu_second", "p50_us", "p99_us", "rss_peak_bytes")
_PER_TRIAL_MAX = 7_000


def test_without_a_precision_metrics_go_too() -> None:
    """Whether a cell is usable, and how long its trials took, is still known."""
    record = run_data({"one": Truth()}, rounds=1).trials[0]
    small = slim(record, metrics=False)

    assert small.load is None
    assert (small.trial, small.status, small.cell) == (record.trial, record.status, record.cell)
    assert small.usable == record.usable
    assert small.phases_s.total == record.phases_s.total


@pytest.mark.parametrize("wanted", [0.001, 0.5])
def test_decisions_are_the_same(wanted: float) -> None:
    """Precision, the time to go and every metric of a cell read the same as from whole records."""
    data = run_data({"one": Truth(), "two": Truth(12_000.0)}, rounds=6)
    plan = data.plan.model_copy(update={"precision": wanted, "max_rounds": 20})
    kept = [slim(record) for record in data.trials]

    assert precision(plan, kept) == precision(plan, data.trials)
    for whole, small in zip(by_cell(plan, data.trials), by_cell(plan, kept), strict=True):
        assert small.counts == whole.counts
        for metric in _METRICS:
            assert small.values(metric) == whole.values(metric) != {}
    assert [t.phases_s.total for t in kept] == [t.phases_s.total for t in data.trials]
    assert [record.cell for record in kept] == [record.cell for record in data.trials]


def test_both_arms_of_a_duet_are_kept() -> None:
    """The baseline's part keeps its own load and CPU time."""
    record = run_data({"one": Truth()}, rounds=1).trials[0]
    part = {
        name: getattr(record, name)
        for name in ("server_process", "load", "resources", "counters", "exchanges", "sidechannel")
    }
    partner = {"server": "base", "start_s": 0.1, "first": True, **part}
    duet = type(record).model_validate({**record.model_dump(), "partner": partner})
    small = slim(duet).partner

    assert small is not None
    assert small.server == "base"
    assert small.load is not None
    assert record.load is not None
    assert small.load.throughput_rps == record.load.throughput_rps
    assert cpu_us_per_request(slim(duet)) == cpu_us_per_request(record)


def test_a_trial_takes_little_memory() -> None:
    """A trial adds a fraction of the 20 KB that its record takes."""
    text = run_data({"one": Truth()}, rounds=1).trials[0].model_dump_json()
    kind = type(run_data({"one": Truth()}, rounds=1).trials[0])
    slim(kind.model_validate_json(text))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [slim(kind.model_validate_json(text)) for _ in range(100)]
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert grown / len(kept) < _PER_TRIAL_MAX
