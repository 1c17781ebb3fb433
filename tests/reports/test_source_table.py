"""With the source report's numbers, its table comes out cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.model.load_result import ErrorCounts, LatencySummary
from tests.factories import Truth, run_data, run_view
from tests.reports import samples

if TYPE_CHECKING:
    from bench.model.summary import RunView
    from bench.model.trial_record import TrialRecord

SOURCE = """\
| Metric | Rust Baseline | Spikard Python | Ratio |
| **Requests/sec** | 65,983 | 18,427 | 3.58x |
| **Average Latency** | 0.76 ms | 2.71 ms | 3.58x |
| **Fastest** | 0.03 ms | 0.22 ms | 7.33x |
| **Slowest** | 8.32 ms | 50.07 ms | 6.02x |
| **Throughput** | 5.67 MB/s | 1.58 MB/s | 3.58x |
| **Success Rate** | 100% | 100% | 1.0x |
| **Total Requests** | 659,826 | 184,267 | 3.58x |
""".splitlines()
MEASURED = {
    "axum": (65_982.6, 659_826, (30.0, 757.4, 8_320.0)),
    "spikard": (18_426.7, 184_267, (220.0, 2_712.4, 50_070.0)),
}


def _as_measured(trial: TrialRecord) -> TrialRecord:
    rate, total, (least, mean, most) = MEASURED[trial.server]
    assert trial.load is not None
    latency = LatencySummary(
        count=total, min=least, mean=mean, max=most, exact=False, source="raw", percentiles={}
    )
    load = trial.load.model_copy(
        update={
            "requests": total,
            "ok": total,
            "duration_s": 10.0,
            "throughput_rps": rate,
            "errors": ErrorCounts(),
            "latency_us": latency,
        }
    )
    return trial.model_copy(update={"load": load})


def _source_run() -> RunView:
    data = run_data({"axum": Truth(), "spikard": Truth()}, rounds=1, edit=_as_measured)
    titles = {"axum": "Rust Baseline", "spikard": "Spikard Python"}
    arms = tuple(
        arm.model_copy(update={"config": arm.config.model_copy(update={"title": titles[arm.name]})})
        for arm in data.plan.arms
    )
    plan = data.plan.model_copy(
        update={"arms": arms, "workload_titles": {"json-small": "JSON Small"}}
    )
    return run_view(data._replace(plan=plan, histogram=lambda _: None))


def test_table_of_the_source_report() -> None:
    """The first rows are those of the source, in its columns, units and number formats."""
    lines = samples.text(_source_run()).splitlines()
    begin = lines.index(SOURCE[0])

    assert [lines[begin], *lines[begin + 2 : begin + 9]] == SOURCE


def test_heading_names_workload_and_size() -> None:
    """Sizes are those of the bytes really sent."""
    assert "### JSON Small (86 bytes per request)" in samples.text(_source_run())


def test_marked_where_the_baseline_is_worse() -> None:
    """With the faster server second, the ratio stays above 1 and says that it is better."""
    data = run_data({"spikard": Truth(rps=18_427), "axum": Truth(rps=65_983)}, rounds=1)
    page = samples.text(run_view(data))
    row = next(line for line in page.splitlines() if line.startswith("| **Requests/sec**"))

    assert row.endswith("x better |")
    assert '"better" marks the rows in which the baseline is the worse one' in page
