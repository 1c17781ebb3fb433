"""`bench profile` with real servers: V8's profiler, py-spy, and a profiler that fails."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest

from bench.errors import StartError
from bench.loadtools.install.find import search_path
from bench.profiling.at_work import NAMES, keep_perf
from bench.profiling.methods import ProfilerFacts, refusal
from bench.profiling.setup import facts_of
from tests.profiling.test_crates import library as stripped
from tests.run.helpers import Project

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


@pytest.mark.real
@pytest.mark.needs("node", "wrk")
def test_v8_s_profiler_sees_the_server_s_own_script(tmp_path: Path) -> None:
    """Started and stopped by signals inside the window; the other trials are without it."""
    project = Project(tmp_path)
    node_server(project)

    said = project.bench(
        "profile", "burning", "json-small", "--method", "node", "--seconds", "3",
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


@pytest.mark.real
@pytest.mark.needs("wrk")
def test_py_spy_looks_into_python_and_at_its_gil(tmp_path: Path) -> None:
    """A Python server without `python:` cannot have trampolines: py-spy is next."""
    facts: ProfilerFacts = facts_of(None)
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


@pytest.mark.real
@pytest.mark.needs("wrk")
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


@pytest.mark.real
@pytest.mark.needs("wrk")
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


def test_perf_s_data_become_text_while_names_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stacks, losses, names of stripped libraries; the map of generated code is kept, then gone."""
    library = tmp_path / "lib.abi3.so"
    library.write_bytes(stripped())
    program(tmp_path, f"printf 'w 1/2  10.1:\\n\\t  40 [unknown] ({library})\\n\\n'")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    pid = 2**22 + 1  # above what Linux gives to processes
    names = Path(f"/tmp/perf-{pid}.map")  # noqa: S108 - where perf looks
    names.write_text("10 8 old\n10 8 new\n")

    keep_perf(tmp_path, [pid])

    assert "[unknown]" in gzip.decompress((tmp_path / "perf.script.gz").read_bytes()).decode()
    assert (tmp_path / "perf.lost").read_text() == "3\n"
    assert json.loads((tmp_path / NAMES).read_text()) == {
        str(library): {"40": "~hyper::proto::h1::role"}
    }
    assert (tmp_path / names.name).read_text() == "10 8 old\n10 8 new\n"
    assert not names.exists()


def test_perf_that_cannot_print_its_data_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it said is the reason."""
    program(tmp_path, "echo 'incompatible file format' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    with pytest.raises(StartError, match="perf script failed: incompatible file format"):
        keep_perf(tmp_path, [])


def program(folder: Path, script: str) -> None:
    """A perf that says this for `perf script`, and three lost samples for `perf report`."""
    perf = folder / "perf"
    perf.write_text(
        f'#!/bin/sh\nif [ "$1" = script ]; then {script}; else\n'
        "echo '# Total Lost Samples: 3'; fi\n"
    )
    perf.chmod(0o755)


@pytest.mark.real
@pytest.mark.needs("node", "wrk")
def test_a_profile_on_the_server_s_machine(tmp_path: Path) -> None:
    """The profiler runs in the agent's place there; its files come into the run directory."""
    project = Project(tmp_path)
    node_server(project)
    config = project.root / "servers" / "burning" / "server.yaml"
    config.write_text(json.dumps({**json.loads(config.read_text()), "env": {"HOST": "{host}"}}))
    machines = project.root / "machines.yaml"
    machines.write_text("lab:\n  server: {ssh: local}\n  load: [{ssh: local}]\n")

    said = project.bench(
        "profile", "burning", "json-small", "--method", "node", "--seconds", "3",
        "--connections", "4", "--json", "--machines", f"{machines}:lab",
    )  # fmt: skip

    assert said.returncode == 0, said.stderr
    (profile,) = json.loads(said.stdout)["profiles"]
    own = [f for f in profile["breakdown"]["functions"] if f["place"].endswith("server.js")]
    assert sum(function["own_share"] for function in own) > 0.5
    (run,) = (project.root / "reports").glob("*-profile-*")
    files = [path.name for path in (run / "trials" / "burning.profiled").iterdir()]
    assert any(name.startswith("node.cpuprofile.") for name in files)
