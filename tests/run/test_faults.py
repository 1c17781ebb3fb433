"""Every kind of bad server gets its own reason, and leaves nothing behind."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.run.helpers import Project
from tests.servers.ground_truth import TRUTH

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]

REFUSED = {
    "exit-at-start": (["--exit-at-start=3"], "exit code 3"),
    "never-ready": (["--never-ready"], "did not answer"),
    "other-port": (["--port-offset=1"], "refused"),
    "all-500": (["--status=500"], "expected status 200, got 500"),
    "mute": (["--hang-after=0"], "timed out"),
}
# What comes after so many requests comes on a slow machine too.
FAULTS = {
    "lies": (["--lie-after=300"], "invalid", "wrong-response", "were wrong"),
    "errors": (["--error-share=0.05"], "invalid", "errors", "requests failed (status"),
    "dies": (["--exit-after=200"], "invalid", "server-died", "exit code 3"),
    "hangs": (["--hang-after=200"], "invalid", "no-answer", "no usable answer"),
    "resets": (["--reset-requests=50"], "invalid", "errors", "failed (read"),
    "restarts": (["--restart-after=200"], "invalid", "server-restarted", "requests were lost"),
}
SOUND = {
    "stray-port": ["--stray-child=port"],
    "own-session": ["--own-session"],
    "stray-group": ["--stray-child=group"],
    "stray-session": ["--stray-child=session"],
    "ignores-term": ["--ignore-term"],
    "half-dead": ["--half-dead-on-term"],
    "floods": ["--flood=30000"],
    "retires": ["--retire-after=1500"],
}


_NOISY = "import sys\nwhile True: sys.stdout.buffer.write(bytes(range(256)) * 64)"


class FaultyRun:
    """One run of all faulty servers, one of a build that fails and a sound one among them."""

    def __init__(self, root: Path) -> None:
        self.project = Project(root)
        for name, (options, *_) in (REFUSED | FAULTS).items():
            # It has to listen within that time, and is waited for so long.
            late = {"ready_timeout": "6s"} if name == "never-ready" else {}
            self.project.server(name, *options, **late)
        self.project.server("eater", memory_limit="5MB")
        self.project.server(
            "binary",
            run=["python3", "-c", _NOISY, "{port}"],
            ready_timeout="300ms",
            stop={"grace": "1ms"},
        )
        self.project.server("sound")
        self.project.server("broken", build=[["sh", "-c", "echo no such crate; exit 4"]])
        self.project.server("absent", needs=["no-such-compiler"])
        servers = [*REFUSED, *FAULTS, "eater", "binary", "broken", "absent", "sound"]
        load = {"connections": 8, "warmup": "0s", "duration": "1s", "timeout": "4s"}
        self.project.matrix(*servers, baseline="sound", profiles=[load])
        self.done: subprocess.CompletedProcess[str] = self.project.bench("run", "faults", "--json")
        self.trials = self.project.trials()
        said = json.loads(self.done.stdout)["skipped"]
        self.skipped = {item["server"]: item["reason"] for item in said}

    def of(self, server: str) -> list[dict[str, Any]]:
        """The trials of one server."""
        return [trial for trial in self.trials if trial["server"] == server]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> FaultyRun:
    """All faults in one run: that others go on is part of what is shown."""
    return FaultyRun(tmp_path_factory.mktemp("faulty"))


@pytest.mark.parametrize("fault", REFUSED)
def test_each_refusal_has_its_reason(faulty: FaultyRun, fault: str) -> None:
    """What is wrong from the start is said before anything is measured, and never started again."""
    words = REFUSED[fault][1]
    before, _, _ = faulty.done.stderr.partition("req/s")

    assert words in faulty.skipped[fault]
    assert words in before
    assert faulty.of(fault) == []
    assert faulty.project.findings().count("not-served") == len(REFUSED) + 1


def test_the_cause_comes_last(faulty: FaultyRun) -> None:
    """The last line says what could not be measured, and why."""
    assert re.match(r"error: \S+ (takes no part|was skipped): ", _error(faulty.done.stderr))


def _error(stderr: str) -> str:
    """The last lines, from the error on."""
    return stderr[stderr.rindex("error: ") :]


@pytest.mark.needs("oha")
def test_a_wrong_answer_costs_one_workload(tmp_path: Path) -> None:
    """A server that answers one of two workloads wrongly is measured with the other alone."""
    project = Project(tmp_path)
    project.server("good")
    project.server("part", "--tell-every=1", "--lie-path=/plaintext")
    closed = {"tool": "oha", "connections": 4, "warmup": "0s", "duration": "500ms"}
    profiles = [closed, {**closed, "loop": "open", "rate": "50%"}]
    project.matrix("good", "part", workloads=["json-small", "plaintext"], profiles=profiles)
    done = project.bench("run", "faults", "--json")
    cells = {(c["server"], c["workload"]) for c in json.loads(done.stdout)["cells"]}
    measured = {(trial["server"], trial["workload"]) for trial in project.trials()}
    calibrated = {path.name for path in project.root.glob("reports/*/trials/r00-*")}

    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert cells - measured == {("part", "plaintext")}
    assert calibrated
    assert not [name for name in calibrated if name.startswith("r00-part.plaintext")]
    assert project.findings().count("not-served") == 2
    assert "not-calibrated" not in project.findings()
    last = _error(done.stderr)
    assert "part is not measured with plaintext: GET /plaintext: expected the text" in last
    assert "asked.log" not in last


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_reason(faulty: FaultyRun, fault: str) -> None:
    """A faulty server's trials have the status, one of them its reason and its words.

    Both have, unless the machine stood still through one of the windows.
    """
    _, status, reason, words = FAULTS[fault]
    trials = faulty.of(fault)

    assert [trial["status"] for trial in trials] == [status] * 2
    assert any(reason in one["reasons"] and words in one["detail"] for one in trials), trials
    assert words in faulty.done.stderr


def test_other_cells_go_on(faulty: FaultyRun) -> None:
    """Faulty servers cost their own cells only; the run's exit code says that some failed."""
    summary = json.loads(faulty.done.stdout)
    cells = {cell["server"]: cell for cell in summary["cells"]}

    assert faulty.done.returncode == 1
    assert "Traceback" not in faulty.done.stderr
    assert cells["sound"]["metrics"]["throughput_rps"]["n"] == 1
    assert [name for name in cells if cells[name]["metrics"]["throughput_rps"]] == ["sound"]


