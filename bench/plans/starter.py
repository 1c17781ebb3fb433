"""What `bench init` writes for a folder: looks at its files, proposes commands; writes nothing."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.model.fields import is_identifier
from bench.plans.find_cargo import find_cargo
from bench.plans.find_go import find_go
from bench.plans.find_jvm import find_gradle
from bench.plans.find_library import find_library
from bench.plans.find_node import find_node
from bench.plans.find_python import find_python
from bench.plans.found_server import UP, FoundServer
from bench.plans.library_programs import HELLO
from bench.plans.schema import schema_files, schema_line
from bench.plans.yaml.files import resolved
from bench.plans.yaml.reader import read_document
from bench.plans.yaml.scalars import plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MATRIX: Final = "first"


class InitOptions(NamedTuple):
    """What the user says about the server.

    Attributes:
        name: id of the server.
        port_env: variable that tells it its port; "" = `{port}` as an argument.
        path: what is asked.
    """

    name: str
    port_env: str = ""
    path: str = "/"


class Proposal(NamedTuple):
    """Files for a folder, relative to it, and what to look at next.

    Attributes:
        unknown: the word in server.yaml for which a name is lacking; "" = it can be tried.
        then: what measures the server once it runs.
    """

    kind: str
    files: dict[PurePosixPath, str]
    look: tuple[str, ...]
    unknown: str = ""
    then: str = f"ready for `bench run {MATRIX}`"


def propose(folder: Path, wish: InitOptions) -> Proposal:
    """A server.yaml, a workload and a matrix that fit the folder.

    A folder in which nothing is recognized gets a small server of its own, so that the first
    run works and can be changed from there.
    """
    finders: tuple[Callable[[Path, str], FoundServer | None], ...] = (
        find_library,
        find_cargo,
        find_go,
        find_node,
        find_gradle,
        find_python,
    )
    found = next((server for find in finders if (server := find(folder, wish.name))), None)
    home = PurePosixPath("servers", wish.name)
    workload = PurePosixPath("configs", "workloads", f"{wish.name}.yaml")
    matrix = PurePosixPath("configs", f"{MATRIX}.yaml")
    files = {
        home / ".gitignore": ".build/\n.venv/\ntarget/\n",
        workload: schema_line("workload", workload) + _workload(wish, found),
        matrix: schema_line("matrix", matrix) + _matrix(wish),
        **schema_files(),
    }
    if found is None and not (folder / home / "server.yaml").exists():
        files[home / "app.py"] = _SAMPLE
    server = found or _sample()
    for name, program in server.files.items():
        files[home / name] = program.replace("PATH", json.dumps(wish.path)[1:-1])
    place = home / "server.yaml"
    text = _server_yaml(server, wish, own=found is None)
    files[place] = schema_line("server", place) + text
    look = (
        f"{home}/server.yaml: {server.look}",
        f"configs/workloads/{wish.name}.yaml: the requests, and the response each must get",
        f"`bench validate`, then `bench verify {wish.name}`, then `bench run {MATRIX}`",
    )
    proposal = Proposal(server.kind, files, look, server.unknown)
    if not (lacks := _lacking(folder / matrix, wish.name)):
        return proposal
    first = f"add {wish.name} to {lacks} of {matrix}, which was there before"
    return proposal._replace(
        look=(*look[:-1], first, look[-1]), then=f"{first}, then `bench run {MATRIX}`"
    )


def _lacking(matrix: Path, name: str) -> str:
    """The lists of a matrix that was there already in which the new server lacks, or ""."""
    if not matrix.is_file():
        return ""
    data = read_document(matrix).data
    servers = data.get("servers")
    ids = [
        one.get("id") if isinstance(one, dict) else one
        for one in (servers if isinstance(servers, list) else ())
    ]
    workloads = data.get("workloads")
    lacks = [] if name in ids else ["servers"]
    lacks += [] if isinstance(workloads, list) and name in workloads else ["workloads"]
    return " and ".join(f"`{key}`" for key in lacks)


def project_name(folder: Path) -> str:
    """An id made of the folder's name.

    Raises:
        UsageError: the folder is a link that leads in a circle.
    """
    plain = re.sub(r"[^a-z0-9._-]+", "-", resolved(folder).name.lower()).strip("-._")
    name = re.sub(r"\.\.+", ".", plain)[:40]
    return name if is_identifier(name) else "server"


def _sample() -> FoundServer:
    return FoundServer(
        kind="a sample",
        language="Python",
        needs="python3",
        build=[],
        run=["python3", "app.py"],
        look="put your own build and run commands in place of the sample's",
    )


def _server_yaml(server: FoundServer, wish: InitOptions, *, own: bool) -> str:
    lines = [
        f"title: {json.dumps(wish.name)}",
        f"language: {server.language}",
        f"needs: [{server.needs}]  # executables; without them the server is skipped",
    ]
    if server.python:
        lines.append(f"python: {json.dumps(server.python)}")
    lines.append("# Commands are run in this folder, as they stand, without a shell.")
    if server.build:
        lines += ["build:", *(f"  - {json.dumps(argv)}" for argv in server.build)]
    run = list(server.run)
    if not wish.port_env and not server.port_argument and own:
        run.append("{port}")
    lines.append(f"run: {json.dumps(run)}")
    if not server.port_argument and not (own and not wish.port_env):
        name = "PORT" if server.files else wish.port_env or "PORT"
        more = "".join(f", {key}: {value}" for key, value in server.settings.items())
        lines.append(
            f'env: {{{_word(name)}: "{{port}}"{more}}}  # how the server is given its port'
        )
    elif server.settings:
        lines.append(f"env: {json.dumps(server.settings)}")
    lines.append(
        f"ready: {json.dumps(wish.path)}  # a path that is answered with 2xx once it is up"
    )
    if not own:
        lines.append(f"source: {UP}  # what it is built from; `bench ab --ref` checks it out")
    lines.append(f"workloads: [{_word(wish.name)}]")
    return "\n".join(lines) + "\n"


def _word(text: str) -> str:
    """A name as it stands in YAML: in quotes where `2024`, `null` or `no` would be no text."""
    scalar = plain(text)
    return text if scalar.value == text and not scalar.problem else json.dumps(text)


def _workload(wish: InitOptions, found: FoundServer | None) -> str:
    answer = found.answer if found else HELLO
    expect = f"{{status: 200, text: {json.dumps(answer)}}}" if answer else "{status: 200}"
    return (
        f"title: {json.dumps(f'GET {wish.path}')}\n"
        "requests:\n"
        f"  - path: {json.dumps(wish.path)}\n"
        f"    expect: {expect}  # also json: ..., text: ..., headers: {{...}}\n"
    )


def _matrix(wish: InitOptions) -> str:
    return (
        f"title: First run of {wish.name}\n"
        f"servers: [{_word(wish.name)}]\n"
        f"workloads: [{_word(wish.name)}]\n"
        "profiles: [{tool: wrk, loop: closed, connections: 50, warmup: 1s, duration: 3s}]\n"
        "rounds: 3\n"
    )


_SAMPLE: Final = '''"""A server to begin with: put yours in its place."""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open
    disable_nagle_algorithm = True

    def do_GET(self):
        body = b"Hello, World!"
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 1024


port = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PORT", "8000")
Server(("127.0.0.1", int(port)), Handler).serve_forever()
'''
