"""`bench init`: a whole project or nothing, and proposals that run."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.plans.starter import InitOptions, propose

if TYPE_CHECKING:
    from collections.abc import Callable

_ROOT = Path(__file__).parents[2]
_WHOLE = {
    ".bench/schema/matrix.json",
    ".bench/schema/server.json",
    ".bench/schema/workload.json",
    "configs/first.yaml",
    "configs/workloads/new.yaml",
    "servers/new/.gitignore",
    "servers/new/app.py",
    "servers/new/server.yaml",
}
_NODE = """
const answer = (request, response) => response.end("hi");
require("http").createServer(answer).listen(Number(process.env.PORT), "127.0.0.1");
"""
_PYTHON = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"hi")

HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
_GO = """
package main

import (
	"net"
	"os"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		panic(err)
	}
	for {
		connection, _ := listener.Accept()
		go func() {
			for request := make([]byte, 4096); ; {
				if _, err := connection.Read(request); err != nil {
					return
				}
				connection.Write([]byte("HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nhi"))
			}
		}()
	}
}
"""


def bench(
    folder: Path,
    *words: str,
    stdout: int = subprocess.PIPE,
    before: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """`bench` in a folder, with a cache beside it."""
    env = {**os.environ, "XDG_CACHE_HOME": str(folder.parent / "cache"), "NO_COLOR": "1"}
    env.setdefault("GOCACHE", str(Path.home() / ".cache" / "go-build"))  # else all is built anew
    return subprocess.run(
        [sys.executable, "-m", "bench", *words],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=900,  # of one that would hang
        check=False,
        env={**env, "PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        preexec_fn=before,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder named new."""
    made = tmp_path / "new"
    made.mkdir()
    return made


def files(folder: Path) -> set[str]:
    """All files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_closed_stdout_leaves_a_whole_project(folder: Path) -> None:
    """Whoever reads nothing of what init says, as `| head -0` does, has the files."""
    reader, writer = os.pipe()
    os.close(reader)
    done = bench(folder, "init", stdout=writer)
    os.close(writer)

    assert files(folder) == _WHOLE, done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_written_takes_the_others_back(folder: Path) -> None:
    """Where one of the files cannot be written, there is no file and no folder."""
    size = 400  # bytes: the matrix and the workload are shorter, app.py is longer
    done = bench(
        folder, "init", before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    )

    assert done.returncode == 1, done.stdout
    assert "File too large" in done.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("place", ["configs", "servers/new", "configs/workloads"])
def test_a_file_in_the_place_of_a_folder(folder: Path, place: str) -> None:
    """That is exit 2, names the file, and nothing is written."""
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).write_text("mine")
    done = bench(folder, "init")

    assert (done.returncode, f"{place} is a file" in done.stderr) == (2, True), done.stderr
    assert files(folder) == {place}


@pytest.mark.parametrize("place", ["configs/first.yaml", "servers"])
def test_a_folder_or_dead_link_in_the_way(folder: Path, place: str) -> None:
    """Neither is written through nor taken for a file that is kept."""
    (folder / place).parent.mkdir(exist_ok=True)
    if place == "servers":
        (folder / place).symlink_to(folder / "nowhere")
    else:
        (folder / place).mkdir()
    done = bench(folder, "init")

    assert (done.returncode, place in done.stderr) == (2, True), done.stderr
    assert files(folder) == set()


def test_files_that_are_there_are_kept(folder: Path) -> None:
    """A server that is there stays as it is and gets no sample's program beside it."""
    (folder / "servers" / "new").mkdir(parents=True)
    (folder / "servers" / "new" / "server.yaml").write_text("title: Mine\n")
    done = bench(folder, "init")

    assert "kept  servers/new/server.yaml" in done.stdout
    assert (folder / "servers" / "new" / "server.yaml").read_text() == "title: Mine\n"
    assert files(folder) == _WHOLE - {"servers/new/app.py"}


@pytest.mark.real
@pytest.mark.parametrize(
    ("needed", "project"),
    [
        pytest.param(
            "node",
            {
                "package.json": '{"main": "index.js", "scripts": {"start": "node lib/web.js"}}',
                "lib/web.js": _NODE,
            },
            marks=pytest.mark.needs("node"),
            id="package.json",
        ),
        pytest.param(
            "uv",
            {"pyproject.toml": '[project]\nname = "x"\nversion = "1"\n', "app.py": _PYTHON},
            marks=pytest.mark.needs("uv"),
            id="pyproject.toml",
        ),
        pytest.param(
            "go",
            {"go.mod": "module example.org/x\n\ngo 1.20\n", "cmd/web/main.go": _GO},
            marks=pytest.mark.needs("go"),
            id="go.mod",
        ),
    ],
)
def test_proposals_run(folder: Path, needed: str, project: dict[str, str]) -> None:
    """What init proposes builds, starts on its port and answers, without a change by hand."""
    for place, text in project.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
    first = bench(folder, "init")
    verified = bench(folder, "verify")

    assert first.returncode == 0, first.stderr
    assert f"needs: [{needed}]" in (folder / "servers/new/server.yaml").read_text()
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "ok  GET / 2 bytes" in verified.stdout


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ({"pyproject.toml": "[tool.ruff]\n", "app.py": ""}, None),
        ({"pyproject.toml": '[project]\nname = "x"\n', "app.py": ""}, "../../pyproject.toml"),
        ({"pyproject.toml": '[project]\nname = "x"\n'}, '"-e", "../.."'),
        ({"requirements.txt": "", "pyproject.toml": "[project]\n"}, "../../requirements.txt"),
    ],
)
def test_what_a_python_project_installs(
    folder: Path, project: dict[str, str], expected: str | None
) -> None:
    """Dependencies for a script, the project itself for a package, nothing for settings alone."""
    for place, text in project.items():
        (folder / place).write_text(text)
    written = propose(folder, InitOptions("new")).files
    server = next(text for place, text in written.items() if place.name == "server.yaml")

    assert ("install" in server) == (expected is not None)
    assert expected is None or expected in server


@pytest.mark.parametrize(
    ("project", "run"),
    [
        ({"package.json": '{"main": "absent.js"}', "app.js": ""}, "../../app.js"),
        ({"package.json": '{"main": "absent.js"}'}, "../../absent.js"),
        ({"package.json": "[]"}, "../../server.js"),
        ({"Cargo.toml": '[package]\nname = "a"\ndefault-run = "b"\n'}, "release/b"),
        ({"Cargo.toml": "no toml"}, "release/THE-PROGRAM"),
    ],
)
def test_which_program_is_run(folder: Path, project: dict[str, str], run: str) -> None:
    """A file that is there comes before one that is only named."""
    for place, text in project.items():
        (folder / place).write_text(text)
    written = propose(folder, InitOptions("new")).files
    server = next(text for place, text in written.items() if place.name == "server.yaml")
    line = next(line for line in server.splitlines() if line.startswith("run:"))

    assert f'{run}"' in line


@pytest.mark.needs("node")
def test_a_server_with_a_port_of_its_own(folder: Path) -> None:
    """First examples listen on a port that is written in them: it is found, kept and tried."""
    (folder / "package.json").write_text("{}")
    (folder / "server.js").write_text(_NODE.replace("Number(process.env.PORT)", "18473"))
    done = bench(folder, "init")
    text = (folder / "servers" / "new" / "server.yaml").read_text()

    assert done.returncode == 0, done.stdout + done.stderr
    assert "it listens on 18473" in done.stdout
    assert "it runs: GET / was answered with 200" in done.stdout
    assert "port: 18473" in text
    assert "NODE_ENV: production" in text
