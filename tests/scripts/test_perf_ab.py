"""The table of `just perf-ab` counts what was found, and says so in words."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from scripts import perf_ab, perf_ab_table
from scripts.perf_ab_table import COSTLIER, Answered, Outcome

if TYPE_CHECKING:
    from pathlib import Path

_HOST = {
    "os": {"name": "Debian", "version": "12", "kernel": "6.1.0-9"},
    "cpu": {"model": "Some CPU", "physical": 2, "logical": 4},
    "machine": {"virtual": True},
    "memory_bytes": 8 * 2**30,
    "pinning": {"state": "pinned"},
}


def answered(ratio: float, half: float, word: str, truth: float | None = None) -> Answered:
    """An answer at an equal offered rate with a symmetric interval of the logarithm."""
    wide = 1 + half
    return Answered("open", 8, word, ratio, ratio / wide, ratio * wide, truth)


def outcome(subject: str, number: int, *answers: Answered, design: str = "duet") -> Outcome:
    """One try."""
    started = f"2026-01-0{number}T00:00:00+00:00"
    return Outcome(subject, design, number, started, 60.0, 16.0, 16, answers, (), _HOST, "0123abc")


def test_half_width_is_that_of_the_log_ratio() -> None:
    """An interval from 0.98 to 1/0.98 is 2.04 % wide to each side."""
    one = Answered("open", 5, "inconclusive", 1.0, 0.98, 1 / 0.98)

    assert one.half_width == pytest.approx(1 / 0.98 - 1)
    assert math.isclose(one.low * (1 + one.half_width), one.ratio)


def test_goals_hold_and_fail() -> None:
    """Width by the median of the tries, false calls by tries, each against its own limit."""
    narrow = [outcome("axum", n, answered(1.0, 0.009, "inconclusive")) for n in range(1, 4)]
    wide = outcome("axum", 4, answered(1.0, 0.05, "inconclusive"))
    wrong = [outcome("robyn", n, answered(1.1, 0.019, "faster")) for n in (1, 2)]

    held = {g.text.split(":")[0]: g.held for g in perf_ab_table.goals([*narrow, wide, *wrong])}

    assert held == {
        "axum": True,
        "robyn": True,
        "two copies are called different in at most 5 % of tries": False,
    }


def test_the_costlier_server_has_to_be_found_and_rightly() -> None:
    """Every try finds it; all but one of the intervals hold what the servers counted."""
    right = outcome(COSTLIER, 1, answered(0.95, 0.02, "slower", 0.96))
    beside = [outcome(COSTLIER, n, answered(0.95, 0.02, "slower", 0.9)) for n in (2, 3)]
    missed = outcome(COSTLIER, 4, answered(0.98, 0.03, "inconclusive", 0.96))

    assert [g.held for g in perf_ab_table.goals([right, beside[0]])] == [True, True]
    assert [g.held for g in perf_ab_table.goals([right, *beside, missed])] == [False, False]


def test_blocks_are_shown_and_not_judged() -> None:
    """What was measured one after the other stands beside the duets and in no goal."""
    duet = outcome("axum", 1, answered(1.0, 0.009, "inconclusive"))
    blocks = outcome("axum", 1, answered(1.3, 0.2, "faster"), design="blocks")

    text = perf_ab_table.document([duet, blocks], ["--detect", "1%"], ("60s", "90s"))

    assert "| axum twice | blocks   |" in text
    assert [g.held for g in perf_ab_table.goals([duet, blocks])] == [True, True]
    assert "a virtual machine with 2 cores" in text
    assert "6.1.0-9" not in text


def test_an_outcome_is_kept_whole() -> None:
    """What is read from disk is what was written."""
    one = outcome(COSTLIER, 1, answered(0.95, 0.02, "slower", 0.96))

    assert Outcome.from_json(json.loads(json.dumps(one.as_json()))) == one


def _trial(folder: Path, place: int, server: str, profile: str, *costs: float) -> None:
    """A trial on disk: the servers' own counts of 1,000 responses, after 5 ms of starting.

    In the windows a request takes twice the CPU time of a whole life.
    """
    home = folder / f"r{place:02d}-{server}.json-small.{profile}"
    (home / "partner").mkdir(parents=True)
    record = {"server": server, "profile": profile, "round": place, "status": "valid"}
    window, *beside = (
        {"resources": {"server_cpu_s": 2e-6 * cost * 500}, "load": {"requests": 500}}
        for cost in costs
    )
    partner = beside[0] if beside else None
    (home / "trial.json").write_text(json.dumps({**record, **window, "partner": partner}))
    for where, cost in zip((home, home / "partner"), costs, strict=False):
        counts = {"cpu_us": round(5_000 + 1_000 * cost), "responses": 1_000}
        (where / "server.log").write_text(f"ready\ncounts {json.dumps(counts)}\n")


def test_the_truth_is_what_the_servers_counted(tmp_path: Path) -> None:
    """Of the pairs of one load alone, calibration and the copy of the baseline left out."""
    bench = perf_ab.Bench(tmp_path, (), "", ("60s", "90s"), 5_000.0)
    _trial(tmp_path, 1, "more", "open", 105, 100)
    _trial(tmp_path, 2, "more", "open", 84, 80)
    _trial(tmp_path, 1, "plain-again", "open", 400, 100)
    _trial(tmp_path, 1, "more", "closed", 120, 100)
    _trial(tmp_path, 0, "more", "open", 300, 100)

    row = {"server": "more", "profile": "open"}
    assert perf_ab.true_ratio(bench, tmp_path, row, "closed") == pytest.approx(1 / 1.05)


def test_the_truth_of_blocks_is_paired_by_round(tmp_path: Path) -> None:
    """One after the other, each server has trials of its own."""
    bench = perf_ab.Bench(tmp_path, (), "", ("60s", "90s"), 5_000.0)
    for number in (1, 2, 3):
        _trial(tmp_path, number, "plain", "open", 100 * number)
        _trial(tmp_path, number, "more", "open", 110 * number)

    row = {"server": "more", "profile": "open"}
    assert perf_ab.true_ratio(bench, tmp_path, row, "closed") == pytest.approx(1 / 1.1)


def test_at_a_rate_the_same_difference_is_a_smaller_share(tmp_path: Path) -> None:
    """5 us more of 100 saturated are 5 us of the 200 that a request costs at the rate."""
    bench = perf_ab.Bench(tmp_path, (), "", ("60s", "90s"), 5_000.0)
    _trial(tmp_path, 1, "more", "open", 105, 100)
    _trial(tmp_path, 2, "plain", "open", 100)
    _trial(tmp_path, 2, "more", "open", 105)

    row = {"server": "more", "profile": "open"}
    assert perf_ab.true_ratio(bench, tmp_path, row, "open") == pytest.approx(1 / 1.025)


def test_tries_are_mixed_so_that_an_early_end_leaves_some_of_each() -> None:
    """All five servers and the costlier one come before any second try."""
    names = [one.name for one in perf_ab.tries({*perf_ab.SERVERS, COSTLIER}, 4, 5, 1)]

    assert len(names) == len(set(names)) == 28
    assert {name.split("-")[0] for name in names[:6]} == {*perf_ab.SERVERS, COSTLIER}
    assert names[-1] == "costlier-duet-5"
