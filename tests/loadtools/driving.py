"""Runs real load tools against the truth server, without the rest of bench."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.loadtools import TOOLS, Share, Target, ToolOutput
from bench.loadtools.install.find import tool_path
from bench.loadtools.merging import merge, shares
from bench.loadtools.tool import LoadJob

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator, Mapping

    from bench.model.finding import Finding
    from bench.model.load_result import LoadResult
    from bench.model.plan import LoadProfile, Workload

SERVER = Path(__file__).with_name("truth_server.py")


class Server(NamedTuple):
    port: int

    def take_counts(self) -> dict[str, Any]:
        """What it counted since the last time, once what a tool left under way has arrived."""
        seen, now = None, self._counts("/count")["requests"]
        while now != seen:
            time.sleep(0.05)
            seen, now = now, self._counts("/count")["requests"]
        return self._counts("/count?reset")

    def _counts(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
            counts: dict[str, Any] = json.load(answer)
            return counts


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    with subprocess.Popen(
        [sys.executable, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            yield Server(int(process.stdout.readline()))
        finally:
            process.kill()


class Driven(NamedTuple):
    merged: LoadResult
    findings: tuple[Finding, ...]
    parts: tuple[LoadResult, ...]


def outputs(
    workload: Workload,
    profile: LoadProfile,
    folder: Path,
    *,
    port: int,
    env: Mapping[str, str] | None = None,
    stop: tuple[float, signal.Signals] | None = None,
    prepared: Callable[[], None] | None = None,
) -> list[ToolOutput]:
    tool = TOOLS[profile.tool]
    job = LoadJob(Target("127.0.0.1", port), workload, profile, folder)
    tool.prepare(job, random.Random(1))
    if prepared:
        prepared()
    started = []
    for index, part in enumerate(shares(profile, workload)):
        out = folder / f"load-{index}"
        out.mkdir()
        share = Share(index, len(shares(profile, workload)), seed=100 + index)
        command = tool.command(job._replace(profile=part), share, out, profile.duration_s)
        with command.stdout.open("wb") as stdout, (out / "stderr.txt").open("wb") as stderr:
            process = subprocess.Popen(
                (tool_path(tool.name), *command.argv[1:]),
                env={**command.env, **(env or {})},
                cwd=command.cwd,
                stdout=stdout,
                stderr=stderr,
            )
        started.append((process, ToolOutput(0, command.stdout, out / "stderr.txt", out)))
    if stop:
        time.sleep(stop[0])
        for process, _ in started:
            process.send_signal(stop[1])
    limit = profile.duration_s + 300  # of one that would hang
    return [output._replace(rc=process.wait(limit)) for process, output in started]


def drive(
    workload: Workload, profile: LoadProfile, folder: Path, *, port: int, **how: Any
) -> Driven:
    tool = TOOLS[profile.tool]
    done = outputs(workload, profile, folder, port=port, **how)
    parts = tuple(
        tool.parse(output, share)
        for output, share in zip(done, shares(profile, workload), strict=True)
    )
    return Driven(*merge(parts), parts)
