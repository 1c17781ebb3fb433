"""Load tools that are too old, die, hang, or write nothing, half or nonsense; and full disks."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.errors import StoreError
from bench.loadtools import TOOLS, Target
from bench.loadtools.install.find import find_tool
from bench.model.plan import CpuSplit, Pinning
from bench.plans.workload_files import load_workload
from bench.process import SupervisorClient
from bench.store.run_directory import RunDirectory
from bench.trial import load as loader
from bench.trial.load import Loader, LoadFailure
from tests.factories import Truth, closed_profile, run_data
from tests.run.helpers import Project, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.model.trial_record import TrialRecord

pytestmark = [pytest.mark.real, pytest.mark.untraced]

_ROOT = Path(__file__).parents[2]
# It is started in the trial's folder, whose name holds the server's: so it knows what to do.
_FAKE_WRK = """#!/bin/sh
[ "$1" = -v ] && exec {real} -v
case $PWD in
*-killed.*) (sleep 0.3; kill -9 $$) & exec sleep 600 ;;
*-silent.*) exit 0 ;;
*-cut.*) {real} "$@"; head -c 100 wrk.json > part; mv part wrk.json ;;
*-complains.*) {real} "$@"; echo "unable to do this" >&2 ;;
*-fails.*) echo "no such option" >&2; exit 2 ;;
*) exec {real} "$@" ;;
esac
"""
TOOLS_AT_FAULT = {
    "killed": "wrk exited with -9",
    "silent": "wrk.json",
    "cut": "wrk",
    "complains": "unable to do this",
    "fails": "wrk exited with 2",
}


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.needs("wrk")
def test_each_bad_tool_has_its_words(tmp_path: Path) -> None:
    """A tool that fails makes the trial invalid with the reason; others go on, nothing stays."""
    real = find_tool("wrk")
    assert real is not None
    executable(tmp_path / "bin" / "wrk", _FAKE_WRK.format(real=real.path))
    project = Project(tmp_path, path=tmp_path / "bin")
    for name in (*TOOLS_AT_FAULT, "sound"):
        project.server(name)
    project.matrix(*TOOLS_AT_FAULT, "sound", baseline="sound")
    done = project.bench("run", "faults", "--json")
    by_server: dict[str, list[dict[str, object]]] = {}
    for trial in project.trials():
        by_server.setdefault(trial["server"], []).append(trial)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for name, words in TOOLS_AT_FAULT.items():
        assert [trial["status"] for trial in by_server[name]] == ["invalid", "invalid"]
        assert by_server[name][0]["reasons"] == ["tool-failed"]
        assert words in str(by_server[name][0]["detail"]), name
    assert by_server["sound"][-1]["status"] in ("valid", "suspect")
    assert project.nothing_left()


@pytest.mark.parametrize("tool", ["wrk", "oha"])
def test_too_old(tmp_path: Path, tool: str) -> None:
    """Where only an old copy is there, nothing is measured: exit code 2 and what mends it."""
    old = {"wrk": "wrk 3.1.2 [epoll] Copyright (C) 2012 Will Glozer", "oha": "oha 1.4.5"}[tool]
    executable(tmp_path / "bin" / tool, f"#!/bin/sh\necho '{old}'\n")
    project = Project(tmp_path)
    project.env |= {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), "CARGO_HOME": "/none"}
    project.server("one")
    load = {"tool": tool, "connections": 8, "duration": "1s"}
    project.matrix("one", profiles=[load])
    done = project.bench("run", "faults")

    assert done.returncode == 2
    assert "too old" in done.stderr
    assert f"bench setup --tool {tool}" in done.stderr
    assert project.runs() == []


@pytest.mark.needs("wrk")
def test_the_usable_copy_is_the_one_that_runs(tmp_path: Path) -> None:
    """An old copy that comes first on PATH is passed over when measuring too."""
    old = "#!/bin/sh\necho 'wrk 3.1.2 [epoll] Copyright (C) 2012 Will Glozer'\n"
    executable(tmp_path / "bin" / "wrk", old)
    project = Project(tmp_path, path=tmp_path / "bin")
    project.server("one")
    project.matrix("one")
    done = project.bench("run", "faults")

    assert done.returncode == 0, done.stderr
    argv = [command["argv"][0] for command in project.trials()[0]["commands"]]
    real = find_tool("wrk")
    assert real is not None
    assert str(real.path) in argv


def one_second_of_wrk(supervisor: SupervisorClient, folder: Path) -> Loader:
    """A loader that starts whatever `tool_path` names in place of wrk."""
    pinning = Pinning(state="none", reason="a test")
    return Loader(
        tool=TOOLS["wrk"],
        profile=closed_profile(connections=1, duration_s=1).model_copy(update={"timeout_s": 5.0}),
        workload=load_workload(_ROOT / "configs" / "workloads" / "json-small.yaml", _ROOT),
        target=Target("127.0.0.1", 9),
        cpus=CpuSplit(
            server=(0,), load=(0,), housekeeping=(), server_count=1, load_count=1, pinning=pinning
        ),
        supervisor=supervisor,
        folder=folder,
        rng=random.Random(1),
    )


def test_a_hanging_tool_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool that does not end is killed at window + timeout + grace, with its children."""
    monkeypatch.setattr(loader, "_GRACE_S", 0.2)
    monkeypatch.setattr(loader, "tool_path", lambda _: str(tmp_path / "wrk"))
    executable(tmp_path / "wrk", "#!/bin/sh\ntrap '' INT\necho $$ > pid; sleep 600 & wait\n")
    with SupervisorClient() as supervisor:
        load = one_second_of_wrk(supervisor, tmp_path)
        began = time.monotonic()
        with pytest.raises(LoadFailure, match=r"wrk did not end within 6 s and was killed"):
            loader.run_together([load], "load", 1.0, started=[lambda _: None], tick=lambda _: None)

        assert time.monotonic() - began >= 6.2
        pid = int((tmp_path / "load-0" / "pid").read_text())
        assert wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_the_window_ends_before_the_output_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clocks can be read when every process has ended; reading the output comes after."""
    monkeypatch.setattr(loader, "tool_path", lambda _: str(tmp_path / "wrk"))
    executable(tmp_path / "wrk", "#!/bin/sh\nsleep 0.2; echo no result; echo done > done\n")
    seen = []
    with SupervisorClient() as supervisor:
        load = one_second_of_wrk(supervisor, tmp_path)
        with pytest.raises(LoadFailure):
            loader.run_together(
                [load],
                "load",
                1.0,
                started=[lambda _: None],
                tick=lambda _: None,
                ended=lambda: seen.append((tmp_path / "load-0" / "done").exists()),
            )

    assert seen == [True]


def _at_most(size: int) -> Callable[[], None]:
    """What limits the files of a process and its children, as `ulimit -f` does."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.needs("wrk")
