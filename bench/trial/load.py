"""Starts the processes of a load tool together, waits for them, and merges what they reported.

This is the one seam through which load is started: nothing above knows where it runs (`seam`).
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import BenchError, ParseError
from bench.loadtools import Share, ToolOutput
from bench.loadtools.install.find import tool_path
from bench.loadtools.merging import judged, merge, shares
from bench.loadtools.tool import LoadJob
from bench.model.trial_record import CommandRecord
from bench.trial.load_waiting import ASK_S, TICK_S, Latch, end_early, wait_for

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.loadtools import LoadTool, Target
    from bench.model.finding import Finding
    from bench.model.load_result import LoadResult
    from bench.model.plan import CpuSplit, LoadProfile, Workload
    from bench.process import Child, SupervisorClient
    from bench.trial.seam import BegunLoad, TrialLoader

WARMUP: Final = "warmup"
"""Name of the sub-folder for the raw output of a warm-up."""

_GRACE_S: Final = 10.0


class LoadFailure(BenchError):  # noqa: N818 - it is a failure of the tool, kept as data of the trial
    """The load tool did not deliver: killed, hung, wrong output.

    Attributes:
        commands: what was run, with exit codes.
        code: the reason code that the trial records.
    """

    def __init__(
        self, message: str, commands: tuple[CommandRecord, ...], *, code: str = "tool-failed"
    ) -> None:
        super().__init__(message)
        self.commands = commands
        self.code = code


class LoadRun(NamedTuple):
    """One finished piece of load.

    Attributes:
        started: monotonic time at which the first process was started.
        ended: monotonic time at which the last process was gone.
        cpu_s: user + system seconds per process.
        spans_s: seconds each process lived.
    """

    result: LoadResult
    findings: tuple[Finding, ...]
    commands: tuple[CommandRecord, ...]
    started: float
    ended: float
    cpu_s: tuple[float, ...]
    spans_s: tuple[float, ...]


class Running(NamedTuple):
    """The processes of one window, and where each leaves its output."""

    children: list[Child]
    outputs: list[ToolOutput]

    def kill(self) -> None:
        """End them all, whatever they do."""
        for child in self.children:
            child.signal(signal.SIGKILL)
            child.wait(_GRACE_S)


def run_together(
    loaders: Sequence[TrialLoader[Any]],
    name: str,
    duration_s: float,
    *,
    started: Sequence[Callable[[tuple[int, ...]], None]],
    tick: Callable[[float], None],
    begins: Callable[[], None] = lambda: None,
    ended: Callable[[], None] = lambda: None,
    enough: Callable[[], bool] | None = None,
) -> list[LoadRun]:
    """Run the processes of one or more loaders over the same window.

    Args:
        loaders: one per server.
        name: sub-folder for the raw output, `warmup` or `load`.
        duration_s: window asked for.
        started: per loader, called once with its pids.
        tick: called four times a second with the seconds since the start, while waiting.
        begins: called when what is sent begins to count.
        ended: called when all have ended, before their output is read, which takes up to a second.
        enough: of a warm-up, asked twenty times a second; once it says so the processes are
            ended before their time, and nothing is returned: what they write does not count.

    Raises:
        LoadFailure: a process failed, hung, or its output is not a result.
    """
    lead_s, lead_in_s = _lead(loaders, name)
    if not lead_in_s:
        begins()
    began = time.monotonic()
    begun: list[tuple[TrialLoader[Any], BegunLoad]] = []
    try:
        for loader, told in zip(loaders, started, strict=True):
            running = loader.begin(name, duration_s, began + lead_s)
            begun.append((loader, running))
            told(tuple(child.pid for child in running.children))
        if lead_in_s:  # nothing is asked before it counts: sleep until that very moment
            time.sleep(max(0.0, began + lead_s - time.monotonic()))
            began, lead_s = began + lead_s, 0.0
            begins()
        if _ended_early(begun, began, lead_s + duration_s, tick, enough):
            ended()
            return []
    except BaseException:
        for _, running in begun:
            running.kill()
        raise
    ended()
    return [loader.finish(running) for loader, running in begun]


def _ended_early(
    begun: Sequence[tuple[TrialLoader[Any], BegunLoad]],
    began: float,
    planned_s: float,
    tick: Callable[[float], None],
    enough: Callable[[], bool] | None,
) -> bool:
    """Wait for all; True where it was enough before, and they were ended.

    Raises:
        LoadFailure: one did not end in its time.
    """
    done, every_s = Latch(enough or (lambda: False)), ASK_S if enough else TICK_S
    for loader, running in begun:
        limit_s = planned_s + loader.limit_s
        limits_s = (limit_s - _GRACE_S, limit_s)
        if not wait_for(running.children, began, limits_s, tick, done, every_s=every_s):
            raise loader.hung(running, limit_s)
        if done.seen:
            end_early([running for _, running in begun])
            return True
    return False


def _lead(loaders: Sequence[TrialLoader[Any]], name: str) -> tuple[float, float]:
    """Seconds from a start to where what is sent counts; of these, in how many it is sent."""
    lead_in_s = 0.0 if name == WARMUP else max((one.lead_in_s for one in loaders), default=0.0)
    return max((one.lead_s for one in loaders), default=0.0) + lead_in_s, lead_in_s


class Loader:
    """Sends the load of one trial: the warm-up and the window, each with fresh tool processes.

    Args:
        folder: the trial's folder; pool files are written there once.
        rng: decides the pool and the seeds of the processes.
        schedule: decides random arrivals; the warm-up has others than the window.
        among: its first process among those of all machines with one schedule, and their number.
        alone: no other loader runs beside it.
        lead_in: before a window it sends what does not count, if it can and there is a warm-up.
    """

    def __init__(
        self,
        *,
        tool: LoadTool,
        profile: LoadProfile,
        workload: Workload,
        target: Target,
        cpus: CpuSplit,
        supervisor: SupervisorClient,
        folder: Path,
        rng: random.Random,
        schedule: int = 0,
        among: tuple[int, int] = (0, 0),
        alone: bool = False,
        lead_in: bool = True,
    ) -> None:
        self._tool = tool
        self.lead_in_s = tool.lead_in_s if lead_in and profile.warmup_s > 0 else 0.0
        self._profile = profile
        self._shares = shares(profile, workload)
        self._job = LoadJob(target, workload, profile, folder)
        self._cpus = cpus
        self._supervisor = supervisor
        self._folder = folder
        self._rng = rng
        self._schedule = schedule
        self._first, self._of = among[0], among[1] or len(self._shares)
        pinned = cpus.pinning.state == "pinned"
        self._own_cpu = alone and pinned and len(self._shares) <= len(cpus.load)
        tool.prepare(self._job, rng)

    @property
    def limit_s(self) -> float:
        """Seconds beyond the window after which the tool is taken to hang."""
        return self._profile.timeout_s + _GRACE_S

    @property
    def grace_s(self) -> float:
        """Of these, how long it has after it was asked to end."""
        return _GRACE_S

    @property
    def lead_s(self) -> float:
        """Seconds that the tool's processes need before they all begin at once."""
        return self._tool.lead(self._profile)

    def begin(self, name: str, duration_s: float, start_at: float) -> Running:
        """Start all processes of one window.

        Args:
            name: sub-folder for the raw output.
            duration_s: window asked for.
            start_at: monotonic time at which all begin: by themselves, or held until then.
        """
        running, schedule = Running([], []), self._schedule + (name == WARMUP)
        try:
            for index, profile in enumerate(self._shares):
                seed = self._rng.getrandbits(31)
                place = self._first + index, self._of, seed, start_at, schedule
                lead_in_s = 0.0 if name == WARMUP else self.lead_in_s
                part = Share(*place, own_cpu=self._own_cpu, lead_in_s=lead_in_s)
                child, out = self._start(name, part, profile, duration_s)
                running.children.append(child)
                running.outputs.append(out)
        except BaseException:
            running.kill()
            raise
        return running

    def hung(self, running: Running, waited_s: float) -> LoadFailure:
        """What to raise when the processes did not end."""
        return LoadFailure(
            f"{self._tool.name} did not end within {waited_s:.0f} s and was killed",
            tuple(record_of(child) for child in running.children),
        )

    def finish(self, running: Running) -> LoadRun:
        """Read and merge what the ended processes left.

        Raises:
            LoadFailure: the output of one is not a result.
        """
        children = running.children
        ended = max(child.ended or 0.0 for child in children)
        result, findings = self._parse(running, commands := tuple(map(record_of, children)))
        return LoadRun(
            result=result,
            findings=findings,
            commands=commands,
            started=min(child.started for child in children),
            ended=ended,
            cpu_s=tuple(child.cpu_s or 0.0 for child in children),
            spans_s=tuple((child.ended or ended) - child.started for child in children),
        )

    def _start(
        self, name: str, part: Share, profile: LoadProfile, duration_s: float
    ) -> tuple[Child, ToolOutput]:
        index = part.index - self._first
        out = self._folder / f"{name}-{index}"
        out.mkdir(mode=0o700, exist_ok=True)
        job = self._job._replace(profile=profile)
        command = self._tool.command(job, part, out, duration_s)
        pinned = self._cpus.pinning.state == "pinned"
        cpus = (self._cpus.load[index % len(self._cpus.load)],) if pinned else None
        held = 0.0 if self.lead_s else part.start_at
        argv = (tool_path(self._tool.name), *command.argv[1:])
        child = self._supervisor.spawn(
            command._replace(argv=argv, cpus=cpus, space=self._job.target.space, start_at=held)
        )
        return child, ToolOutput(0, command.stdout, command.stderr or command.stdout, out)

    def _parse(
        self, running: Running, commands: tuple[CommandRecord, ...]
    ) -> tuple[LoadResult, tuple[Finding, ...]]:
        outputs = [
            out._replace(rc=child.rc or 0)
            for child, out in zip(running.children, running.outputs, strict=True)
        ]
        return merge(results_of(self._tool, self._job.workload, self._shares, outputs, commands))


def results_of(
    tool: LoadTool,
    workload: Workload,
    parts: Sequence[LoadProfile],
    outputs: Sequence[ToolOutput],
    commands: tuple[CommandRecord, ...],
) -> list[LoadResult]:
    """Read what the processes of one window left, each by its own share of the profile.

    Raises:
        LoadFailure: the output of one is not a result.
    """
    results = []
    wanted = [kind.expect.status for kind in workload.kinds]
    for number, (out, share) in enumerate(zip(outputs, parts, strict=True)):
        own = wanted[number : number + 1] if tool.one_kind and len(wanted) > 1 else wanted
        try:
            results.append(judged(tool.parse(out, share), own))
        except ParseError as error:
            raise LoadFailure(f"{tool.name}: {error}", commands) from None
    return results


def record_of(child: Child) -> CommandRecord:
    """The command of a load process, to repeat it by hand."""
    command = child.command
    env = {key: value for key, value in command.env.items() if os.environ.get(key) != value}
    return CommandRecord(argv=command.argv, env=env, cpus=command.cpus, pid=child.pid, rc=child.rc)
