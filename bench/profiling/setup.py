"""Makes a server ready for a profiler: the interpreter, a build of its own, the facts."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.errors import ToolMissingError, UsageError
from bench.loadtools import TOOLS
from bench.loadtools.install.find import search_path
from bench.loadtools.install.ready import ready
from bench.loadtools.tool import too_old
from bench.process import capture
from bench.profiling.methods import (
    PERF_TRY,
    PRELOAD_OUT,
    TRAMPOLINE,
    ProfilerFacts,
    choose_method,
    is_wrapper,
    node_argv,
    runtime_of,
)
from bench.servers import satisfies
from bench.servers.build_dirs import content_of, copy_server
from bench.servers.environment import fill_some
from bench.store.cache import cache_folder

if TYPE_CHECKING:
    from bench.model.cpu_profile import Method
    from bench.model.plan import Arm

_ASK = (
    "import sys, sysconfig; print('%d.%d.%d' % sys.version_info[:3]); "
    "print(sysconfig.get_config_var('PY_HAVE_PERF_TRAMPOLINE') or 0); print(sys._base_executable)"
)
_NAMES = ("python3.12", "python3.13", "python3.14", "python3")


class Interpreter(NamedTuple):
    """A Python whose functions perf can see."""

    path: str
    version: str


class Prepared(NamedTuple):
    """A server ready to be profiled.

    Attributes:
        plain: as it is started for the trial without a profiler.
        profiled: the same build, started so that the profiler can read it.
        interpreter: what both run with where it was chosen for the profile, else None.
        refused: methods that were passed over, with the reason.
    """

    plain: Arm
    profiled: Arm
    method: Method
    runtime: str
    interpreter: str | None
    refused: tuple[str, ...]


def prepare(arm: Arm, asked: str) -> Prepared:
    """Choose the method and make the two arms; nothing is built or started yet.

    Raises:
        UsageError: no profiler can be used here, or `run` does not start node itself.
    """
    runtime = runtime_of(arm.config.language)
    python = find_trampoline(arm.config.python) if arm.config.python else None
    method, refused = choose_method(asked, runtime, facts_of(python))
    if method == "perf" and runtime == "python" and python is not None:
        plain = _own_build(arm, python)
        env = {**plain.env, "PYTHONPERFSUPPORT": "1"}
        profiled = plain.replace(env=env)
        return Prepared(plain, profiled, method, runtime, f"Python {python.version}", refused)
    profiled = arm
    if runtime == "node":
        argv = node_argv(arm.config.run, method)
        if argv is None and method != "sample":
            raise UsageError(
                f"{arm.name}: `run` does not start node itself, so that no profiler can be set up",
                advice="write `run: [node, server.js]` instead of a script that starts it",
            )
        if argv is not None:
            config = arm.config.replace(run=list(argv))
            env = dict(arm.env) if method == "perf" else {**arm.env, PRELOAD_OUT: ""}
            profiled = arm.replace(config=config, env=env)
    return Prepared(arm, profiled, method, runtime, None, refused)


def facts_of(python: Interpreter | None) -> ProfilerFacts:
    """What this machine has and allows; `python` is what was found for the server."""
    path = search_path()
    return ProfilerFacts(
        system="linux" if sys.platform.startswith("linux") else sys.platform,
        root=os.geteuid() == 0,
        perf=shutil.which("perf", path=path) is not None,
        paranoid=_setting("/proc/sys/kernel/perf_event_paranoid"),
        spy=shutil.which("py-spy", path=path) is not None,
        ptrace=_setting("/proc/sys/kernel/yama/ptrace_scope"),
        python=python is not None,
        perf_says=_perf_says(path),
    )


def _perf_says(path: str) -> str:
    """Why perf cannot be used, by trying it on a child of its own; "" where it works."""
    done = capture(PERF_TRY, env={**os.environ, "PATH": path, "LC_ALL": "C"})
    if done is None:
        return "it could not be started"
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    if done.rc == 0:
        return ""
    if is_wrapper(" ".join(lines)):
        return " ".join(lines)
    return (lines[1:2] or lines or ["it said nothing"])[0]


def _setting(path: str) -> int | None:
    if sys.platform == "darwin":
        return None
    try:
        return int(Path(path).read_text().strip())
    except (OSError, ValueError):
        return None


def find_trampoline(constraint: str) -> Interpreter | None:
    """The first Python of at least 3.12 that the server accepts and that perf can see into."""
    for name in (sys.executable, *_NAMES, *_pyenv()):
        done = capture([name, "-I", "-c", _ASK])
        if done is None or done.rc != 0:
            continue
        version, trampoline, base = done.stdout.split("\n")[:3]
        major, minor = (int(part) for part in version.split(".")[:2])
        fits = (major, minor) >= TRAMPOLINE and satisfies(version, constraint)
        if fits and trampoline == "1":
            return Interpreter(base, version)
    return None


def _pyenv() -> list[str]:
    try:
        root = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    except RuntimeError:  # no home folder, and so no pyenv in it
        return []
    return [str(path) for path in sorted(root.glob("versions/3.1[2-9]*/bin/python3"))]


def _own_build(arm: Arm, python: Interpreter) -> Arm:
    """A copy of the server's sources in the cache, to be built with that interpreter.

    The server's own build stays as it is: a run must not find an interpreter that it did not
    choose. Other sources get another copy: in the old one a deleted module could be imported.
    """
    source = Path(arm.folder)
    name = f"{arm.server}-python{python.version}-{content_of(source)}"
    folder = cache_folder() / "profiled" / name
    copy_server(source, folder)
    values, own = {"python": python.path}, arm.config
    config = own.replace(
        python=None,
        build=[[fill_some(word, values) for word in argv] for argv in own.build],
        run=[fill_some(word, values) for word in own.run],
        version=[fill_some(word, values) for word in own.version or ()] or None,
        env={name: fill_some(value, values) for name, value in own.env.items()},
    )
    env = {name: fill_some(value, values) for name, value in arm.env.items()}
    return arm.replace(folder=str(folder), config=config, env=env)


def check_tool(name: str) -> None:
    """Make sure that a load tool can be used.

    Raises:
        ToolMissingError: it is not there, or too old.
    """
    found = ready(name)
    reason = f"the load tool {name} is not installed"
    if found is not None:
        outdated = too_old(TOOLS[name], found.version)
        if outdated is None:
            return
        reason = outdated
    raise ToolMissingError(reason, advice=f"`bench setup --tool {name}` installs it")
