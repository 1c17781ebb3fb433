"""One run at a time; two by permission are both marked."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from bench.errors import UsageError
from bench.run.lock import only_run
from bench.store.cache import cache_folder
from tests.run.helpers import Project, wait_until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_alone() -> None:
    """A run that nobody joins is not disturbed."""
    with only_run() as turn:
        assert not turn.disturbed


def test_a_second_run_is_refused() -> None:
    """The refusal names the first one's process and age, and what lifts it."""
    with (
        only_run(),
        pytest.raises(UsageError, match=rf"process {os.getpid()}, for 0 min") as caught,
        only_run(),
    ):
        pass

    assert "--allow-concurrent" in caught.value.advice


def test_a_stale_lock_is_taken_over() -> None:
    """What a killed run left in the lock's files holds nobody up and marks nothing."""
    cache_folder().mkdir(parents=True)
    for name in ("run.lock", "run.guests"):
        (cache_folder() / name).write_text("4194304 2026-01-01T00:00:00+00:00\n")
    with only_run() as turn:
        assert not turn.disturbed


def test_an_unreadable_lock_is_still_a_lock() -> None:
    """A lock whose content is damaged refuses too, without naming a process."""
    with only_run():
        (cache_folder() / "run.lock").write_text("?")
        with pytest.raises(UsageError, match="could not be read"), only_run():
            pass


def test_both_learn_of_each_other() -> None:
    """The first run learns of the second, even when the second has ended before it."""
    with only_run() as first:
        with only_run(allow_concurrent=True) as second:
            assert second.disturbed
            assert first.disturbed

        assert first.disturbed


def test_a_third_learns_of_the_second() -> None:
    """When the first run has ended, the second still counts as one that goes on."""
    guest = only_run(allow_concurrent=True)
    with only_run():
        guest.__enter__()
    try:
        with pytest.raises(UsageError, match="another run goes on: process"), only_run():
            pass
        with only_run(allow_concurrent=True) as third:
            assert third.disturbed
    finally:
        guest.__exit__(None, None, None)
    with only_run() as fourth:
        assert not fourth.disturbed


@pytest.mark.real
@pytest.mark.needs("wrk")
def test_two_runs(tmp_path: Path) -> None:
    """A second run exits 2 naming the first; with permission both reports are marked."""
    project = Project(tmp_path)
    project.server("one")
    project.matrix("one", rounds=3)
    project.matrix("one", name="beside", rounds=1)
    with project.running("run", "faults") as first:
        assert wait_until(project.left)
        refused = project.bench("run", "beside")
        beside = project.bench("run", "beside", "--allow-concurrent")
        first.communicate(timeout=60)

    assert refused.returncode == 2
    assert re.search(rf"process {first.pid}, for \d+ min", refused.stderr)
    assert first.returncode in (0, 1)
    assert beside.returncode in (0, 1)
    for run in project.runs():
        assert "concurrent-run" in (run / "findings.json").read_text(), run
    assert len(project.runs()) == 2
