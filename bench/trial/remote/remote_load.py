"""The load of a trial on machines of its own: prepared on all, started at one time, added up."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.loadtools import TOOLS, ToolOutput
from bench.loadtools.merging import merge, shares
from bench.loadtools.tool import STDERR, STDOUT
from bench.model.finding import on_machine
from bench.model.machine_part import InterfaceUse
from bench.model.trial_record import CommandRecord, Counters, Resources
from bench.trial.load import LoadFailure, LoadRun, results_of
from bench.trial.remote import load_side
from bench.trial.remote.places import one_schedule
from bench.trial.remote.remote_child import (
    GRACE_S,
    LOST,
    RemoteBegun,
    RemoteChild,
    lost_is_failure,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.loadtools import LoadTool
    from bench.model.finding import Finding
    from bench.model.load_result import LoadResult
    from bench.model.plan import LoadProfile, Workload
    from bench.process.remote.remote_machine import Machine
    from bench.trial.remote.lab import Lab

AHEAD_S: Final = 0.3
"""From telling the start to the start itself: the word must have reached every machine."""
_LATE_S: Final = 1.0
_FETCH_S: Final = 300.0


class LoadPart(NamedTuple):
    """What one machine did in a window.

    Attributes:
        result: merged over its processes.
        began_s: real start of its last process, by its own clock.
        resources: of its CPUs and processes.
    """

    machine: Machine
    result: LoadResult
    began_s: float
    planned_s: float
    resources: Resources
    counters: Counters
    network: InterfaceUse | None


class RemoteLoader:
    """Sends one load from all machines of the load.

    Args:
        handle: names the trial to the agents, which have it open.
        name: of this load; "" = the trial's own, whose window is quiet.
        folder: of ours, for what the processes write.
        on_window: called before a window, with its start by our clock and the longest time that
            it may take.

    Attributes:
        parts: what each machine did in the last window.
    """

    def __init__(
        self,
        lab: Lab,
        handle: str,
        name: str,
        *,
        profile: LoadProfile,
        workload: Workload,
        folder: Path,
        seeds: Callable[[], int],
        schedule: int,
        on_window: Callable[[float, float], None],
    ) -> None:
        self.parts: tuple[LoadPart, ...] = ()
        self._lab = lab
        self._handle = handle
        self._name = name
        self._profile = profile
        self._workload = workload
        self._folder = folder
        self._on_window = on_window
        self._shares = lab.shares(profile)
        self._tool: LoadTool = TOOLS[profile.tool]
        together = one_schedule([share for _, share in self._shares], self._tool)
        prepared = [
            machine.begin(
                load_side.prepare_load,
                handle=handle,
                loader=name,
                profile=share.model_dump(),
                cpus=lab.cpus_of(machine.name).model_dump(),
                seed=seeds(),
                schedule=schedule if together else schedule + 2 * index,
                among=together[index] if together else (0, 0),
            )
            for index, (machine, share) in enumerate(self._shares)
        ]
        with lost_is_failure():
            self._lead_s: float = max(each.result() for each in prepared)

    @property
    def limit_s(self) -> float:
        """Seconds beyond the window after which it is taken to hang; agents end it before."""
        return self._profile.timeout_s + 2 * GRACE_S

    @property
    def lead_s(self) -> float:
        """Seconds from telling the start to the start."""
        return AHEAD_S + self._lead_s

    @property
    def lead_in_s(self) -> float:
        """None: the machine of the server reads its clocks at a start that was agreed before."""
        return 0.0

    def begin(self, name: str, duration_s: float, start_at: float) -> RemoteBegun:
        """Tell every machine when to start, each by its own clock; all of them are prepared."""
        is_window = name == "load" and not self._name
        longest_s = self.lead_s + duration_s + self.limit_s
        starts = [self._lab.their_time(machine, start_at) for machine, _ in self._shares]
        begun = RemoteBegun(name, [], contextlib.ExitStack(), starts)
        due = start_at + duration_s + _LATE_S

        def late() -> None:
            if time.monotonic() > due:
                begun.held.close()

        try:
            with lost_is_failure():
                for armed in [
                    machine.begin(
                        load_side.arm_load,
                        handle=self._handle,
                        piece={
                            "loader": self._name,
                            "name": name,
                            "duration_s": duration_s,
                            "start_at": start,
                            "cpus": self._lab.planned(machine.name).cpus,
                            "is_window": is_window,
                        },
                    )
                    for (machine, _), start in zip(self._shares, starts, strict=True)
                ]:
                    armed.result()
            for number, (machine, _) in enumerate(self._shares):
                self._lab.arm(machine, longest_s if is_window else 0.0)
                child = RemoteChild(
                    self._lab, machine, self._handle, number, whole=is_window, late=late
                )
                begun.children.append(child)
            if is_window:
                begun.held.enter_context(self._lab.quiet(longest_s))
                self._on_window(start_at - self._lead_s, longest_s)
        except BaseException:
            begun.held.close()
            raise
        return begun

    def hung(self, running: RemoteBegun, waited_s: float) -> LoadFailure:
        """What to raise when a machine did not say that its part is over."""
        silent = [child.machine.name for child in running.children if child.told is None]
        return LoadFailure(f"{', '.join(silent)} said nothing for {waited_s:.0f} s", (), code=LOST)

    def finish(self, running: RemoteBegun) -> LoadRun:
        """Fetch what every process wrote, read it here, and add it up.

        Raises:
            LoadFailure: the output of one is not a result, or a machine is gone.
        """
        running.held.close()
        told = [child.told or {} for child in running.children]
        commands = tuple(
            CommandRecord.model_validate(one) for each in told for one in each["commands"]
        )
        for child, each in zip(running.children, told, strict=True):
            if each["hung"]:
                text = f"{child.machine.name}: {self._tool.name} did not end and was killed"
                raise LoadFailure(text, commands)
        parts: list[LoadPart] = []
        findings: list[Finding] = []
        with lost_is_failure():
            written = [
                child.machine.begin(
                    load_side.load_files, handle=self._handle, loader=self._name, name=running.name
                )
                for child in running.children
            ]
            files = [each.result(_FETCH_S) for each in written]
        for number, (child, each) in enumerate(zip(running.children, told, strict=True)):
            self._keep(child.machine, files[number])
            result, found = self._read(number, running.name, each, commands)
            findings += (on_machine(one, child.machine.name) for one in found)
            parts.append(self._part(child, result, running.starts[number], each))
        self.parts = tuple(parts)
        merged, more = merge([part.result for part in self.parts])
        return self._run(merged, (*findings, *more), commands, told)

    def _part(
        self, child: RemoteChild, result: LoadResult, planned_s: float, told: dict[str, Any]
    ) -> LoadPart:
        used = told["network"]
        return LoadPart(
            machine=child.machine,
            result=result,
            began_s=max(start for start, _, _ in told["spans"]),
            planned_s=planned_s - self._lead_s,
            resources=Resources.model_validate(told["resources"]),
            counters=Counters.model_validate(told["counters"]),
            network=InterfaceUse.model_validate(used) if used else None,
        )

    def _run(
        self,
        merged: LoadResult,
        findings: tuple[Finding, ...],
        commands: tuple[CommandRecord, ...],
        told: Sequence[dict[str, Any]],
    ) -> LoadRun:
        """All of it, in times of our clock."""
        spans = [
            (self._lab.our_time(part.machine, start), self._lab.our_time(part.machine, end), cpu)
            for part, each in zip(self.parts, told, strict=True)
            for start, end, cpu in each["spans"]
        ]
        return LoadRun(
            result=merged,
            findings=findings,
            commands=commands,
            started=min(start for start, _, _ in spans),
            ended=max(end for _, end, _ in spans),
            cpu_s=tuple(cpu for _, _, cpu in spans),
            spans_s=tuple(end - start for start, end, _ in spans),
        )

    def _keep(self, machine: Machine, files: dict[str, bytes]) -> None:
        """Write a machine's raw output into our folder, in a folder of its name."""
        for name, data in files.items():
            path = self._folder / machine.name / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_bytes(data)

    def _read(
        self, number: int, name: str, told: dict[str, Any], commands: tuple[CommandRecord, ...]
    ) -> tuple[LoadResult, tuple[Finding, ...]]:
        machine, profile = self._shares[number]
        parts = shares(profile, self._workload)
        outputs = []
        for index, one in enumerate(told["commands"]):
            out = self._folder / machine.name / f"{name}-{index}"
            err = out / STDERR if (out / STDERR).exists() else out / STDOUT
            outputs.append(ToolOutput(one["rc"] or 0, out / STDOUT, err, out))
        try:
            return merge(results_of(self._tool, self._workload, parts, outputs, commands))
        except LoadFailure as error:
            raise LoadFailure(f"{machine.name}: {error}", commands, code=error.code) from None
