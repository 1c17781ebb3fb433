"""The run directory keeps what is finished, whatever happens to the last line or the disk."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from bench.errors import StoreError, UsageError
from bench.store.run_directory import RunDirectory, sha256_file, write_atomic
from bench.store.runs import find_run, list_runs
from tests.factories import Truth, run_data

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.trial_record import TrialRecord


_TRIAL = run_data({"axum": Truth()}, rounds=1).trials[0]


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A new run directory."""
    return RunDirectory.create(tmp_path / "reports", "20261123T000000Z-quick-abc123")


def trial(name: str) -> TrialRecord:
    return _TRIAL.model_copy(update={"trial": name})


def test_private_to_the_user(run: RunDirectory) -> None:
    """Nobody else may look into a run directory."""
    assert stat.S_IMODE(run.path.stat().st_mode) == 0o700


def test_an_existing_run_is_not_overwritten(run: RunDirectory) -> None:
    """A run directory is made once; the next run of the same second and plan gets another name."""
    run.append_trial(trial("r01-a"))
    second, third = (RunDirectory.create(run.path.parent, run.path.name) for _ in range(2))

    assert [second.path.name, third.path.name] == [f"{run.path.name}-2", f"{run.path.name}-3"]
    assert len(run.trials()[0]) == 1
    assert second.trials()[0] == ()


def test_trials_come_back_as_written(run: RunDirectory) -> None:
    """Records are read back equal and in order."""
    written = (trial("r01-a"), trial("r01-b"))
    for record in written:
        run.append_trial(record)

    assert run.trials() == (written, ())


@pytest.mark.parametrize("cut", [1, 10, 200])
def test_any_prefix_is_a_valid_run(run: RunDirectory, cut: int) -> None:
    """A torn last line costs that record and no other."""
    for name in ("r01-a", "r01-b"):
        run.append_trial(trial(name))
    path = run.path / "trials.jsonl"
    os.truncate(path, path.stat().st_size - cut)
    records, damaged = run.trials()

    assert [record.trial for record in records][:1] == ["r01-a"]
    assert len(records) + len(damaged) == 2


def test_the_line_after_a_torn_one_stays_whole(run: RunDirectory) -> None:
    """A record appended after a torn line begins a line of its own."""
    run.append_trial(trial("r01-a"))
    path = run.path / "trials.jsonl"
    os.truncate(path, path.stat().st_size - 20)
    run.append_trial(trial("r01-b"))
    records, damaged = run.trials()

    assert [record.trial for record in records] == ["r01-b"]
    assert [item.line for item in damaged] == [1]


def test_mending_moves_what_is_no_record(run: RunDirectory) -> None:
    """Damaged lines and a torn last one go to trials.damaged, byte for byte; records stay."""
    for name in ("r01-a", "r01-b"):
        run.append_trial(trial(name))
    path = run.path / "trials.jsonl"
    whole = path.read_bytes()
    path.write_bytes(b'{"trial": 1}\n' + whole + whole[:50])

    assert [item.line for item in run.repair()] == [1, 4]
    assert path.read_bytes() == whole
    assert (run.path / "trials.damaged").read_bytes() == b'{"trial": 1}\n' + whole[:50] + b"\n"
    assert run.repair() == ()


def test_mending_keeps_a_record_that_only_lacks_its_line_break(run: RunDirectory) -> None:
    """A last line that is whole but for the line break is a record."""
    run.append_trial(trial("r01-a"))
    path = run.path / "trials.jsonl"
    os.truncate(path, path.stat().st_size - 1)

    assert run.repair() == ()
    assert len(run.trials()[0]) == 1


def test_a_damaged_line_is_set_aside_with_its_reason(run: RunDirectory) -> None:
    """A line that is no record is named by number, the others stay."""
    run.append_trial(trial("r01-a"))
    with (run.path / "trials.jsonl").open("ab") as file:
        file.write(b'{"trial": 5}\n')
    run.append_trial(trial("r01-c"))
    records, damaged = run.trials()

    assert [record.trial for record in records] == ["r01-a", "r01-c"]
    assert [item.line for item in damaged] == [2]
    assert damaged[0].reason


