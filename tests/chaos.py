"""Kills `bench run` by SIGKILL at random moments and checks what is left; see scripts/chaos.py."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

from tests.run.helpers import Project, structure

if TYPE_CHECKING:
    import random
    from pathlib import Path

SERVERS = {
    "leaver": ["--own-session", "--ignore-term"],
    "forker": ["--stray-child=session", "--ignore-term"],
    "worker": ["--restart-after=100000000", "--half-dead-on-term"],
}
_NO_PROCESS_S = 20.0
"""Beside other work; scripts/chaos.py tells how long it really took."""
_LOOK_S = 0.02
_ANYWHERE = 0.1
"""Share of the shots that may fall anywhere in a run's life, its first and last moments too."""


class Span(NamedTuple):
    """An undisturbed run, in seconds from the start of `bench`.

    Attributes:
        first: the first moment at which it had processes.
        last: the last such moment.
        whole: its end.
    """

    first: float
    last: float
    whole: float


class Aim(NamedTuple):
    """When to kill: that long after so many trials are finished and the next has processes.

    Attributes:
        trials: None = after the start of `bench`.
    """

    trials: int | None
    delay_s: float


class Shot(NamedTuple):
    """What one SIGKILL did.

    Attributes:
        after_s: seconds from the start of `bench` to the signal.
        finished: trials on disk at that moment.
        alive: processes of the run right before the signal.
        gone_s: seconds until none of them was left; None = some were after 20 s.
        lost: finished trials that the resumed run no longer has or has otherwise.
        resumed: whether there was something to resume: a run on disk that had not finished.
        problem: what was wrong, or "".
    """

    after_s: float
    finished: int
    alive: int
    gone_s: float | None
    lost: int
    resumed: bool
    problem: str


class Chaos:
    """A project of servers that do not want to go, and the structure of an undisturbed report.

    Args:
        root: an empty folder.
        tool: load tool of the windows; oha's are shorter.
        measured: undisturbed runs of which the fastest says when a run has processes.
    """

    def __init__(self, root: Path, tool: str, *, measured: int = 3) -> None:
        self.project = Project(root)
        for name, faults in SERVERS.items():
            self.project.server(name, *faults, stop={"grace": "50ms"})
        duration = "500ms" if tool == "oha" else "1s"
        load = {"tool": tool, "connections": 4, "warmup": "0s", "duration": duration}
        self.project.matrix(*SERVERS, profiles=[{**load, "timeout": "10s"}])
        self.project.bench("plan", "faults")  # the first start of Python reads from the disk
        spans = [self._undisturbed() for _ in range(measured)]
        self.span = min(spans, key=lambda span: span.last - span.first)
        self._plan = self.project.planned()

    def _undisturbed(self) -> Span:
        """Let a run go to its end and see when it has processes."""
        began = time.monotonic()
        seen = []
        with self.project.running("run", "faults", "--json") as process:
            while True:
                try:
                    said, told = process.communicate(timeout=_LOOK_S)
                    break
                except subprocess.TimeoutExpired:
                    if self.project.left():
                        seen.append(time.monotonic() - began)
        if process.returncode != 0:
            raise RuntimeError(f"the undisturbed run failed: {told}")
        self.expected = structure(json.loads(said))
        return Span(seen[0], seen[-1], time.monotonic() - began)

    def shoot(self, rng: random.Random) -> Shot:
        """Start a run, kill it at a random moment, look, and resume it."""
        before = set(self.project.runs())
        aim = self._aim(rng)
        began = time.monotonic()
        alive = 0
        with self.project.running("run", "faults") as process:
            if self._reached(aim, process, before):
                alive = len(self.project.left())  # before: the supervisor needs but milliseconds
                process.send_signal(signal.SIGKILL)
            after_s = time.monotonic() - began
            gone_s = self._gone(time.monotonic())
            process.communicate()
        new = [run for run in self.project.runs() if run not in before]
        shot = Shot(after_s, 0, alive, gone_s, 0, resumed=False, problem="")
        if gone_s is None:
            shot = shot._replace(problem=f"still alive: {self.project.left()}")
        return self._resume(new[0], shot) if new else shot

    def _aim(self, rng: random.Random) -> Aim:
        """Mostly within a trial; within one and not after seconds, so that load does not matter."""
        if rng.random() < _ANYWHERE:
            return Aim(None, rng.uniform(0.0, self.span.whole))
        each = (self.span.last - self.span.first) / len(self._plan)
        return Aim(rng.randrange(len(self._plan)), rng.uniform(0.0, each))

    def _reached(self, aim: Aim, process: subprocess.Popen[str], before: set[Path]) -> bool:
        """Wait for the moment; whether the run still goes on then."""
        while aim.trials is not None and process.poll() is None:
            run = next((run for run in self.project.runs() if run not in before), None)
            if run and len(self.project.trials(run)) >= aim.trials and self.project.left():
                break
            time.sleep(_LOOK_S)
        try:
            process.communicate(timeout=aim.delay_s)
        except subprocess.TimeoutExpired:
            return True
        return False

    def _gone(self, since: float) -> float | None:
        while True:
            left = self.project.left()
            passed = time.monotonic() - since
            if not left:
                return passed
            if passed > _NO_PROCESS_S:
                return None
            time.sleep(0.01)

    def _resume(self, run: Path, shot: Shot) -> Shot:
        kept = self.project.trials(run)
        unfinished = json.loads((run / "run.json").read_text())["finished"] is None
        shot = shot._replace(finished=len(kept), resumed=unfinished)
        done = self.project.bench("run", "--resume", run.name, "--json")
        if done.returncode != 0:
            return _also(shot, f"resume exited with {done.returncode}: {done.stderr}")
        now = self.project.trials(run)
        shot = shot._replace(lost=sum(trial not in now for trial in kept))
        found = structure(json.loads(done.stdout))
        if found != self.expected:
            rows = [row for row in found if row not in self.expected]
            shot = _also(shot, f"the report has {rows}, expected {self.expected}")
        order = self.project.planned(run)
        if shot.lost or order != self._plan:
            shot = _also(shot, f"{shot.lost} trials lost, they are now {order}")
        return shot


def _also(shot: Shot, problem: str) -> Shot:
    """The shot with one more problem."""
    return shot._replace(problem="; ".join(filter(None, (shot.problem, problem))))
