"""A server whose capacity cannot be measured: it is left out and said, the others are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.plans.duets import as_duet
from bench.reports.wording.findings import in_words
from tests.factories import Truth, closed_profile, open_profile, run_data
from tests.run.test_rounds import Bench

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.plan import Plan

_OPEN = open_profile("open", rate_rps=None, share=0.6)
_DATA = run_data({"main": Truth(), "branch": Truth()}, profiles=[closed_profile(), _OPEN], rounds=3)
_LOST = "branch.json-small.open"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Trials that hardly differ; some servers fail the calibration."""
    return Bench(tmp_path, 0.001)


def _measured(bench: Bench) -> set[str]:
    return {record.cell.id for record in bench.directory.trials()[0]}


def _offered(bench: Bench) -> set[float | None]:
    return {one.rate_rps for one in bench.profiles if one.id == "open" and one.loop == "open"}


def test_who_cannot_be_calibrated_is_left_out(bench: Bench) -> None:
    """The rate is of the slowest that could be measured; the other's cell has failed."""
    bench.failing = {("branch", 0)}
    ended = bench.end(_DATA.plan)

    assert ended.failed_cells == (_LOST,)
    assert _measured(bench) == {cell.id for cell in _DATA.plan.cells} - {_LOST}
    (capacity,) = ended.plan.calibrated.values()
    assert _offered(bench) == {round(0.6 * capacity, 3)}
    (found,) = bench.findings
    assert (found.code, found.scope, found.severity) == ("not-calibrated", _LOST, "error")
    text = in_words(found).text
    assert text.startswith("branch is not measured with json-small under open: ")
    assert f"(trial r00-{_LOST}: failed, it died);" in text
    assert "the rate is 60 % of " in text
    assert "the capacity of main, the slowest of those that could be measured" in text
    assert text in bench.heard.told_texts


def test_where_none_can_be_calibrated_only_that_group_fails(bench: Bench) -> None:
    """The closed loop is measured as planned, and the session ends by itself."""
    bench.failing = {("branch", 0), ("main", 0)}
    ended = bench.end(_DATA.plan)

    assert set(ended.failed_cells) == {"main.json-small.open", _LOST}
    assert _measured(bench) == {"main.json-small.wrk-c50", "branch.json-small.wrk-c50"}
    assert len(bench.findings) == 2
    assert all("there is no rate to offer" in in_words(found).text for found in bench.findings)


def test_nothing_but_a_rate_that_is_not_known(bench: Bench) -> None:
    """Not a single trial, and no traceback."""
    bench.failing = {("branch", 0), ("main", 0)}
    data = run_data({"main": Truth(), "branch": Truth()}, profiles=[_OPEN])
    ended = bench.end(data.plan.model_copy(update={"precision": 0.02, "max_rounds": 9}))

    assert len(ended.failed_cells) == 2
    assert ended.trials == ()
    assert ended.plan.rounds == data.plan.rounds


def test_one_failure_is_no_verdict(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A calibrating trial is repeated once."""
    bench.failing = {("branch", 0)}
    told = bench.heard.calibrating

    def mend(server: str, workload: str) -> None:
        told(server, workload)
        monkeypatch.setattr(bench, "failing", _Once(bench.failing))

    monkeypatch.setattr(bench.heard, "calibrating", mend)
    ended = bench.end(_DATA.plan)

    assert ended.failed_cells == ()
    assert bench.findings == []
    assert len(ended.plan.calibrated) == 2


class _Once(set[tuple[str, int]]):
    """Each of its items is found once."""

    def __contains__(self, item: object) -> bool:
        found = super().__contains__(item)
        if found:
            self.discard(item)
        return found


def _duet() -> Plan:
    plan = as_duet(_DATA.plan.model_copy(update={"design": "duet"}))
    return plan.model_copy(update={"precision": 0.02, "max_rounds": 9})


def test_a_duet_is_not_waited_for(bench: Bench) -> None:
    """The precision is that of what is measured; the baseline is there beside its copy."""
    bench.failing = {("branch", 0)}
    ended = bench.end(_duet())

    assert ended.failed_cells == (_LOST,)
    assert ended.plan.rounds == 5
    assert bench.rounds.count(5) == 3


def test_a_rate_stays_once_a_trial_was_run_with_it(bench: Bench) -> None:
    """On resume a server that would now be slower must not change the rate of the others."""
    bench.failing = {("branch", 0)}
    first = bench.end(_DATA.plan)
    lines = (bench.directory.path / "trials.jsonl").read_bytes().splitlines(keepends=True)
    (bench.directory.path / "trials.jsonl").write_bytes(b"".join(lines[:-4]))
    bench.failing = set()
    bench.heard.calibrations.clear()
    said = bench.findings
    again = bench.end(bench.directory.plan())

    assert bench.heard.calibrations == []
    assert again.plan.calibrated == first.plan.calibrated
    assert again.failed_cells == (_LOST,)
    assert bench.findings == said
    assert len(_offered(bench)) == 1


def test_before_the_first_trial_it_is_calibrated_again(bench: Bench) -> None:
    """A server that was mended before a resume takes part."""
    bench.failing = {("branch", 0)}
    plan = bench.run(_DATA.plan)
    (bench.directory.path / "trials.jsonl").unlink()
    bench.failing = set()
    again = bench.end(plan)

    assert again.failed_cells == ()
    assert bench.findings == []
    assert _measured(bench) == {cell.id for cell in plan.cells}
