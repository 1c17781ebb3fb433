"""`bench profile` with real servers: V8's profiler, py-spy, and a profiler that fails."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from bench.profiling.methods import Facts, refusal
from bench.session.profile_setup import facts_of
from bench.tools import search_path
from tests.session.helpers import Project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]

BURNING = """
const http = require('node:http')
function burn () { let n = 0; for (let i = 0; i < 200000; i++) n += Math.sqrt(i); return n }
http.createServer((request, response) => {
  const parts = []
  request.on('data', part => parts.push(part))
  request.on('end', () => {
    if (request.url !== '/health') burn()
    response.setHeader('Content-Type', 'application/json')
    response.end(request.url === '/health' ? '{}' : Buffer.concat(parts))
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
"""


def node_server(project: Project) -> None:
    """A server that burns nearly all of its time in one function."""
    folder = project.root / "servers" / "burning"
    folder.mkdir(parents=True)
    (folder / "server.js").write_text(BURNING)
    config = {"title": "Burning", "language": "JavaScript", "run": ["node", "server.js", "{port}"]}
    (folder / "server.yaml").write_text(json.dumps({**config, "ready": "/health"}))


def without(folder: Path, *absent: str) -> str:
    """A PATH on which everything is but these programs."""
    folder.mkdir()
    for place in search_path().split(os.pathsep):
        for name in os.listdir(place) if os.path.isdir(place) else ():  # noqa: PTH112, PTH208 - names only
            link = folder / name
            if name not in absent and not link.is_symlink():
                link.symlink_to(os.path.join(place, name))  # noqa: PTH118 - the same
    return str(folder)


@pytest.mark.needs("node")
def test_v8_s_profiler_sees_the_server_s_own_script(tmp_path: Path) -> None:
    """Started and stopped by signals inside the window; the other trials are without it."""
    project = Project(tmp_path)
    node_server(project)

    said = project.bench(
        "profile", "burning", "json-small", "--method", "node", "--seconds", "1",
        "--connections", "4", "--json",
    )  # fmt: skip

    assert said.returncode == 0, said.stderr
    (profile,) = json.loads(said.stdout)["profiles"]
    own = [f for f in profile["breakdown"]["functions"] if f["place"].endswith("server.js")]
    assert sum(function["own_share"] for function in own) > 0.5
    assert profile["method"] == "node"
    assert profile["slowdown"] is not None
    assert profile["spread"] is not None
    (run,) = (project.root / "reports").glob("*-profile-*")
    kinds = {path.name for path in (run / "trials").iterdir()}
    assert kinds == {"burning.plain", "burning.profiled", "burning.again"}
    marked = json.loads((run / "trials" / "burning.profiled" / "trial.json").read_text())
    assert "profiled" in [note["code"] for note in marked["findings"]]


def test_py_spy_looks_into_python_and_at_its_gil(tmp_path: Path) -> None:
    """A Python server without `python:` cannot have trampolines: py-spy is next."""
    facts: Facts = facts_of(None)
    if reason := refusal("py-spy", "python", facts):
        pytest.skip(f"py-spy: {reason}")
    project = Project(tmp_path)
    project.server("good", language="Python")

    said = project.bench(
        "profile", "good", "json-small", "--seconds", "3", "--connections", "4", "--json"
    )

    assert said.returncode == 0, said.stderr
    (profile,) = json.loads(said.stdout)["profiles"]
    assert profile["method"] == "py-spy"
    assert profile["breakdown"]["quality"]["samples"] > 0
    assert 0 < profile["breakdown"]["gil"]["held"] <= 1
    assert profile["breakdown"]["gil"]["threads"] >= 1
    assert any("perf" in note["text"] for note in profile["findings"])


def test_without_any_profiler_the_reasons_are_told(tmp_path: Path) -> None:
    """No perf and no py-spy on PATH, and not a Mac: exit 2, nothing is started."""
    if facts_of(None).system != "linux":
        pytest.skip("on macOS `sample` is always there")
    project = Project(tmp_path)
    project.server("good", language="Python")
    hidden = without(tmp_path / "bin", "perf", "py-spy")
    project.env["PATH"] = hidden
    if shutil.which("perf", path=search_path(project.env)):
        pytest.skip("perf cannot be hidden")

    said = project.bench("profile", "good", "json-small", "--method", "perf")

    assert said.returncode == 2
    assert "perf cannot be used here" in said.stderr
    assert "Traceback" not in said.stderr
    assert not list((project.root / "reports").glob("*"))


def test_a_profiler_that_fails_ends_the_command_with_its_words(tmp_path: Path) -> None:
    """perf works when it is tried, and not on the server: what it says is the error."""
    if facts_of(None).system != "linux":
        pytest.skip("perf is for Linux")
    tools = tmp_path / "tools"
    tools.mkdir()
    perf = tools / "perf"
    # The first folder on PATH after the interpreter's own; the trial run ends in `true`.
    perf.write_text(
        '#!/bin/sh\nfor last; do :; done\n[ "$last" = true ] && exit 0\n'
        "echo 'Error: Operation not permitted' >&2\nexit 255\n"
    )
    perf.chmod(0o755)
    project = Project(tmp_path, path=tools)
    project.server("good", language="Rust")

    said = project.bench(
        "profile", "good", "json-small", "--method", "perf", "--seconds", "1", "--connections", "2"
    )

    assert said.returncode not in (0, 2)
    assert "perf failed: Error: Operation not permitted" in said.stderr
    assert "perf_event_paranoid" in said.stderr
    assert "Traceback" not in said.stderr