def test_nothing_stays(faulty: FaultyRun) -> None:
    """No process of the run is alive after it."""
    assert faulty.project.nothing_left()


def test_memory_limit(faulty: FaultyRun) -> None:
    """A server above its memory limit is stopped, and the reason says so."""
    trial = faulty.of("eater")[0]

    assert trial["status"] == "invalid"
    assert trial["reasons"] == ["memory-limit"]
    assert "`memory_limit` is 5.00 MB" in trial["detail"]


def test_binary_flood_before_it_is_ready(faulty: FaultyRun) -> None:
    """A server that pours out binary data is a short log and harmless characters on the screen."""
    log = next(faulty.project.root.glob("reports/*/builds/binary.asked.log"))

    assert "was not ready after" in faulty.skipped["binary"]
    assert log.stat().st_size < 17_000_000
    assert not [char for char in faulty.done.stderr if ord(char) < 32 and char != "\n"]


def test_a_build_that_fails(faulty: FaultyRun) -> None:
    """A failing build skips its server with its last lines, in terminal and report."""
    assert "no such crate" in faulty.done.stderr
    assert "no such crate" in faulty.skipped["broken"]
    assert faulty.of("broken") == []
    assert "build-failed" in faulty.project.findings()


def test_a_missing_toolchain(faulty: FaultyRun) -> None:
    """A server whose toolchain is missing is skipped with the reason."""
    assert "no-such-compiler not found" in faulty.done.stderr
    assert faulty.of("absent") == []


def test_a_missing_toolchain_is_no_failure(tmp_path: Path) -> None:
    """Where only a toolchain is missing the exit code is 0; two failures of a cell are enough."""
    project = Project(tmp_path)
    project.server("good")
    project.server("absent", needs=["no-such-compiler"])
    project.matrix("good", "absent")
    done = project.bench("run", "faults")

    assert done.returncode == 0, done.stderr


def test_two_failures_are_enough(tmp_path: Path) -> None:
    """A cell that failed twice before any load is not tried again.

    The server can be started once, for the first questions.
    """
    project = Project(tmp_path)
    once = tmp_path / "once"
    script = f'mkdir {once} && exec "$@"'
    run = ["sh", "-c", script, "sh", sys.executable, str(TRUTH), "--port={port}"]
    project.server("bad", run=run)
    project.matrix("bad", rounds=5)
    done = project.bench("run", "faults")

    assert done.returncode == 1
    assert [trial["status"] for trial in project.trials()] == ["failed", "failed"], done.stderr


def test_odd_but_right_servers_are_measured_and_ended(tmp_path: Path) -> None:
    """Servers that fork, ignore signals, leave their session or flood are measured and ended."""
    project = Project(tmp_path)
    for name, options in SOUND.items():
        project.server(name, *options, stop={"grace": "200ms"})
    # A process that retires takes one request along, after 1,500 requests less than a thousandth.
    load = {"connections": 2, "warmup": "0s", "duration": "2s", "timeout": "10s"}
    project.matrix(*SOUND, profiles=[load])
    done = project.bench("run", "faults")

    assert done.returncode == 0, done.stderr
    last = {trial["server"]: trial for trial in project.believed()}
    assert set(last) == set(SOUND)
    wrong = [t for t in last.values() if t["status"] not in ("valid", "suspect")]
    assert not wrong, [(t["server"], t["status"], t["reasons"], t["detail"]) for t in wrong]
    assert project.nothing_left()
    assert "log-cut" in [item["code"] for item in last["floods"]["findings"]]
    (retired,) = [f for f in last["retires"]["findings"] if f["code"] == "server-restarted"]
    assert retired["severity"] == "warning"
    assert "replaced during the load" in retired["text"]
    logs = list(project.root.glob("reports/*/trials/*floods*/server.log"))
    assert logs[0].stat().st_size < 17_000_000
