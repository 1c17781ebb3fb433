"""A profiler that looks into one running server, on the machine of that server."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

import orjson

from bench.errors import StartError
from bench.loadtools.install.find import search_path
from bench.process import Command, capture
from bench.profiling.crates import crate_names, nameless
from bench.profiling.methods import (
    PRELOAD_OUT,
    failed,
    lost_samples,
    perf_lost,
    perf_record,
    perf_script,
    sample_record,
    spy_record,
)
from bench.profiling.perfmap import without_overlaps
from bench.servers.environment import base_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.cpu_profile import Method
    from bench.process import Child, SupervisorClient
    from bench.servers import RunningServer

_READ_LIMIT_S: Final = 300.0
_END_S: Final = 15.0
_NODE_LIMIT_S: Final = 15.0
_NODE_LOOK_S: Final = 0.02
_TOLD: Final = 2000
_TELL_NODE: Final = 's=$1; shift; kill -USR2 "$@"; sleep "$s"; kill -USR2 "$@"'
"""Begins V8's profiles, and has them written so many seconds later."""
NODE_FILE: Final = "node.cpuprofile"
NAMES: Final = "names.json"
"""Beside perf's text: names of functions of stripped libraries, taken while those were there."""


class Look(NamedTuple):
    """How a server is looked into.

    Attributes:
        gil: with py-spy, look at who holds the GIL instead of at stacks: both at once cannot be.
    """

    method: Method
    runtime: str
    gil: bool = False


class ProfilerAtWork:
    """Looks into a server of which it hears before its start.

    Args:
        server: not yet started.
        look: how it is looked into.
        folder: for what the profiler writes.
        supervisor: starts it.
        cpus: that it is held on; None = not held.
    """

    def __init__(
        self,
        server: RunningServer,
        look: Look,
        folder: Path,
        supervisor: SupervisorClient,
        cpus: tuple[int, ...] | None,
    ) -> None:
        self._server = server
        self._look = look
        self._folder = folder
        self._supervisor = supervisor
        self._cpus = cpus
        self._children: list[Child] = []
        self._asked: list[int] = []
        if look.runtime == "node" and look.method == "perf":
            # V8 writes a log of its own beside the map, by default into the server's folder.
            server.more_words = (f"--logfile={folder / 'v8.log'}",)
        if look.method == "node":
            server.more_env[PRELOAD_OUT] = str(folder / NODE_FILE)

    def begin(self, seconds: float, start_at: float = 0.0) -> None:
        """Attach the profiler to the server's own processes.

        Args:
            seconds: for how long it looks.
            start_at: monotonic time at which it begins; 0 = now.
        """
        folder, pids, method = self._folder, self._server.pids(), self._look.method
        argvs: dict[str, tuple[str, ...]] = {}
        if method == "perf":
            data = folder / "perf.data"
            argvs["profiler"] = perf_record(pids, data, seconds, self._look.runtime)
        elif method == "py-spy":
            out = folder / "py-spy.txt"
            argvs["py-spy"] = spy_record(self._server.pid, out, seconds, gil=self._look.gil)
        elif method == "sample":
            for pid in pids:
                argvs[f"sample-{pid}"] = sample_record(pid, folder / f"sample.{pid}", seconds)
        else:
            self._asked = list(pids)
            if start_at:  # a load that comes from elsewhere: nobody is here then
                argvs["signals"] = ("sh", "-c", _TELL_NODE, "sh", str(seconds), *map(str, pids))
            else:
                self._node()
        env = base_environment() | {"PATH": search_path()}  # py-spy may lie beside `bench`
        for name, argv in argvs.items():
            log = folder / f"{name}.log"
            command = Command(argv, env, folder, self._cpus, log, start_at=start_at)
            self._children.append(self._supervisor.spawn(command))

    def end(self) -> None:
        """Wait for the profiler and read what it saw while the server still lives.

        Raises:
            StartError: `tool-failed`, with what the profiler said.
        """
        for child in self._children:
            self._ended(child)
        if self._look.method == "node":
            if not self._children:
                self._node()
            self._written()
        elif self._look.method == "perf":
            keep_perf(self._folder, self._server.pids())

    def _ended(self, child: Child) -> None:
        """Wait for a profiler; one that does not end is asked to write what it has, then killed."""
        late = not child.wait(_END_S)
        if late:
            child.signal(signal.SIGINT)
            if not child.wait(_END_S):
                child.signal(signal.SIGKILL)
        if child.rc != 0 and not late:
            text = child.command.stdout.read_text("utf-8", "replace")[:_TOLD]
            _fail(failed(child.command.argv[0], text))

    def _node(self) -> None:
        for pid in {*self._asked} & {*self._server.pids()}:  # one that ended may be a stranger now
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR2)

    def _written(self) -> None:
        """Wait until V8 wrote its profiles."""
        files = [self._folder / f"{NODE_FILE}.{pid}" for pid in self._asked]
        limit = time.monotonic() + _NODE_LIMIT_S
        while not all(file.exists() for file in files):
            if time.monotonic() > limit:
                _fail("V8's profiler wrote nothing: does `run` start node itself?")
            time.sleep(_NODE_LOOK_S)


def _fail(text: str) -> NoReturn:
    raise StartError(text, code="tool-failed")


def _keep_names(folder: Path, script: str) -> None:
    """Name what perf could not, as long as the libraries are the ones that ran."""
    names = {}
    for path, places in sorted(nameless(script).items()):
        try:
            data = Path(path).read_bytes()
        except OSError:
            continue
        found = crate_names(data, places)
        names[path] = {f"{place:x}": found[place] for place in sorted(found)}
    (folder / NAMES).write_bytes(orjson.dumps(names))


def keep_perf(folder: Path, pids: Sequence[int]) -> None:
    """Turn perf's data into text now: the names of Python's functions lie in /tmp until then.

    Args:
        folder: of the trial, with `perf.data` in it.
        pids: the server's processes.

    Raises:
        StartError: `tool-failed`, with what perf said.
    """
    env = base_environment() | {"PATH": search_path()}
    env.pop("DEBUGINFOD_URLS", None)  # symbols come from this machine only
    data = folder / "perf.data"
    maps = [path for pid in pids if (path := Path(f"/tmp/perf-{pid}.map")).exists()]  # noqa: S108 - where Python and V8 write it
    for names in maps:
        shutil.copy(names, folder / names.name)
        names.write_text(without_overlaps(names.read_text("utf-8", "replace")), "utf-8")
    printed = capture(perf_script(data), timeout_s=_READ_LIMIT_S, env=env)
    lost = capture(perf_lost(data), timeout_s=_READ_LIMIT_S, env=env)
    if printed is None or printed.rc != 0:
        said = printed.stderr.strip()[-300:] if printed else "it took too long"
        _fail(f"perf script failed: {said}")
    # mtime=0: the same profile gives the same bytes.
    (folder / "perf.script.gz").write_bytes(gzip.compress(printed.stdout.encode(), mtime=0))
    _keep_names(folder, printed.stdout)
    (folder / "perf.lost").write_text(f"{lost_samples(lost.stdout) if lost else 0}\n")
    for names in maps:
        names.unlink(missing_ok=True)
