"""The table of `just perf-ab` counts what was found, and says so in words."""

from __future__ import annotations

import json
import math

import pytest

from scripts import perf_ab_table
from scripts.perf_ab_table import COSTLIER, Answered, Outcome

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