def test_a_full_disk_leaves_no_half_line(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full nothing of the record stays, and the message says how to go on."""
    run.append_trial(trial("r01-a"))
    before = (run.path / "trials.jsonl").read_bytes()
    real = os.write

    def half(descriptor: int, data: bytes) -> int:
        return real(descriptor, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(StoreError, match="No space left on device") as caught:
        run.append_trial(trial("r01-b"))

    assert "--resume" in caught.value.advice
    assert (run.path / "trials.jsonl").read_bytes() == before


def test_seal_hashes_raw_output(run: RunDirectory) -> None:
    """Every raw file of a trial is hashed in its record."""
    folder = run.trial_folder("r01-a")
    (folder / "load-0").mkdir()
    (folder / "load-0" / "wrk.json").write_bytes(b"{}")
    sealed = run.seal_trial(trial("r01-a"))

    assert sealed.raw_sha256 == {"load-0/wrk.json": sha256_file(folder / "load-0" / "wrk.json")}
    assert run.trials()[0] == (sealed,)


def test_an_interrupted_trial_leaves_nothing(run: RunDirectory) -> None:
    """A trial folder is empty when its trial is begun again."""
    (run.trial_folder("r01-a") / "server.log").write_text("old")

    assert list(run.trial_folder("r01-a").iterdir()) == []


def test_atomic_write_leaves_no_temporary(tmp_path: Path) -> None:
    """A write that fails leaves neither the file nor a temporary one."""
    (tmp_path / "taken").mkdir()
    with pytest.raises(StoreError, match="cannot write"):
        write_atomic(tmp_path / "taken", b"data")

    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_old_charts_go(run: RunDirectory) -> None:
    """Charts that are no longer drawn are removed."""
    run.write_derived({"report.md": b"1", "charts/a.svg": b'<svg version="1.1" class="marks">'})
    run.write_derived({"report.md": b"3"})

    assert (run.path / "report.md").read_bytes() == b"3"
    assert list((run.path / "charts").iterdir()) == []


def test_what_else_lies_beside_charts_stays(run: RunDirectory) -> None:
    """A folder, a picture of the user's and a link are none of bench's charts."""
    charts = run.path / "charts"
    (charts / "folder.svg").mkdir(parents=True)
    (charts / "mine.svg").write_text("<svg></svg>")
    (charts / "gone.svg").symlink_to("nowhere")
    run.write_derived({"report.md": b"1"})

    assert {path.name for path in charts.iterdir()} == {"folder.svg", "mine.svg", "gone.svg"}


def test_missing_parts_are_named(run: RunDirectory) -> None:
    """A directory without its plan is not a whole run."""
    with pytest.raises(UsageError, match=r"plan\.json is missing"):
        run.plan()
    (run.path / "host.json").write_text("{}")
    with pytest.raises(UsageError, match=r"host\.json cannot be read"):
        run.host()
    (run.path / "findings.json").write_text("3")
    with pytest.raises(UsageError, match=r"findings\.json cannot be read"):
        run.findings()


def test_find_run(run: RunDirectory, tmp_path: Path) -> None:
    """A run is found by path, by name and as the latest; else the nearest is named."""
    run.write_bytes("run.json", b"{}")
    reports = run.path.parent

    assert find_run(str(run.path), tmp_path).path == run.path
    assert find_run(run.path.name, reports).path == run.path
    assert find_run("latest", reports).path == run.path
    with pytest.raises(UsageError) as caught:
        find_run("20261123T000000Z-quick-abc", reports)
    assert run.path.name in caught.value.advice
    with pytest.raises(UsageError, match="no run in"):
        find_run("latest", tmp_path / "nothing")
    assert [found.path for found in list_runs(reports)] == [run.path]


def test_histogram_or_none(run: RunDirectory) -> None:
    """A histogram is read back as it lies there; a missing one is None."""
    folder = run.trial_folder("r01-a")
    assert run.histogram("r01-a") is None
    (folder / "histogram.json").write_text("[[5, 2], [7, 1]]")
    assert run.histogram("r01-a") == b"[[5, 2], [7, 1]]"


def test_plans_older_than_copy_of_say_what_is_a_copy(run: RunDirectory) -> None:
    """Equal arms are copies there; once it is recorded, what is recorded holds."""
    truth = {"a": Truth(), "x": Truth(server="a"), "a-again": Truth()}
    plan = run_data(truth).plan
    document = plan.model_dump(mode="json")
    for arm in document["arms"]:
        del arm["copy_of"]
    run.write_bytes("plan.json", json.dumps(document).encode())

    assert [arm.copy_of for arm in run.plan().arms] == [None, "a", None]

    arms = tuple(arm.model_copy(update={"copy_of": None}) for arm in plan.arms)
    run.write_model("plan.json", plan.model_copy(update={"arms": arms}))

    assert run.plan().copies == frozenset()
