"""Server and load in agents of their own: counts, raw output, reasons, and nothing left."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.servers.postgres_found import find_postgres
from tests.run.helpers import Project
from tests.servers import ground_truth
from tests.servers.ground_truth import TRUTH
from tests.servers.spoken import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]

RUN = [sys.executable, str(TRUTH), "--port={port}", "--host={host}"]


def lab_project(root: Path, *, loads: int = 1) -> Project:
    """A project, and agents on this machine as `lab`: the server on CPU 0, load on CPU 1."""
    project = Project(root)
    listed = ", ".join(["{ssh: local}"] * loads)
    (project.root / "machines.yaml").write_text(
        f"lab:\n  server: {{ssh: local}}\n  load: [{listed}]\n"
    )
    project.server("sound", run=RUN)
    project.matrix("sound", server_cpus=[0], load_cpus=[1])
    return project


def machines_of(project: Project) -> str:
    return f"{project.root / 'machines.yaml'}:lab"


def test_counts_of_all_machines_are_the_servers_own(tmp_path: Path) -> None:
    """What the load machines counted adds up to what the server answered, question by question."""
    project = lab_project(tmp_path, loads=2)
    done = project.bench("run", "faults", "--machines", machines_of(project))
    assert done.returncode == 0, done.stderr
    (trial,) = project.believed()
    assert trial["status"] in ("valid", "suspect"), trial["detail"]
    server, *loads = trial["machines"]
    assert [one["name"] for one in (server, *loads)] == ["server", "load-1", "load-2"]
    requests = trial["load"]["requests"]
    assert sum(one["requests"] for one in loads) == requests > 100
    assert trial["load"]["latency_us"]["count"] == sum(o["latency_us"]["count"] for o in loads)
    run = project.runs()[-1]
    folder = run / "trials" / trial["trial"]
    answered = ground_truth.counts_in((folder / "server.log").read_text())["responses"]
    side = trial["sidechannel"]
    verified = 2 * 3  # twice: two of the kind, one with another body
    more = answered - requests - side["right"] - side["unanswered"] - verified
    # A question that got no answer in time may have got one later.
    assert -side["unanswered"] <= more <= 8, "not more than one answer under way per connection"
    for one in loads:
        assert (folder / one["name"] / "load-0" / "stdout.txt").stat().st_size
        assert (run / "machines" / one["name"] / "host.json").exists()
    assert "load-2" in (run / "report.md").read_text()
    assert project.bench("check", run.name).returncode == 0


def test_two_servers_at_the_same_time(tmp_path: Path) -> None:
    """A duet on machines: both loads of the only load machine go on together, each to its own."""
    project = lab_project(tmp_path)
    project.server("twin", run=RUN)
    project.matrix("sound", "twin", design="duet", server_cpus=[0], load_cpus=[1])
    done = project.bench("run", "faults", "--machines", machines_of(project))
    assert done.returncode == 0, done.stderr
    trials = [trial for trial in project.believed() if trial["partner"]]
    assert trials
    for trial in trials:
        assert trial["status"] in ("valid", "suspect"), trial["detail"]
        _, load = trial["machines"]
        folder = project.runs()[-1] / "trials" / trial["trial"]
        assert load["requests"] == trial["load"]["requests"] > 50
        assert trial["partner"]["load"]["requests"] > 50
        assert (folder / "partner" / "load-1" / "load-0" / "stdout.txt").stat().st_size


@pytest.mark.needs("oha")
def test_tls_and_a_database_between_machines(tmp_path: Path) -> None:
    """The certificate is of the server machine's address; its key is there for a trial only."""
    project = lab_project(tmp_path)
    elsewhere = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
    (project.root / "machines.yaml").write_text(
        f"lab:\n  server: {{ssh: local, address: {elsewhere}}}\n  load: [{{ssh: local}}]\n"
    )
    stored = {"services": {"postgres": ["json-small"]}} if find_postgres() else {}
    run = [sys.executable, str(PROGRAM), "{port}", "{protocol}", "{cert}", "{key}"]
    env = {"HOST": "{host}"} | ({"URL": "{postgres_url}"} if stored else {})
    speaks = {"protocols": ["https", "h2"], "workloads": ["json-small"]}
    project.server("one", run=run, env=env, **speaks, **stored)
    window = {"connections": 4, "processes": 1, "warmup": "0s", "duration": "1s"}
    profiles = [
        {"tool": "oha", "protocol": "h2", **window},
        {"tool": "oha", "protocol": "https", "keepalive": False, **window},
    ]
    project.matrix("one", server_cpus=[0], load_cpus=[1], profiles=profiles)
    done = project.bench("run", "faults", "--machines", machines_of(project))
    assert done.returncode == 0, done.stderr
    for trial in project.believed():
        assert trial["status"] in ("valid", "suspect"), trial["detail"]
        assert trial["load"]["ok"] == trial["load"]["requests"] > 0
        assert trial["sidechannel"]["right"] > 0
        assert (trial["server_process"]["database"] is None) == (not stored)
        if "https" in trial["profile"]:
            assert trial["handshakes"]["resumes"] is True
    said = project.bench("verify", "one", "--json", "--machines", machines_of(project))
    rows = json.loads(said.stdout)["results"]
    assert [(row["protocol"], row["ok"]) for row in rows] == [("https", True), ("h2", True)]
    assert not list(tmp_path.rglob("*.pem"))


