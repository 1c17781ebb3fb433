"""Kills `bench run` by SIGKILL at random moments and checks what is left; see scripts/chaos.py."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

from tests.session.helpers import Project, structure

if TYPE_CHECKING:
    import random
    from pathlib import Path

SERVERS = {
    "leaver": ["--own-session", "--ignore-term"],
    "forker": ["--stray-child=session", "--ignore-term"],
    "worker": ["--restart-after=100000000", "--half-dead-on-term"],
}
_NO_PROCESS_S = 2.0


class Shot(NamedTuple):
    """What one SIGKILL did.

    Attributes:
        after_s: seconds from the start of `bench` to the signal.
        finished: trials on disk at that moment.
        alive: processes of the run right after the signal.
        gone_s: seconds until none of them was left; None = some were after 2 s.
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
    """

    def __init__(self, root: Path, tool: str) -> None:
        self.project = Project(root)
        for name, faults in SERVERS.items():
            self.project.server(name, *faults, stop={"grace": "50ms"})
        duration = "200ms" if tool == "oha" else "1s"
        load = {"tool": tool, "connections": 4, "warmup": "0s", "duration": duration}
        self.project.matrix(*SERVERS, profiles=[{**load, "timeout": "2s"}])
        self.project.bench("plan", "faults")  # the first start of Python reads from the disk
        began = time.monotonic()
        done = self.project.bench("run", "faults", "--json")
        self.whole_s = time.monotonic() - began
        if done.returncode != 0:
            raise RuntimeError(f"the undisturbed run failed: {done.stderr}")
        self.expected = structure(json.loads(done.stdout))
        self._plan = [trial["trial"] for trial in self.project.trials()]

    def shoot(self, rng: random.Random) -> Shot:
        """Start a run, kill it at a random moment, look, and resume it."""
        before = set(self.project.runs())
        after_s = rng.uniform(0.0, self.whole_s)
        with self.project.running("run", "faults") as process:
            try:
                process.communicate(timeout=after_s)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            alive = len(self.project.left())
            gone_s = self._gone(time.monotonic())
            process.communicate()
        new = [run for run in self.project.runs() if run not in before]
        shot = Shot(after_s, 0, alive, gone_s, 0, resumed=False, problem="")
        if gone_s is None:
            shot = shot._replace(problem=f"still alive: {self.project.left()}")
        return self._resume(new[0], shot) if new else shot

    def _gone(self, since: float) -> float | None:
        while time.monotonic() < since + _NO_PROCESS_S:
            if not self.project.left():
                return time.monotonic() - since
            time.sleep(0.01)
        return None

    def _resume(self, run: Path, shot: Shot) -> Shot:
        kept = self.project.trials(run)
        unfinished = json.loads((run / "run.json").read_text())["finished"] is None
        shot = shot._replace(finished=len(kept), resumed=unfinished)
        done = self.project.bench("run", "--resume", run.name, "--json")
        if done.returncode != 0:
            return shot._replace(problem=f"resume exited with {done.returncode}: {done.stderr}")
        now = self.project.trials(run)
        shot = shot._replace(lost=sum(trial not in now for trial in kept))
        found = structure(json.loads(done.stdout))
        if found != self.expected:
            rows = [row for row in found if row not in self.expected]
            return shot._replace(problem=f"the report has {rows}, expected {self.expected}")
        order = [trial["trial"] for trial in now if not trial["trial"].endswith(".2")]
        if shot.lost or order != self._plan:
            return shot._replace(problem=f"trials are now {order}")
        return shot
