"""Every kind of bad server gets its own reason, and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.servers import ground_truth

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]

_MATRIX = {
    "title": "Faults",
    "servers": [],
    "workloads": ["json-small"],
    "profiles": [{"connections": 8, "warmup": "1s", "duration": "1s", "timeout": "2s"}],
    "rounds": 1,
    "seed": 5,
}


def run_matrix(
    project: Path, *servers: str, **keys: Any
) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
    """Run a matrix of these servers; the process and the finished trials."""
    (project / "configs").mkdir(parents=True, exist_ok=True)
    matrix = {**_MATRIX, "servers": list(servers), **keys}
    (project / "configs" / "faults.yaml").write_text(json.dumps(matrix))
    argv = [sys.executable, "-m", "bench", "run", "faults", "--project", str(project), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    runs = sorted((project / "reports").glob("*-faults-*"))
    lines = (runs[-1] / "trials.jsonl").read_text().splitlines() if runs else []
    return done, [json.loads(line) for line in lines]


def leftovers() -> str:
    """Ground-truth servers that are still alive."""
    found = subprocess.run(
        ["pgrep", "-f", "truth.py --port="], capture_output=True, text=True, check=False
    )
    return found.stdout


FAULTS = {
    "exit-at-start": (["--exit-at-start=3"], "failed", "server-died", "exit code 3"),
    "never-ready": (["--never-ready"], "failed", "server-not-ready", "did not answer"),
    "other-port": (["--port-offset=1"], "failed", "server-not-ready", "refused"),
    "all-500": (["--status=500"], "failed", "wrong-response", "expected status 200, got 500"),
    "lies": (["--lie-after=1000"], "invalid", "wrong-response", "under load were wrong"),
    "errors": (["--error-share=0.05"], "invalid", "errors", "5.00% of"),
    "dies": (["--exit-after=3000"], "invalid", "server-died", "exit code 3"),
    "hangs": (["--hang-after=3000"], "invalid", "no-answer", "no usable answer"),
    "resets": (["--reset-requests=50"], "invalid", "errors", "failed (read"),
    "restarts": (["--restart-after=6000"], "invalid", "server-restarted", "was replaced"),
}
SOUND = {
    "own-session": ["--own-session"],
    "stray-group": ["--stray-child=group"],
    "stray-session": ["--stray-child=session"],
    "ignores-term": ["--ignore-term"],
    "half-dead": ["--half-dead-on-term"],
    "floods": ["--flood=3000"],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_reason(tmp_path: Path, fault: str) -> None:
    """A faulty server's trial has the status and reason of its fault; nothing stays."""
    options, status, reason, words = FAULTS[fault]
    ground_truth.write_server(tmp_path, fault, *options, ready_timeout="1s")
    done, trials = run_matrix(tmp_path, fault)

    assert done.returncode == 1, done.stderr
    assert trials[0]["status"] == status
    assert reason in trials[0]["reasons"]
    assert words in trials[0]["detail"]
    assert "Traceback" not in done.stderr
    assert len(trials) == (2 if status == "invalid" else 1)
    assert leftovers() == ""


def test_odd_but_right_servers_are_measured_and_ended(tmp_path: Path) -> None:
    """Servers that fork, ignore signals, leave their session or flood are measured and ended."""
    for name, options in SOUND.items():
        ground_truth.write_server(tmp_path, name, *options, stop={"grace": "200ms"})
    done, trials = run_matrix(tmp_path, *SOUND)

    assert done.returncode == 0, done.stderr
    assert {trial["server"] for trial in trials} == set(SOUND)
    assert {trial["status"] for trial in trials} <= {"valid", "suspect"}
    assert leftovers() == ""
    floods = next(trial for trial in trials if trial["server"] == "floods")
    assert "log-cut" in [item["code"] for item in floods["findings"]]
    logs = list(tmp_path.glob("reports/*/trials/*floods*/server.log"))
    assert logs[0].stat().st_size < 17_000_000


def test_other_cells_go_on(tmp_path: Path) -> None:
    """A server that never works costs its own cells and no others; two failures are enough."""
    ground_truth.write_server(tmp_path, "good")
    ground_truth.write_server(tmp_path, "bad", "--exit-at-start=3")
    done, trials = run_matrix(tmp_path, "good", "bad", rounds=3)
    summary = json.loads(done.stdout)

    assert done.returncode == 1
    by_server = [trial["server"] for trial in trials]
    assert by_server.count("good") == 3
    assert by_server.count("bad") == 2
    cells = {cell["server"]: cell for cell in summary["cells"]}
    assert cells["good"]["metrics"]["throughput_rps"]["n"] == 3
    assert cells["bad"]["metrics"]["throughput_rps"] is None


def test_memory_limit(tmp_path: Path) -> None:
    """A server above its memory limit is stopped, and the reason says so."""
    ground_truth.write_server(tmp_path, "eater", memory_limit="5MB")
    done, trials = run_matrix(tmp_path, "eater")

    assert done.returncode == 1
    assert trials[0]["reasons"] == ["memory-limit"]
    assert "`memory_limit` is 5.00 MB" in trials[0]["detail"]


def test_a_build_that_fails(tmp_path: Path) -> None:
    """A failing build skips its server with its last lines; others go on; exit code 1."""
    ground_truth.write_server(tmp_path, "good")
    ground_truth.write_server(
        tmp_path, "broken", build=[["sh", "-c", "echo no such crate; exit 4"]]
    )
    done, trials = run_matrix(tmp_path, "good", "broken")

    assert done.returncode == 1
    assert "no such crate" in done.stderr
    assert [trial["server"] for trial in trials] == ["good"]
    skipped = json.loads(done.stdout)["skipped"]
    assert skipped[0]["server"] == "broken"


def test_a_missing_toolchain_is_no_failure(tmp_path: Path) -> None:
    """A server whose toolchain is missing is skipped with the reason; the exit code is 0."""
    ground_truth.write_server(tmp_path, "good")
    ground_truth.write_server(tmp_path, "absent", needs=["no-such-compiler"])
    done, _ = run_matrix(tmp_path, "good", "absent")

    assert done.returncode == 0, done.stderr
    assert "no-such-compiler not found" in done.stderr
