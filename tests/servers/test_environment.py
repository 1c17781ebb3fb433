"""What servers are started with: environment, placeholders, ports."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from bench.model.secrets import is_secret
from bench.servers import ports
from bench.servers.environment import (
    base_environment,
    fill,
    fill_all,
    fill_some,
    found_program,
    redacted,
    startable,
    verbatim,
)
from bench.servers.ports import choose_port, is_free, listeners, listening_inodes


@pytest.mark.parametrize(
    "name", ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "API_KEY", "MY_CREDENTIALS"]
)
def test_secrets_are_kept_away(name: str) -> None:
    """Secrets of the user do not reach a server, and are hidden in records."""
    assert is_secret(name)
    assert name not in base_environment({name: "x", "PATH": "/bin"})
    assert redacted({name: "x"}) == {name: "***"}


@pytest.mark.parametrize("name", ["KEYBOARD", "TOKIO_WORKER_THREADS", "PATH", "AUTHOR"])
def test_other_names_are_no_secrets(name: str) -> None:
    """Names that only look like secrets are passed on."""
    assert not is_secret(name)


def test_the_environment_is_the_users() -> None:
    """An activated environment stays active: PATH first, as it is, and no folder of ours on it."""
    own = {"PYTHONPATH": "/x", "VIRTUAL_ENV": "/y", "CONDA_PREFIX": "/c", "NVM_DIR": "/n"}
    env = base_environment({**own, "BENCH_RUN": "r", "PATH": "/y/bin:/bin", "HOME": "/h"})

    assert {name: env[name] for name in own} == own
    assert "BENCH_RUN" not in env
    assert env["PATH"].split(":")[:2] == ["/y/bin", "/bin"]
    assert str(Path(sys.executable).parent) not in env["PATH"].split(":")


@pytest.mark.real
def test_try_runs_the_python_of_an_activated_environment(tmp_path: Path) -> None:
    """`python` is that of the active virtual environment, with the modules installed there."""
    venv.create(tmp_path / "env", with_pip=False)
    (site,) = (tmp_path / "env").glob("lib/python*/site-packages")
    (site / "only_here.py").write_text("WORD = b'from the venv'\n")
    app = (
        "import sys, only_here, http.server as h\n"
        "class H(h.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200); self.send_header('content-length', '13')\n"
        "        self.end_headers(); self.wfile.write(only_here.WORD)\n"
        "    def log_message(self, *args): pass\n"
        "h.HTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()\n"
    )
    (tmp_path / "app.py").write_text(app)
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    env["VIRTUAL_ENV"] = str(tmp_path / "env")
    env["PATH"] = f"{tmp_path / 'env' / 'bin'}{os.pathsep}{env['PATH']}"
    env["PYTHONPATH"] = str(Path(__file__).parents[2])
    words = ["try", "--rounds", "1", "--duration", "1s", "--warmup", "0s", "--allow-concurrent"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words, "--", "python", "app.py", "{port}"],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip

    assert "No module named" not in done.stderr
    assert "app" in done.stdout, done.stderr


def test_placeholders() -> None:
    """Each placeholder is replaced wherever it stands in a word; double braces become single."""
    values = {"port": "80", "cpus": "2"}

    assert fill_all(["a", "--p={port}x{cpus}"], values) == ("a", "--p=80x2")
    assert fill_all(["f({{a: {port}}})", "{{port}}"], values) == ("f({a: 80})", "{port}")
    assert fill(verbatim("f({a: {port}}) {{}} {x}", ["port"]), values) == "f({a: 80}) {{}} {x}"
    assert fill(fill_some("{{{python}}} {port}", {"python": "p"}), values) == "{p} 80"


def test_a_program_that_comes_with_bench_is_named_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own copy goes first; any other program is left to PATH."""
    for folder in ("user", "own"):
        (tmp_path / folder).mkdir()
    for file in ("own/uv", "own/python"):
        (tmp_path / file).write_text("#!/bin/sh\n")
        (tmp_path / file).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "own" / "python"))
    user = str(tmp_path / "user")

    assert startable(["uv", "sync"], user) == (str(tmp_path / "own" / "uv"), "sync")
    assert startable(["python", "x"], user) == ("python", "x")
    assert found_program("python", user) is None
    (tmp_path / "own" / "uv").rename(tmp_path / "user" / "uv")
    assert startable(["uv", "sync"], user) == ("uv", "sync")


def test_a_chosen_port_is_free_and_not_ephemeral() -> None:
    """A port is drawn below the ephemeral range and is free."""
    port = choose_port(random.Random(1))

    assert 1024 < port < 49_152
    assert is_free(port)


def test_two_processes_draw_different_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of one seed at the same time do not meet; what is drawn later stays the same."""
    ports_and_next = []
    for process in (101, 102):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        rng = random.Random(5)
        ports_and_next.append((choose_port(rng), rng.random()))
    answers = iter([False, False, True])
    monkeypatch.setattr(ports, "is_free", lambda *_: next(answers))
    rng = random.Random(5)
    choose_port(rng)
    (first, after), (second, after_too) = ports_and_next

    assert first != second
    assert after == after_too == rng.random()


def test_a_port_in_use_is_seen() -> None:
    """A port with a listener is not free, and its listener is known."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert not is_free(port)
        assert listeners(port, [os.getpid()]) == ({os.getpid()}, False)
        assert listeners(port, []) == (set(), True)


def test_listening_inodes() -> None:
    """Only sockets in state LISTEN on the port count, of IPv4 and IPv6."""
    head = "  sl  local_address rem_address st tx rx tr tm retr uid timeout inode\n"
    row = "   0: {} 00000000:0000 {} 00000000:00000000 00:00000000 00000000 0 0 {} 1\n"
    table = head + row.format("0100007F:1F90", "0A", 11) + row.format("0100007F:1F90", "01", 12)
    table6 = head + row.format("0" * 32 + ":1F90", "0A", 13) + row.format("0:1F91", "0A", 14)

    assert listening_inodes(8080, [table, table6]) == {"11", "13"}
