"""The life of a server in a trial during which a profiler looks into it."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import orjson

from bench.errors import StartError, UsageError
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
from bench.profiling.reading import NAMES
from bench.servers import RunningServer
from bench.servers.environment import base_environment
from bench.trial import TrialRun, TrialSetting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.process import Child
    from bench.profiling.setup import Prepared
    from bench.sampler import Observation
    from bench.trial.load import LoadRun

_READ_LIMIT_S: Final = 300.0
_END_S: Final = 15.0
_NODE_LIMIT_S: Final = 15.0
_NODE_LOOK_S: Final = 0.02
_TOLD: Final = 2000
NODE_FILE: Final = "node.cpuprofile"


class ProfiledTrialRun(TrialRun):
    """The life of a server that is looked into while the window goes on.

    Args:
        setting: the trial.
        prepared: the server, ready for the profiler.
        gil: with py-spy, look at who holds the GIL instead of at stacks: both at once cannot be.
    """

    def __init__(self, setting: TrialSetting, prepared: Prepared, *, gil: bool = False) -> None:
        super().__init__(setting)
        if not isinstance(self.server, RunningServer):
            raise UsageError(f"{setting.arm.name} was started by someone else: not profiled")
        self._started = self.server
        self._prepared = prepared
        self._gil = gil
        self._children: list[Child] = []
        self._asked: list[int] = []
        if prepared.runtime == "node" and prepared.method == "perf":
            # V8 writes a log of its own beside the map, by default into the server's folder.
            self._started.more_words = (f"--logfile={setting.folder / 'v8.log'}",)
        if prepared.method == "node":
            self._started.more_env[PRELOAD_OUT] = str(setting.folder / NODE_FILE)

    def begin_window(self) -> None:
        """Attach the profiler to the server's own processes; the load begins right after."""
        super().begin_window()
        folder, seconds = self.setting.folder, self.setting.profile.duration_s
        pids, method = self._started.pids(), self._prepared.method
        if method == "perf":
            argv = perf_record(pids, folder / "perf.data", seconds, self._prepared.runtime)
            self._spawn(argv, "profiler")
        elif method == "py-spy":
            argv = spy_record(self.server.pid, folder / "py-spy.txt", seconds, gil=self._gil)
            self._spawn(argv, "py-spy")
        elif method == "sample":
            for pid in pids:
                self._spawn(sample_record(pid, folder / f"sample.{pid}", seconds), f"sample-{pid}")
        else:
            self._asked = list(pids)
            self._node()

    def measured_window(self, load: LoadRun, observation: Observation) -> None:
        """Wait for the profiler and read what it saw while the server still lives.

        Raises:
            StartError: `tool-failed`, with what the profiler said.
        """
        super().measured_window(load, observation)
        for child in self._children:
            self._ended(child)
        if self._prepared.method == "node":
            self._node()
            self._written()
        elif self._prepared.method == "perf":
            keep_perf(self.setting.folder, self._started.pids())

    def _spawn(self, argv: tuple[str, ...], name: str) -> None:
        setting = self.setting
        pinned = setting.cpus.pinning.state == "pinned"
        cpus = setting.cpus.housekeeping or setting.cpus.load
        log = setting.folder / f"{name}.log"
        env = base_environment() | {"PATH": search_path()}  # py-spy may lie beside `bench`
        command = Command(argv, env, setting.folder, cpus if pinned else None, log)
        self._children.append(setting.supervisor.spawn(command))

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
        for pid in {*self._asked} & {*self._started.pids()}:  # one that ended may be a stranger now
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR2)

    def _written(self) -> None:
        """Wait until V8 wrote its profiles."""
        files = [self.setting.folder / f"{NODE_FILE}.{pid}" for pid in self._asked]
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
