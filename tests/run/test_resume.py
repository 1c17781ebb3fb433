"""An interrupted run keeps what is finished and goes on as if nothing had happened."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.run.helpers import Project, structure, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]


def two_servers(root: Path) -> Project:
    """Two servers, two rounds; one ignores SIGTERM and leaves its session."""
    project = Project(root)
    project.server("one", "--ignore-term", "--own-session", stop={"grace": "100ms"})
    project.server("two")
    project.matrix("one", "two", rounds=2)
    return project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of its own for a test that interrupts."""
    return two_servers(tmp_path)


def interrupted(project: Project, number: int) -> tuple[int, str]:
    """Exit code and stderr of a run that gets a signal after its first trial, and goes on."""
    with project.running("run", "faults") as process:
        assert wait_until(lambda: project.trials() and project.left())
        time.sleep(0.3)  # mostly within the second trial, and long before the end of the fourth
        process.send_signal(number)
        stderr = process.communicate(timeout=200)[1]
    return process.returncode, stderr


def test_sigkill_and_resume(project: Project, finished: Finished) -> None:
    """After SIGKILL and a torn last line the rest is run, and the report has the same structure."""
    code, _ = interrupted(project, signal.SIGKILL)
    run = project.runs()[-1]
    before = (run / "trials.jsonl").read_bytes()
    with (run / "trials.jsonl").open("ab") as file:
        file.write(before[:200])
    resumed = project.bench("run", "--resume", "latest", "--json")
    planned = [trial["id"] for trial in json.loads((run / "plan.json").read_text())["trials"]]

    assert code == -signal.SIGKILL
    assert resumed.returncode == 0, resumed.stderr
    assert (run / "trials.jsonl").read_bytes().startswith(before)
    assert (run / "trials.damaged").read_bytes() == before[:200] + b"\n"
    assert project.planned() == planned
    assert structure(json.loads(resumed.stdout)) == structure(json.loads(finished.whole.stdout))
    assert len(json.loads((run / "run.json").read_text())["resumed"]) == 1
    assert project.bench("check", "latest").returncode == 0


