"""Rounds that were asked for are known of a run that did not write them down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.run.asked_rounds import with_rounds_asked
from bench.store.run_directory import RunDirectory
from tests.factories import Truth, run_data

if TYPE_CHECKING:
    from pathlib import Path

PLAN = run_data({"axum": Truth()}, rounds=4).plan
TIMED = PLAN.replace(max_time_s=60.0)


@pytest.mark.parametrize(
    ("argv", "asked"),
    [
        (("run", "all"), 7),
        (("run", "all", "--rounds", "9"), 9),
        (("run", "all", "--rounds=5"), 5),
        (("run", "all", "--rounds", "3"), None),
        (("ab", "x"), None),
        ((), None),
    ],
)
def test_from_the_command_or_the_copy_of_the_matrix(
    tmp_path: Path, argv: tuple[str, ...], asked: int | None
) -> None:
    """What was typed counts first; the plan on disk had lost what the time did not allow."""
    tmp_path.joinpath("matrix.yaml").write_text("servers: [axum]\nrounds: 7\n")

    assert with_rounds_asked(TIMED, argv, RunDirectory(tmp_path)).rounds_asked == asked


@pytest.mark.parametrize("text", [None, "rounds: [", "servers: [axum]\n", "rounds: many\n", "- 1"])
def test_what_cannot_be_read_tells_nothing(tmp_path: Path, text: str | None) -> None:
    """A report is made all the same."""
    if text is not None:
        tmp_path.joinpath("matrix.yaml").write_text(text)

    assert with_rounds_asked(TIMED, ("run", "all"), RunDirectory(tmp_path)) == TIMED


def test_a_plan_that_knows_it_is_left_as_it_is(tmp_path: Path) -> None:
    """So is one whose time has no limit: all its rounds were made."""
    tmp_path.joinpath("matrix.yaml").write_text("rounds: 7\n")
    known = TIMED.replace(rounds_asked=6)

    assert with_rounds_asked(known, ("run", "all"), RunDirectory(tmp_path)) == known
    assert with_rounds_asked(PLAN, ("run", "all"), RunDirectory(tmp_path)) == PLAN
