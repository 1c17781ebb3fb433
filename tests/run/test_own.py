"""One's own server: init, try, serve and ab, as a user calls them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from bench.plans.starter import InitOptions, propose
from tests.run.helpers import Project, wait_until
from tests.run.small_repositories import git
from tests.servers import ground_truth

if TYPE_CHECKING:
    from typing import Any

_TRUTH = [sys.executable, str(ground_truth.TRUTH), "--port={port}"]


def bench(tmp_path: Path, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`bench` with a cache of its own."""
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "NO_COLOR": "1"}
    env["PYTHONPATH"] = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-m", "bench", *words],
        capture_output=True,
        text=True,
        timeout=900,  # of one that would hang
        check=False,
        env=env,
        cwd=cwd or tmp_path,
    )


# -- init -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("Cargo.toml", '[package]\nname = "mine"\nversion = "1.0.0"\n', "cargo"),
        ("go.mod", "module example.org/mine\n\ngo 1.22\n", "go"),
        ("package.json", '{"name": "mine", "main": "server.js"}', "node"),
        ("pyproject.toml", '[project]\nname = "mine"\nversion = "1"\n', "python"),
    ],
)
def test_init_looks_at_the_folder(tmp_path: Path, file: str, text: str, words: str) -> None:
    """The commands of server.yaml fit what lies in the folder."""
    (tmp_path / file).write_text(text)
    proposal = propose(tmp_path, InitOptions("mine", "", "/"))
    server = next(text for place, text in proposal.files.items() if "server.yaml" in str(place))

    assert words in server
    assert proposal.look


@pytest.mark.real
@pytest.mark.needs("wrk")
def test_init_gives_a_project_that_runs(tmp_path: Path) -> None:
    """An empty folder gets a server, a workload and a matrix that are valid and verify."""
    folder = tmp_path / "new"
    folder.mkdir()
    first = bench(tmp_path, "init", cwd=folder)
    checked = bench(tmp_path, "validate", "--project", str(folder))
    verified = bench(tmp_path, "verify", "new", "--project", str(folder))
    again = bench(tmp_path, "init", cwd=folder)

    assert first.returncode == 0, first.stderr
    assert checked.returncode == 0, checked.stdout
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "kept" in again.stdout


# -- try ------------------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.needs("oha")
def test_try_a_command(tmp_path: Path) -> None:
    """A command is started, checked and measured without any file."""
    words = ("--path", "/plaintext", "--duration", "1s", "--warmup", "0s", "--rounds", "1")
    done = bench(tmp_path, "try", *words, "--connections", "8", "--", *_TRUTH)

    assert done.returncode == 0, done.stderr
    assert "requests/s" in done.stdout
    assert "100 %" in done.stdout or "100%" in done.stdout


@pytest.mark.real
@pytest.mark.needs("oha")
def test_try_an_address(tmp_path: Path) -> None:
    """A server that runs already is measured, not stopped, and the result says so."""
    with ground_truth.start(log=tmp_path / "log") as server:
        url = f"http://127.0.0.1:{server.port}/plaintext"
        words = ("--duration", "1s", "--warmup", "0s", "--rounds", "1", "--json")
        done = bench(tmp_path, "try", "--url", url, *words)
        assert done.returncode == 0, done.stderr
        assert server.get("/plaintext")[0] == 200
        answered = server.counts()["responses"]

    summary: dict[str, Any] = json.loads(done.stdout)
    assert "not-restarted" in [item["code"] for item in summary["findings"]]
    assert 0 < summary["cells"][0]["total_requests"] <= answered


@pytest.mark.real
def test_try_of_a_path_that_is_not_there(tmp_path: Path) -> None:
    """A 404 is an answer: it is told at once, and not taken for a server that never gets ready."""
    done = bench(tmp_path, "try", "--path", "/nothing", "--", *_TRUTH)

    assert done.returncode == 1
    assert "answered GET /nothing with 404" in done.stderr
    assert "not ready" not in done.stderr


_ANSWERS = (
    "import sys, http.server as h\n"
    "class H(h.BaseHTTPRequestHandler):\n"
    "    protocol_version = 'HTTP/1.1'\n"
    "    def do_GET(self):\n"
    "        self.send_response(200); self.send_header('content-length', '2')\n"
    "        self.end_headers(); self.wfile.write(sys.argv[2].encode())\n"
    "    def log_message(self, *args): pass\n"
    "h.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()\n"
)


@pytest.mark.real
@pytest.mark.needs("oha")
def test_try_of_servers_that_answer_differently(tmp_path: Path) -> None:
    """The wrong one is told once, before any trial, and the last line is the cause; with each
    one's own answer expected, rates are those of each alone."""
    (tmp_path / "app.py").write_text(_ANSWERS)
    words = ["try", "--duration", "1s", "--warmup", "0s", "--rounds", "1", "--allow-concurrent"]
    words += ["--connections", "4"]  # ten answers on each within a second, on a busy machine too
    both = [sys.executable, "app.py", "{port}", "aa", "--and", sys.executable, "app.py", "{port}"]
    wrong = bench(tmp_path, *words, "--", *both, "bb")
    own = bench(tmp_path, *words, "--expect", "own", "--", *both, "bb")

    assert wrong.returncode == 1
    assert "expected the text 'aa', got 'bb'" in wrong.stderr.splitlines()[-1]
    assert " req/s" not in wrong.stderr
    assert own.returncode == 0, own.stderr
    assert "GET /, 4 connections, alone" in own.stdout
    assert "each alone, n = 1; below 3 rounds no verdict" in own.stdout
    assert "cost in duet" in own.stdout