class Finished:
    """A finished run of a matrix that lies outside the project, to be set back at will."""

    def __init__(self, root: Path) -> None:
        self.project = two_servers(root)
        self.matrix = root / "elsewhere.yaml"
        (self.project.root / "configs" / "faults.yaml").rename(self.matrix)
        self.kept = self.matrix.read_text()
        self.whole = self.project.bench("run", str(self.matrix), "--servers", "one,two", "--json")
        self.run = self.project.runs()[-1]
        self.files = {
            name: (self.run / name).read_bytes()
            for name in (
                "trials.jsonl",
                "run.json",
                "host.json",
                "plan.json",
                "builds/one.json",
                "builds/two.json",
            )
        }

    def back(self) -> None:
        """As SIGKILL in the last trial would have left it."""
        self.matrix.write_text(self.kept)
        for name, data in self.files.items():
            (self.run / name).write_bytes(data)
        lines = self.files["trials.jsonl"].splitlines(keepends=True)
        (self.run / "trials.jsonl").write_bytes(b"".join(lines[:-1]))
        info = json.loads(self.files["run.json"])
        (self.run / "run.json").write_text(
            json.dumps({**info, "finished": None, "exit_code": None})
        )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One run for all tests that need one which went to its end."""
    return Finished(tmp_path_factory.mktemp("finished"))


def test_refused_when_something_changed(finished: Finished) -> None:
    """Each change is named, all at once, and exits 2; by force the report is marked."""
    finished.back()
    project, run = finished.project, finished.run
    yaml = project.root / "servers" / "two" / "server.yaml"
    kept = yaml.read_text()
    yaml.write_text(kept.replace("60s", "61s"))
    source = project.root / "servers" / "one" / "app.py"
    source.write_text("print()")
    workload = project.root / "configs" / "workloads" / "json-small.yaml"
    workload.parent.mkdir()
    workload.write_text(json.dumps(_ANOTHER))
    finished.matrix.write_text(finished.kept.replace("Faults", "Other"))
    host = {**json.loads(finished.files["host.json"]), "fingerprint": "0" * 12}
    (run / "host.json").write_text(json.dumps({**host, "tools": {"wrk": "3.0"}}))
    done = project.bench("run", "--resume", "latest")
    kept_trials = project.planned()
    forced = project.bench("run", "--resume", "latest", "--force-resume")
    yaml.write_text(kept)
    source.unlink()
    workload.unlink()
    workload.parent.rmdir()

    assert done.returncode == 2
    for words in (
        "the matrix was edited",
        "another machine",
        "wrk is now",
        "was 3.0",
        "the workload json-small changed",
        "server.yaml of two was edited",
        "the sources or the toolchain of one changed",
        "--force-resume",
    ):
        assert words in done.stderr
    assert len(kept_trials) >= 3
    assert len(project.planned()) == 4
    assert forced.returncode == 0, forced.stderr
    assert "resumed-changed" in project.findings()
    assert "Resumed by force" in (run / "report.md").read_text()


_ANOTHER = {
    "title": "Another",
    "requests": [{"path": "/plaintext", "expect": {"status": 200, "text": "Hello, World!"}}],
}


@pytest.mark.parametrize("gone", [False, True])
def test_a_matrix_outside_the_project(finished: Finished, *, gone: bool) -> None:
    """A run of a matrix elsewhere is resumed without naming it, even when the file is gone."""
    finished.back()
    if gone:
        finished.matrix.unlink()
    done = finished.project.bench("run", "--resume", "latest")

    assert done.returncode == 0, done.stderr
    assert len(finished.project.planned()) == 4


def test_an_edited_matrix_is_seen_wherever_it_lies(finished: Finished) -> None:
    """The file that the run was made from is compared, not a copy."""
    finished.back()
    finished.matrix.write_text(finished.kept + "\n")
    done = finished.project.bench("run", "--resume", "latest")

    assert done.returncode == 2
    assert "the matrix was edited" in done.stderr


def test_options_cannot_change_a_resumed_run(finished: Finished) -> None:
    """Options that change the plan are refused beside --resume."""
    finished.back()
    done = finished.project.bench("run", "--resume", "latest", "--rounds", "5", "--seed", "1")

    assert done.returncode == 2
    assert "--rounds, --seed cannot change it" in done.stderr


def test_a_damaged_record_is_repeated(finished: Finished) -> None:
    """A damaged line of a finished run is set aside, its trial repeated, and the report says so."""
    finished.back()
    lines = finished.files["trials.jsonl"].splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"trial"', b'"trail"', 1)
    (finished.run / "trials.jsonl").write_bytes(b"".join(lines))
    (finished.run / "run.json").write_bytes(finished.files["run.json"])
    done = finished.project.bench("run", "--resume", "latest")
    planned = json.loads(finished.files["plan.json"])["trials"]

    assert done.returncode == 0, done.stderr
    assert set(finished.project.planned()) == {t["id"] for t in planned}
    assert "damaged-record" in finished.project.findings()


def test_a_finished_run_says_so(finished: Finished) -> None:
    """Resuming a finished run measures nothing, renews its reports and exits as it did."""
    finished.back()
    for name in ("trials.jsonl", "run.json"):
        (finished.run / name).write_bytes(finished.files[name])
    (finished.run / "report.md").unlink()
    done = finished.project.bench("run", "--resume", finished.run.name)

    assert done.returncode == 0
    assert "is finished: nothing to go on with" in done.stderr
    assert (finished.run / "trials.jsonl").read_bytes() == finished.files["trials.jsonl"]
    assert (finished.run / "report.md").is_file()


def test_a_lost_rerun_is_repeated(tmp_path: Path) -> None:
    """A run that was killed between an invalid trial and its re-run still makes the re-run."""
    project = Project(tmp_path)
    project.server("liar", "--lie-after=100")
    project.matrix("liar")
    assert project.bench("run", "faults").returncode == 1
    run = project.runs()[-1]
    lines = (run / "trials.jsonl").read_bytes().splitlines(keepends=True)
    assert len(lines) == 2
    (run / "trials.jsonl").write_bytes(lines[0])
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "finished": None, "exit_code": None}))
    done = project.bench("run", "--resume", "latest")

    assert done.returncode == 1
    names = [trial["trial"] for trial in project.trials()]
    assert names == ["r01-liar.json-small.wrk-c8", "r01-liar.json-small.wrk-c8.2"]


def test_no_such_run(project: Project) -> None:
    """Resuming what is not there is an error of usage."""
    done = project.bench("run", "--resume", "latest")

    assert done.returncode == 2
    assert "no run in" in done.stderr


def test_private_and_without_secrets(tmp_path: Path) -> None:
    """A run directory is the user's own; secrets reach neither records nor other servers.

    A run that goes on reads them anew, changed or not, and says so where it cannot.
    """
    project = Project(tmp_path)
    project.env["MY_API_KEY"] = "hidden-in-environment"
    count = '$(printf %s "$NAME" | wc -c)'
    token, password = (count.replace("NAME", name) for name in ("ADMIN_TOKEN", "DB_PASSWORD"))
    shell = f'echo "key=[$MY_API_KEY] token="{token} pass={password}; exec "$0" "$@"'
    server = json.loads(_server_of(project))
    command = ["sh", "-c", shell, *server["run"]]
    project.server("one", run=command, env={"ADMIN_TOKEN": "hidden-in-yaml"})
    matrix = project.matrix({"id": "one", "as": "two", "env": {"DB_PASSWORD": "hidden-in-matrix"}})
    whole = project.bench("run", "faults", "--json")
    run = project.runs()[-1]

    assert whole.returncode == 0, whole.stderr
    assert "key=[] token=14 pass=16" in _log(run)
    assert run.stat().st_mode & 0o077 == 0
    assert project.trials()[0]["server_process"]["env"] == {
        "ADMIN_TOKEN": "***",
        "DB_PASSWORD": "***",
    }
    project.server("one", run=command, env={"ADMIN_TOKEN": "hidden-and-renewed"})
    _unfinished(run)
    resumed = project.bench("run", "--resume", "latest")

    assert resumed.returncode == 0, resumed.stderr
    assert "key=[] token=18 pass=16" in _log(run)
    for path in run.rglob("*"):
        assert not path.is_file() or b"hidden-" not in path.read_bytes(), path
    matrix.unlink()
    _unfinished(run)
    refused = project.bench("run", "--resume", "latest")

    assert refused.returncode == 2
    assert "the value of DB_PASSWORD stood in the matrix" in refused.stderr


def _log(run: Path) -> str:
    return next(run.glob("trials/*/server.log")).read_text()


def _unfinished(run: Path) -> None:
    """As SIGKILL in the first trial would have left it."""
    (run / "trials.jsonl").unlink()
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "finished": None, "exit_code": None}))


def _server_of(project: Project) -> str:
    project.server("one")
    return (project.root / "servers" / "one" / "server.yaml").read_text()


def test_loopback_only(tmp_path: Path) -> None:
    """No process of a run connects to, or listens on, anything but 127.0.0.1."""
    project = Project(tmp_path)
    project.server("one")
    project.matrix("one")
    seen: set[str] = set()
    with project.running("run", "faults") as process:
        while process.poll() is None:
            pids = {process.pid, *(one.pid for one in project.left())}
            seen |= {address for pid in pids for address in _addresses(pid)}
            time.sleep(0.02)
        process.communicate()

    assert process.returncode == 0
    assert "127.0.0.1" in seen
    assert seen <= {"127.0.0.1", "0.0.0.0"}  # noqa: S104 - the peer of a listening socket


def _addresses(pid: int) -> set[str]:
    """Local and remote IPv4 and IPv6 addresses of a process's sockets."""
    import psutil  # noqa: PLC0415 - only here

    try:
        found = psutil.Process(pid).net_connections("inet")
    except psutil.Error:
        return set()
    ends = [tuple(end) for one in found for end in (one.laddr, one.raddr)]
    return {str(end[0]) for end in ends if end}  # an unconnected socket has no remote end
