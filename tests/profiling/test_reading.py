"""A profile run read back: each method's raw files, what they lack, and slowdown and GIL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.errors import UsageError
from bench.model.cpu_profile import ProfileRecord
from bench.profiling.at_work import NAMES
from bench.profiling.reading import read_profiles, renew
from bench.store.run_directory import RunDirectory
from bench.store.runs import find_run
from tests.factories import Truth, run_data
from tests.profiles import profile_run

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.cpu_profile import Method
    from bench.profiling.report import Profiled

LIB = "/usr/lib/libc.so.6"
WORK = "thread (5): main;serve (/app/app.py:3);dumps (/py/json/__init__.py:231) 300\n"
SLEEP = f"thread (6): w;run (/app/app.py:9);epoll_wait ({LIB}) 900\n"
V8 = {
    "nodes": [
        {"id": 1, "callFrame": {"functionName": "(root)", "url": ""}, "children": [2, 3]},
        {"id": 2, "callFrame": {"functionName": "(idle)", "url": ""}},
        {"id": 3, "callFrame": {"functionName": "echo", "url": "file:///app/server.js"}},
    ],
    "samples": [2, 3, 3] * 200,
    "timeDeltas": [1000] * 600,
}
MAC = """\
Call graph:
    900 Thread_1
      600 serve  (in server) + 20  [0x2]
      300 kevent  (in libsystem_kernel.dylib) + 8  [0x3]

