"""`bench` as `uv tool install` installs it: everything it needs lies inside the package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import __version__
from bench.loadtools.install.find import search_path

_ROOT = Path(__file__).parents[1]
_NETWORK = ("network", "offline", "dns", "connect", "fetch", "client error", "timed out")
"""Words of uv where a package is neither in its cache nor to be had."""


def _uv(*words: str, env: dict[str, str]) -> None:
    """Run uv with what its cache has, else with the network, else skip."""
    for how in (["--offline"], []):
        done = subprocess.run(
            ["uv", *words, *how],
            capture_output=True,
            text=True,
            timeout=900,  # of one that would hang
            check=False,
            env=env,
            cwd=env["HERE"],
        )
        if done.returncode == 0:
            return
        if not any(word in done.stderr.lower() for word in _NETWORK):
            break
    else:
        pytest.skip("neither uv's cache nor the network has what bench depends on")
    pytest.fail(f"uv {' '.join(words)}: {done.stderr}")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which the `bench` on PATH is one that was installed from a wheel."""
    here = tmp_path_factory.mktemp("install")
    foreign = ("PYTHONPATH", "VIRTUAL_ENV", "UV_PYTHON", "UV_PROJECT_ENVIRONMENT")
    env = {name: value for name, value in os.environ.items() if name not in foreign} | {
        "HERE": str(here),
        "NO_COLOR": "1",
        "PATH": search_path(),
        "UV_TOOL_DIR": str(here / "tools"),
        "UV_TOOL_BIN_DIR": str(here / "bin"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR") or _cache("uv"),
    }
    _uv("build", "--wheel", "--out-dir", str(here / "dist"), str(_ROOT), env=env)
    wheel = next((here / "dist").glob("*.whl"))
    _uv("tool", "install", "--python", sys.executable, str(wheel), env=env)
    path = f"{here / 'bin'}{os.pathsep}{env['PATH']}"
    return env | {"PATH": path, "XDG_CACHE_HOME": str(here / "cache")}


def _cache(name: str) -> str:
    """The user's cache: bench has one of the test's own, and uv's would be empty there."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return str(Path(base, name))


def _bench(env: dict[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(env["HERE"], "bin", "bench"), *words],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env=env,
        cwd=folder,
    )


@pytest.mark.real
@pytest.mark.needs("uv", "wrk", "python3")
def test_first_project_of_an_installed_bench(installed: dict[str, str], tmp_path: Path) -> None:
    """In an empty folder, init writes what validate finds right and run measures and reports."""
    folder = tmp_path / "new"
    folder.mkdir()
    short = ("--rounds", "1", "--duration", "1s", "--warmup", "0s")
    for words in (["init"], ["validate"], ["run", "first", *short]):
        done = _bench(installed, folder, *words)
        assert done.returncode == 0, f"bench {words}: {done.stdout}{done.stderr}"
    run = next((folder / "reports").iterdir())

    assert "requests/sec" in done.stdout
    assert {"report.md", "report.html", "summary.json"} <= {path.name for path in run.iterdir()}


@pytest.mark.real
@pytest.mark.needs("uv", "wrk", "cc")
def test_what_lies_inside_an_installed_bench(installed: dict[str, str], tmp_path: Path) -> None:
    """The servers, workloads and bodies that come along are known and serve; nothing is written
    into the package, and an empty folder stays empty."""
    listed = _bench(installed, tmp_path, "list", "servers").stdout
    verified = _bench(installed, tmp_path, "verify", "ceiling")
    tool = Path(installed["HERE"], "tools", "workload-bench")
    package = next(tool.glob("lib/python*/site-packages/bench"))

    assert {line.split()[0] for line in listed.splitlines()} >= {"axum", "ceiling", "fastapi"}
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "json-large" in verified.stdout
    assert not (package / "_data" / "servers" / "ceiling" / ".build").exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.real
@pytest.mark.needs("uv")
def test_name_and_version_of_an_installed_bench(installed: dict[str, str], tmp_path: Path) -> None:
    """The distribution is not called as its command: another project has that name."""
    listed = subprocess.run(
        ["uv", "tool", "list"], capture_output=True, text=True, check=True, env=installed
    ).stdout
    said = _bench(installed, tmp_path, "--version").stdout

    assert listed.splitlines() == [f"workload-bench v{__version__}", "- bench"]
    assert __version__ in said


@pytest.mark.real
@pytest.mark.needs("uv", "wrk", "python3")
def test_try_of_an_installed_bench(installed: dict[str, str], tmp_path: Path) -> None:
    """A command is measured in a folder where nothing was written for it."""
    words = ("--rounds", "1", "--duration", "1s", "--warmup", "0s", "--connections", "4")
    server = ("python3", "-m", "http.server", "--bind", "127.0.0.1", "{port}")
    done = _bench(installed, tmp_path, "try", *words, "--", *server)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "requests/s" in done.stdout
    assert list(tmp_path.iterdir()) == []
