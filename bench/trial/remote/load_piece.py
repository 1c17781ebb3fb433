"""What a trial has on a machine of the load, and the part of a window that goes on there."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any, Final

from bench.sampler import Sampler
from bench.sampler.interface import Interface
from bench.servers.existing import NOBODY
from bench.trial.load import record_of
from bench.trial.load_waiting import end_early, wait_for

if TYPE_CHECKING:
    from bench.model.plan import Workload
    from bench.model.target import Target
    from bench.process.remote.agent import Agent
    from bench.sampler import Mark
    from bench.sampler.interface import InterfaceReading
    from bench.trial.load import Loader
    from bench.trial.questioning import Questioning

_HOLD_S: Final = 0.12
"""How long before the start processes are made that are held until then."""
_MARK_S: Final = 0.05
"""How long before the start the first mark is read: it takes some milliseconds."""


class LoadSide:
    """What one trial has on this machine."""

    def __init__(self, agent: Agent, handle: str, target: Target, workload: Workload) -> None:
        self.agent = agent
        self.folder = agent.folder / handle
        self.folder.mkdir(exist_ok=True)
        self.target = target
        self.workload = workload
        self.loaders: dict[str, Loader] = {}
        self.questioning: Questioning | None = None
        self.piece: LoadPiece | None = None
        self.armed: dict[str, Any] | None = None
        self.interface = Interface.toward(target.host)
        self._sampler: Sampler | None = None

    def sampler(self, cpus: tuple[int, ...]) -> Sampler:
        """What watches load processes and their CPUs; made before the start."""
        if self._sampler is None:
            made = Sampler(server_pid=NOBODY, server_cpus=(), load_cpus=cpus, port=None)
            self._sampler = made.__enter__()
        return self._sampler

    def close(self) -> None:
        """End what is left, and remove the files."""
        if self.piece is not None:
            self.piece.running.kill()
        if self._sampler is not None:
            self._sampler.__exit__(None, None, None)
        if self.questioning is not None:
            self.questioning.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def asking(self) -> Questioning:
        """The questions, on the machine that asks them."""
        assert self.questioning is not None  # noqa: S101 - the controller begins it first
        return self.questioning


class LoadPiece:
    """A warm-up or a window: its processes are there, and begin at the agreed time.

    That is a time of this machine's own clock. Nothing is done here at that moment: making a
    process takes milliseconds, and each of several would begin that much later.

    Args:
        side: whose.
        loader: name of what sends it.
        name: sub-folder for the raw output.
        duration_s: window asked for.
        start_at: when load begins.
        is_window: questions are asked as in a window.
    """

    def __init__(
        self,
        side: LoadSide,
        loader: str,
        *,
        name: str,
        duration_s: float,
        start_at: float,
        cpus: tuple[int, ...],
        is_window: bool,
    ) -> None:
        self.side = side
        self._is_window = is_window
        self._start_at = start_at
        self._sampler = side.sampler(cpus)
        sender = side.loaders[loader]
        lead_s = sender.lead_s
        if not lead_s:  # others open their connections meanwhile
            self._until(start_at - _HOLD_S)
        self._began = max(time.monotonic(), start_at - lead_s)
        limit_s = lead_s + duration_s + sender.limit_s
        self._limits = (limit_s - sender.grace_s, limit_s)
        self.running = sender.begin(name, duration_s, start_at)
        self._sampler.set_load_pids([child.pid for child in self.running.children])
        self._first = self._mark()

    def starting(self) -> None:
        """Read the counters again as late as can be."""
        self._until(self._start_at - _MARK_S)
        self._first = self._mark()

    def _until(self, at_s: float) -> None:
        self.side.agent.stopping.wait(max(0.0, at_s - time.monotonic()))

    def wait(self, seconds: float) -> dict[str, Any]:
        """Wait for its end, at most that long, unless we are asked to stop."""
        until = time.monotonic() + seconds
        stopping = self.side.agent.stopping

        def enough() -> bool:
            return stopping.is_set() or time.monotonic() >= until

        hung = not wait_for(self.running.children, self._began, self._limits, self._tick, enough)
        if hung:
            self.running.kill()
        elif stopping.is_set():
            end_early([self.running])
        if not hung and any(child.running for child in self.running.children):
            return {"ended": False}
        return self._over(hung=hung)

    def stop(self) -> None:
        """End it before its time."""
        end_early([self.running])

    def _tick(self, _: float) -> None:
        """Ask, for every load that goes on here: in a duet one is waited for after the other."""
        for side in _sides(self.side.agent):
            if side.piece is not None and side.questioning is not None:
                side.piece.ask(side.questioning)

    def ask(self, questions: Questioning) -> None:
        """Ask as is right now."""
        if not any(child.running for child in self.running.children):
            return
        if self._is_window:
            questions.in_window(max(0.0, time.monotonic() - self._began))
        else:
            questions.warming_up()

    def _mark(self) -> tuple[Mark, InterfaceReading | None]:
        interface = self.side.interface
        seen = interface.read() if interface else None
        return self._sampler.mark(), seen

    def _over(self, *, hung: bool) -> dict[str, Any]:
        first, (last, seen) = self._first, self._mark()
        watched = self._sampler.window(first[0], last)
        interface = self.side.interface
        used = interface.between(first[1], seen) if interface else None
        return {
            "ended": True,
            "hung": hung,
            "resources": watched.resources.model_dump(),
            "counters": watched.counters.model_dump(),
            "network": used.model_dump() if used else None,
            "commands": [record_of(child).model_dump() for child in self.running.children],
            "spans": [
                (child.started, child.ended or time.monotonic(), child.cpu_s or 0.0)
                for child in self.running.children
            ],
        }


def _sides(agent: Agent) -> list[LoadSide]:
    return [one for one in agent.kept.values() if isinstance(one, LoadSide)]
