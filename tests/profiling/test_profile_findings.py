"""What is said about a profile follows from its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.profiling.profile_findings import judge_breakdown, judge_profile
from bench.reports.wording.findings import in_words as told
from tests.factories import Truth, run_data
from tests.profiles import breakdown, profile_run

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.cpu_profile import ProfileRecord

from bench.model.cpu_profile import ProfileRecord as Record
from bench.store.run_directory import RunDirectory


@pytest.fixture
def record(tmp_path: Path) -> ProfileRecord:
    """A profile by perf of trials that differ by noise only."""
    run = profile_run(tmp_path)
    return RunDirectory(run).read_model("profiles/spikard.json", Record)


def slowed(record: ProfileRecord, share: float) -> ProfileRecord:
    """The same with a profiler that took that share of the throughput."""
    plain = run_data({"a": Truth(rps=1_000, noise=0.0)}, block_noise=0.0).trials[0]
    load = plain.load
    assert load is not None
    slower = load.model_copy(update={"throughput_rps": load.throughput_rps * (1 - share)})
    profiled = plain.model_copy(update={"load": slower})
    return record.model_copy(update={"plain": plain, "profiled": profiled})


def test_the_slowdown_is_told_and_a_large_one_warns(record: ProfileRecord) -> None:
    """Above a fifth the order of categories is more to be trusted than their shares."""
    (little,) = judge_profile(slowed(record, 0.05), ())
    (much,) = judge_profile(slowed(record, 0.30), ())

    assert (little.severity, told(little).advice) == ("info", "")
    assert "5" in told(little).text
    assert much.severity == "warning"
    assert "30" in told(much).text
    assert "order of the categories" in told(much).advice


def test_methods_that_were_passed_over_are_named(record: ProfileRecord) -> None:
    """The reader learns why a better method was not used."""
    found = judge_profile(record, ["perf: kernel.perf_event_paranoid is 4"])

    assert found[-1].code == "profile-method"
    assert "perf_event_paranoid is 4" in told(found[-1]).text


def test_a_quiet_breakdown_has_no_findings(record: ProfileRecord) -> None:
    """Enough samples, nothing unknown, nothing that stands out."""
    assert judge_breakdown(record, breakdown({"event loop": 1.0}, 100.0)) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"samples": 100}, "+-5.9 points"),
        ({"lost_share": 0.1}, "were lost"),
        ({"error_share": 0.1}, "were not readable"),
        ({"seen_per_cpu_s": 900.0}, "could run and had no CPU"),
    ],
)
def test_what_the_profiler_missed_is_said(
    record: ProfileRecord, change: dict[str, float], said: str
) -> None:
    """Few, lost, unreadable or too many samples each have their sentence."""
    found = breakdown({"event loop": 1.0}, 100.0)
    seen = found.quality.model_copy(update=change)

    (note,) = judge_breakdown(record, found.model_copy(update={"quality": seen}))

    assert note.code == "profile-quality"
    assert said in told(note).text


def test_an_unknown_share_above_15_percent_is_a_finding(record: ProfileRecord) -> None:
    """16 % is told, 14 % is not."""
    (note,) = judge_breakdown(record, breakdown({"unknown": 0.16, "event loop": 0.84}, 100.0))

    assert "16% of the CPU time is in no category" in told(note).text.replace(".00%", "%")
    assert judge_breakdown(record, breakdown({"unknown": 0.14, "event loop": 0.86}, 100.0)) == ()


def test_what_stands_out_is_said_in_words(record: ProfileRecord) -> None:
    """The lock, threads, memory, the framework's script and the kernel, each at its level."""
    heavy = {"waiting for the GIL": 0.3, "handing over between threads": 0.3, "event loop": 0.4}

    texts = [told(item).text for item in judge_breakdown(record, breakdown(heavy, 100.0))]

    assert [text.split(" costs ")[0] for text in texts] == [
        "taking and releasing the GIL",
        "waking other threads",
    ]
    assert judge_breakdown(record, breakdown({"kernel and network": 0.4}, 100.0)) == ()


def test_nothing_stands_out_of_a_profile_that_is_not_believed(record: ProfileRecord) -> None:
    """One finding says why, none interprets its shares."""
    found = breakdown({"waiting for the GIL": 0.9}, None, refused="3 samples")

    (note,) = judge_breakdown(record, found)

    assert note.code == "profile-refused"