"""


def taken(
    reports: Path, method: Method, runtime: str, files: dict[str, str], errors: int = 0
) -> Path:
    """A profile run by a method that left these files; the server used 1.2 CPU seconds."""
    path = profile_run(reports)
    directory = RunDirectory(path)
    record = directory.read_model("profiles/spikard.json", ProfileRecord)
    frequency = {"perf": 499, "py-spy": 97, "node": 1000, "sample": 1000}[method]
    resources = record.profiled.resources.model_copy(update={"server_cpu_s": 4.0})
    profiled = record.profiled.model_copy(update={"resources": resources})
    update = {
        "method": method, "runtime": runtime, "frequency": frequency, "errors": errors,
        "profiled": profiled, "window_s": 4.0,
    }  # fmt: skip
    directory.write_model("profiles/spikard.json", record.model_copy(update=update))
    for name, text in files.items():
        directory.write_bytes(f"trials/{name}", text.encode())
    return path


def only(path: Path) -> Profiled:
    (found,) = read_profiles(path)
    return found


def shares(found: Profiled) -> dict[str, float]:
    return {part.category: part.share for part in found.breakdown.slices if part.samples}


def test_py_spy_at_work_is_broken_down_with_its_gil(tmp_path: Path) -> None:
    """Sleeping threads are left out; the GIL comes from the trial that looked at nothing else."""
    path = taken(tmp_path, "py-spy", "python", {
        "spikard.profiled/py-spy.txt": WORK + SLEEP,
        "spikard.gil/py-spy.txt": WORK.replace("300", "194"),
        "spikard.gil/py-spy.log": "Samples: 194 Errors: 0\n",
    })  # fmt: skip

    found = only(path)

    assert shares(found) == {"JSON encode": 1.0}
    assert found.breakdown.refused == ""
    assert found.breakdown.quality.waiting_share == 0.75
    assert found.breakdown.gil is not None
    assert found.breakdown.gil.held == pytest.approx(0.5)
    assert found.breakdown.gil.threads == 1


@pytest.mark.parametrize(
    ("text", "errors", "words"),
    [
        (WORK.replace("300", "8") + SLEEP, 0, "8 samples"),
        (WORK.replace("300", "90") + SLEEP, 0, "samples per CPU second"),
        (WORK, 200, "could not read 40.00%"),
    ],
)
def test_a_profiler_that_saw_too_little_gets_no_conclusions(
    tmp_path: Path, text: str, errors: int, words: str
) -> None:
    """No microseconds, nothing that stands out, and the report says why."""
    path = taken(tmp_path, "py-spy", "python", {"spikard.profiled/py-spy.txt": text}, errors)

    found = only(path)
    renew(path)

    assert words in found.breakdown.refused
    assert all(part.us_per_request is None for part in found.breakdown.slices)
    codes = [note.code for note in found.findings]
    assert "profile-refused" in codes
    assert "profile-hot" not in codes
    report = (path / "report.md").read_text()
    assert "nothing is concluded" in report
    assert "(100%)" in report


def test_v8_profiles_of_several_processes_are_one(tmp_path: Path) -> None:
    """Each process of a cluster writes its own file; idle time is no CPU time."""
    text = json.dumps(V8)
    path = taken(tmp_path, "node", "node", {
        "spikard.profiled/node.cpuprofile.7": text, "spikard.profiled/node.cpuprofile.8": text,
    })  # fmt: skip

    found = only(path)

    assert shares(found) == {"interpreter and handler": 1.0}
    assert found.breakdown.quality.samples == 800_000
    assert found.breakdown.quality.seen_per_cpu_s == pytest.approx(200, rel=0.3)
    assert found.breakdown.quality.waiting_share == pytest.approx(1 / 3)
    assert found.breakdown.gil is None


def test_samples_of_macos_are_read(tmp_path: Path) -> None:
    """`sample` leaves one file per process."""
    path = taken(tmp_path, "sample", "native", {"spikard.profiled/sample.7": MAC})

    found = only(path)

    assert found.profile.samples == 600
    assert found.profile.waiting == 300


@pytest.mark.parametrize(
    ("method", "runtime", "name", "text", "words"),
    [
        ("py-spy", "python", "py-spy.txt", "", "saw no sample"),
        ("node", "node", "other", "", "V8 wrote no profile"),
        ("node", "node", "node.cpuprofile.7", "{", "cannot be read"),
        ("sample", "native", "sample.7", "", "no call graph"),
    ],
)
def test_a_raw_profile_that_is_missing_or_damaged_is_an_error(  # noqa: PLR0917 - one each
    tmp_path: Path, method: Method, runtime: str, name: str, text: str, words: str
) -> None:
    """The message names the folder and what is wrong with it."""
    path = taken(tmp_path, method, runtime, {f"spikard.profiled/{name}": text})

    with pytest.raises(UsageError, match=words) as error:
        read_profiles(path)

    assert "spikard.profiled" in str(error.value)


def test_a_folder_without_profiles_is_refused(tmp_path: Path) -> None:
    """`--from` of something else says what makes a profile."""
    with pytest.raises(UsageError, match="holds no profile"):
        read_profiles(tmp_path)


def test_names_beside_perf_s_text_are_used(tmp_path: Path) -> None:
    """What was found in stripped libraries while they were there stays known."""
    path = profile_run(tmp_path)
    script = (
        "tokio 1/1  10.1:\n\t  5d9a67 [unknown] (/app/_spikard.abi3.so)\n"
        "\t  aeb [unknown] (/app/_spikard.abi3.so)\n\n"
    )
    import gzip  # noqa: PLC0415 - only here

    folder = path / "trials" / "spikard.profiled"
    (folder / "perf.script.gz").write_bytes(gzip.compress((script * 1000).encode()))
    (folder / NAMES).write_text(json.dumps({"/app/_spikard.abi3.so": {"5d9a67": "~http::uri"}}))

    assert shares(only(path)) == {"HTTP parsing": 1.0}


def record(profiled_rps: float, *plain_rps: float, rate: float | None = None) -> ProfileRecord:
    """A record of a profiled trial between trials without a profiler."""
    trials = [
        run_data({"axum": Truth(rps=rps, cpu_us=1e6 / rps)}).trials[0]
        for rps in (profiled_rps, *plain_rps)
    ]
    profiled, *plain = (trial.model_copy(update={"offered_rps": rate}) for trial in trials)
    return ProfileRecord(
        bench_version="0", server="axum", title="Axum", workload="json-small", method="perf",
        runtime="native", interpreter=None, frequency=499, window_s=1.0, started="now",
        plain=plain[0], profiled=profiled, again=plain[1] if len(plain) > 1 else None,
    )  # fmt: skip


def test_the_slowdown_is_against_the_trials_before_and_after() -> None:
    """A drift that halves the rate meanwhile is not blamed on the profiler."""
    steady, drifting = record(4_500, 5_000), record(4_500, 10_000, 2_500)

    assert steady.slowdown == pytest.approx(0.1, abs=0.05)
    assert steady.spread is None
    assert drifting.slowdown == pytest.approx(0.1, abs=0.05)
    assert drifting.spread == pytest.approx(0.75, abs=0.05)


def test_at_a_given_rate_the_slowdown_is_of_requests_per_cpu_second() -> None:
    """The throughput of an open loop is the rate that was asked for."""
    opened = record(4_000, 5_000, 5_000, rate=1_000.0)

    assert opened.slowdown == pytest.approx(0.2, abs=0.05)
    assert opened.cpu_us == pytest.approx(200, rel=0.1)


def test_a_profile_that_is_taken_for_a_run_names_the_command_for_profiles(tmp_path: Path) -> None:
    """`bench report` of a profile run says what renders it."""
    path = profile_run(tmp_path)

    with pytest.raises(UsageError, match="is a profile, not a run") as error:
        find_run(path.name, tmp_path)

    assert f"bench profile --from {path}" in (error.value.advice or "")