# -- serve ----------------------------------------------------------------------------------


@pytest.mark.real
def test_serve_until_ctrl_c(tmp_path: Path) -> None:
    """Ctrl-C at any moment after the address was printed stops the server; that is exit 0."""
    project = Project(tmp_path)
    project.server("good")
    with project.running("serve", "good") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()  # the signal may come before the next line
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=200)

    assert url.startswith("http://127.0.0.1:"), said
    assert process.returncode == 0, said
    assert not _answers(url)


@pytest.mark.real
def test_serve_answers_at_its_address(tmp_path: Path) -> None:
    """The address that is printed is that of the server; SIGTERM ends it as Ctrl-C does."""
    project = Project(tmp_path)
    project.server("good")
    with project.running("serve", "good") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert _answers(url)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=200)

    assert process.returncode == 0
    assert not _answers(url)


@pytest.mark.real
@pytest.mark.parametrize("phase", ["build", "run"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_serve_interrupted_before_it_is_ready(
    tmp_path: Path, phase: str, number: signal.Signals, code: int
) -> None:
    """While it is built or starts, that is exit 130 or 143, no address, and no process left."""
    project = Project(tmp_path)
    here = tmp_path / "pid"
    script = "import os, sys, time; open(sys.argv[1], 'w').write('%d ' % os.getpid())"
    wait = [sys.executable, "-c", f"{script}; time.sleep(600)", str(here), "{port}"]
    project.server("slow", **{phase: [wait] if phase == "build" else wait}, ready_timeout="10m")
    with project.running("serve", "slow") as process:
        begun = wait_until(lambda: _pid(here) or process.poll() is not None)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=200)

    assert (begun, process.returncode, stdout) == (True, code, ""), stderr
    assert "Traceback" not in stderr
    assert wait_until(lambda: not psutil.pid_exists(_pid(here)))


def _pid(file: Path) -> int:
    """The number in a file, 0 until it is written whole."""
    text = file.read_text() if file.exists() else ""
    return int(text) if text.endswith(" ") else 0


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/plaintext", timeout=30) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except urllib.error.URLError:
        return False


# -- ab -------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Project:
    """A project in a git repository whose branch `slow` burns three times the CPU time."""
    project = Project(tmp_path)
    project.server("mine", "--burn-us=100")
    git(project.root, "init", "-q")
    git(project.root, "add", ".")
    git(project.root, "commit", "-qm", "one")
    git(project.root, "checkout", "-qb", "slow")
    project.server("mine", "--burn-us=400")
    git(project.root, "commit", "-qam", "two")
    git(project.root, "checkout", "-q", "main")
    return project


_SHORT = (
    "--workloads",
    "json-small",
    "--duration",
    "400ms",
    "--warmup",
    "0s",
    "--connections",
    "8",
)
_ROUGH = ("--detect", "50%", "--max-time", "20s")


@pytest.mark.real
@pytest.mark.alone
@pytest.mark.needs("oha")
def test_ab_finds_the_slower_branch(repository: Project) -> None:
    """The answer comes first, names the branch, and the gate is exit 4."""
    done = repository.bench(
        "ab", "mine", "--ref", "main", "--ref", "slow", *_SHORT, *_ROUGH, "--fail-on", "slower"
    )
    first = done.stdout.splitlines()[0]

    assert done.returncode == 4, done.stderr
    assert first.startswith("slow ")
    assert "per CPU" in first
    assert "noise floor" in first
    assert repository.nothing_left()


@pytest.mark.real
@pytest.mark.needs("oha")
def test_ab_goes_on_after_an_interruption(tmp_path: Path) -> None:
    """Ctrl-C keeps what is finished and names the command that goes on, project included.

    Equal settings are a server against itself: one duet for each load profile and round.
    """
    project = Project(tmp_path)
    project.server("mine")
    words = ("ab", "mine", "--env", "A=1", "--env", "A=1", *_SHORT, "--duration", "1s")
    with project.running(*words, "--max-time", "2s") as process:
        assert wait_until(project.trials, 300)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=200)
    before = project.trials()
    done = project.bench("run", "--resume", "latest")
    after = project.trials()

    assert process.returncode == 130, said
    assert f"`bench run --resume latest --project {project.root}` goes on" in said
    assert "same content" in said
    assert done.returncode == 0, done.stderr
    assert after[: len(before)] == before
    assert {trial["round"] for trial in after} == {1, 2, 3}
    assert project.nothing_left()


@pytest.mark.real
@pytest.mark.needs("oha")
def test_ab_with_nothing_to_compare(tmp_path: Path) -> None:
    """When the only other arm cannot be built here, that is exit 1 with the reason, at once."""
    project = Project(tmp_path)
    project.server("good")
    project.server("absent", needs=["no-such-compiler"])
    done = project.bench("ab", "good", "absent", *_SHORT, "--max-time", "5s")

    assert done.returncode == 1, done.stderr
    assert "nothing was compared" in done.stderr
    assert "no-such-compiler not found" in done.stderr
    assert project.trials() == []