def test_doctor_of_each_machine(tmp_path: Path) -> None:
    """Each is examined for what it does: compilers on one, load tools on the other."""
    project = lab_project(tmp_path)
    done = project.bench("doctor", "--json", "--machines", machines_of(project))
    assert done.returncode in (0, 3), done.stderr
    found = json.loads(done.stdout)["machines"]
    assert list(found) == ["server", "load-1"]
    assert [one["state"]["CPU split"].split()[0] for one in found.values()] == ["server", "load"]
    assert "wrk" in found["load-1"]["state"]["Tools"]
    assert "wrk" not in found["server"]["state"].get("Tools", "")
    assert found["server"]["measured"]["clock"]["cost_ns"] > 0
    assert done.returncode == (0 if all(one["fit"] for one in found.values()) else 3)


def test_what_cannot_be_done_is_refused(tmp_path: Path) -> None:
    """Nothing is silently measured on this machine instead."""
    project = lab_project(tmp_path)
    project.server("deaf")
    project.matrix("deaf")
    done = project.bench("run", "faults", "--machines", machines_of(project))
    assert done.returncode == 2
    assert "deaf does not learn on which address to listen" in done.stderr
    done = project.bench("run", "faults", "--machines", "nowhere.yaml:lab")
    assert done.returncode == 2
    assert not project.runs()


_SERVE = """#!/usr/bin/env python3
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = open("page.txt", "rb").read()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

print("files:", *sorted(os.listdir()), flush=True)
ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""


def test_a_command_is_tried_where_its_files_are_sent(tmp_path: Path) -> None:
    """What git would track goes there and the program that is named; nothing that git ignores."""
    project = lab_project(tmp_path)
    folder = tmp_path / "mine"
    folder.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    files = {
        ".gitignore": "serve\nkey.txt\n",
        "page.txt": "a page",
        "key.txt": "1",
        "serve": _SERVE,
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "serve").chmod(0o755)
    words = ("try", "--machines", machines_of(project), "--connections", "4", "--rounds", "1")
    length = ("--duration", "1s", "--warmup", "0s", "--json", "--")
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words, *length, "./serve", "{host}", "{port}"],
        capture_output=True, text=True, timeout=900, check=False, env=project.env, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    logs = list((tmp_path / "cache" / "bench" / "try").glob("*/reports/*/trials/*/server.log"))
    assert logs
    first = {log.read_text().partition("\n")[0] for log in logs}  # it may complain of an ended load
    assert first == {"files: .gitignore page.txt serve"}
    trials = json.loads(done.stdout)["cells"][0]["trials"]
    assert trials["valid"] + trials["suspect"] == 1, done.stderr


def test_a_command_that_cannot_be_loaded_from_elsewhere(tmp_path: Path) -> None:
    """It is refused before any machine is reached."""
    project = Project(tmp_path)
    for words, said in (
        (("--", "./serve", "{port}"), "{host} is not in `./serve"),
        (("--url", "http://127.0.0.1:3000"), "--url with --machines"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "bench", "try", "--machines", "nowhere.yaml:lab", *words],
            capture_output=True, text=True, timeout=60, check=False, env=project.env, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 2
        assert said in done.stderr