def test_a_record_that_does_not_fit(tmp_path: Path) -> None:
    """A record that can be written in part only ends the run; resume goes on with all of it.

    Without root a full disk is a limit on the size of files. Blank lines, which count for
    nothing, bring trials.jsonl near a limit that no other file reaches.
    """
    project = Project(tmp_path)
    project.server("one")
    project.matrix("one")
    assert project.bench("run", "faults").returncode == 0
    run = project.runs()[-1]
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "finished": None, "exit_code": None}))
    padded = (b" " * 999 + b"\n") * 8_000
    (run / "trials.jsonl").write_bytes(padded)
    stopped = project.bench("run", "--resume", "latest", preexec_fn=_at_most(len(padded) + 1000))
    kept = (run / "trials.jsonl").read_bytes()
    done = project.bench("run", "--resume", "latest")

    assert stopped.returncode == 1
    assert "cannot write" in stopped.stderr
    assert "trials.jsonl: No space left on device" in stopped.stderr
    assert "--resume" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert kept == padded
    assert done.returncode == 0, done.stderr
    assert len(project.planned()) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a small disk needs root on Linux")
    argv = ["mount", "-t", "tmpfs", "-o", "size=1m", "bench-test", str(folder)]
    said = subprocess.run(argv, capture_output=True, text=True, check=False)
    if said.returncode != 0:
        pytest.skip(f"no small disk here: {said.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def resize(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


def _append_many(run: RunDirectory, record: TrialRecord) -> None:
    for number in range(2000):
        run.append_trial(record.model_copy(update={"trial": f"r{number:04d}"}))


def _fill(path: Path) -> None:
    """Write until the disk is full."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(100_000)):
            pass


def test_records_on_a_full_disk(small_disk: Path) -> None:
    """A record that does not fit leaves the file as it was; what was there stays readable."""
    run = RunDirectory.create(small_disk, "run")
    record = run_data({"one": Truth()}, rounds=1).trials[0]
    with pytest.raises(StoreError, match="No space left") as caught:
        _append_many(run, record)
    whole, damaged = run.trials()

    assert "free some space" in str(caught.value)
    assert damaged == ()
    assert len(whole) > 10
    assert not list(small_disk.rglob("*.tmp"))


@pytest.mark.needs("wrk")
def test_full_disk(tmp_path: Path, small_disk: Path) -> None:
    """Too little space before a trial, or none left within one, ends the run; resume goes on."""
    project = Project(tmp_path)
    project.server("one")
    project.matrix("one", rounds=4)  # enough to fill the disk meanwhile
    (project.root / "reports").symlink_to(small_disk)
    resize(small_disk, "30m")
    early = project.bench("run", "faults")

    assert early.returncode == 1
    assert "30 MB are free" in early.stderr.replace("31 MB", "30 MB").replace("29 MB", "30 MB")
    assert "--resume" in early.stderr
    resize(small_disk, "300m")
    with project.running("run", "--resume", "latest") as process:
        assert wait_until(lambda: any("wrk" in one.command for one in project.left()))
        filler = small_disk / "filler"
        _fill(filler)
        stderr = process.communicate(timeout=200)[1]
    assert process.returncode == 1
    assert "Traceback" not in stderr
    assert "No space left on device" in stderr or "MB are free" in stderr
    filler.unlink()
    kept = project.trials()
    done = project.bench("run", "--resume", "latest")

    assert done.returncode == 0, done.stderr
    assert project.trials()[: len(kept)] == kept
    assert {trial["round"] for trial in project.trials()} == {1, 2, 3, 4}
