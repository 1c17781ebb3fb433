"""Importing: what the command line cannot reach."""

from __future__ import annotations

import pytest

from bench.errors import UsageError
from bench.run.importing.import_run import make_run
from bench.run.importing.sources import ImportOptions, ResultFile
from tests.loadtools.recorded import result

FACTS = ImportOptions("T", "W", 0, None, None, "2025-11-21T00:00:00+00:00", "")


def source(label: str, tool: str = "wrk", seconds: float = 1.0) -> ResultFile:
    load = result(tool=tool, requests=10, ok=10, throughput_rps=10 / seconds, duration_s=seconds)
    return ResultFile(label, "f", label.encode(), load)


def test_results_of_several_tools_are_no_run() -> None:
    """They would stand in one table."""
    with pytest.raises(UsageError, match="one load tool"):
        make_run([source("a"), source("b", "oha")], FACTS)


def test_no_results_are_no_run() -> None:
    """There is nothing to show."""
    with pytest.raises(UsageError):
        make_run([], FACTS)


def test_the_same_results_make_the_same_run() -> None:
    """Its id is a function of what was told."""
    one, two = (make_run([source("a")], FACTS) for _ in range(2))

    assert one == two
    assert make_run([source("b")], FACTS).info.run_id != one.info.run_id


def test_machines_that_nobody_described_are_not_the_same() -> None:
    """Equal words are."""
    described = FACTS._replace(hardware="Mac Studio")
    hosts = [make_run([source(name)], facts).host for name in "ab" for facts in (FACTS, described)]

    assert hosts[0].fingerprint != hosts[2].fingerprint
    assert hosts[1].fingerprint == hosts[3].fingerprint
    assert hosts[1].system == "darwin"


def test_the_longest_window_is_the_profiles_where_none_is_told() -> None:
    """As measured, in hundredths."""
    run = make_run([source("a", seconds=10.0004), source("b", seconds=9.99)], FACTS)

    assert run.plan.profiles[0].duration_s == 10.0
    assert run.trials[1].load is not None
    assert [trial.status for trial in run.trials] == ["valid", "valid"]


def test_labels_without_letters_get_a_name() -> None:
    """Trial ids are names of folders."""
    run = make_run([source("!!"), source("??")], FACTS)

    assert [arm.name for arm in run.plan.arms] == ["server", "server-2"]
    assert [arm.config.title for arm in run.plan.arms] == ["!!", "??"]
