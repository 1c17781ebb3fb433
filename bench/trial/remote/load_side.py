"""The load's side, on a machine of its own: load processes, questions, and that machine's CPUs.

Every function is an operation of the agent there; what it keeps goes by the handle of a trial.
Load goes only to the address that a handle was opened with.
"""

from __future__ import annotations

import random
import shutil
import time
from typing import TYPE_CHECKING, Any, Final

from bench.loadtools import TOOLS
from bench.model.plan import CpuSplit, LoadProfile, Workload
from bench.model.target import Target
from bench.process.remote.operations import operation
from bench.sampler import Sampler
from bench.sampler.interface import Interface
from bench.servers.existing import NOBODY
from bench.trial.load import Loader, record_of
from bench.trial.questioning import Questioning
from bench.trial.verify import verify
from bench.trial.waiting import end_early, wait_for

if TYPE_CHECKING:
    from bench.process.remote.agent import Agent
    from bench.sampler import Mark
    from bench.sampler.interface import InterfaceReading

_MARK_S: Final = 0.05
"""How long before the start the first mark is read: it takes some milliseconds."""
_LUA: Final = "script.lua"


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
    """A warm-up or a window that goes on, from its start on.

    It begins at the agreed time of this machine's own clock.

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
        self._sampler = side.sampler(cpus)
        sender = side.loaders[loader]
        lead_s = sender.lead_s
        if not lead_s:  # others wait for the start by themselves, the sooner they are there
            side.agent.stopping.wait(max(0.0, start_at - _MARK_S - time.monotonic()))
        self._first = self._mark()
        if not lead_s:
            time.sleep(max(0.0, start_at - time.monotonic()))
        self._began = time.monotonic()
        limit_s = lead_s + duration_s + sender.limit_s
        self._limits = (limit_s - sender.grace_s, limit_s)
        self.running = sender.begin(name, duration_s, start_at)
        self._sampler.set_load_pids([child.pid for child in self.running.children])

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
            questions.in_window(time.monotonic() - self._began)
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


def _side(agent: Agent, handle: str) -> LoadSide:
    found: LoadSide = agent.kept[f"load/{handle}"]
    return found


@operation
def open_load(
    agent: Agent, *, handle: str, host: str, port: int, workload: dict[str, Any], lua: bytes | None
) -> None:
    """Say where the load of a trial goes, and what it is."""
    made = Workload.model_validate(workload)
    side = LoadSide(agent, handle, Target(host, port), made)
    if lua is not None:
        script = side.folder / _LUA
        script.write_bytes(lua)
        side.workload = made.model_copy(update={"lua": str(script)})
    agent.kept[f"load/{handle}"] = side


@operation
def close_load(agent: Agent, *, handle: str) -> None:
    """End what is left of it, and forget it."""
    side: LoadSide | None = agent.kept.pop(f"load/{handle}", None)
    if side is not None:
        side.close()


# -- load -------------------------------------------------------------------------------------


@operation
def prepare_load(
    agent: Agent, *, handle: str, loader: str, profile: dict[str, Any], cpus: dict[str, Any],
    seed: int, schedule: int,
) -> float:  # fmt: skip
    """Write what the processes of a load read; the seconds that they need before they begin."""
    side = _side(agent, handle)
    made = LoadProfile.model_validate(profile)
    folder = side.folder / (loader or "main")
    folder.mkdir()
    split = CpuSplit.model_validate(cpus)
    side.sampler(split.load)
    side.loaders[loader] = Loader(
        tool=TOOLS[made.tool],
        profile=made,
        workload=side.workload,
        target=side.target,
        cpus=split,
        supervisor=agent.supervisor,
        folder=folder,
        rng=random.Random(seed),  # noqa: S311 - repeatable, not secret
        schedule=schedule,
    )
    return side.loaders[loader].lead_s


@operation
def arm_load(agent: Agent, *, handle: str, piece: dict[str, Any]) -> None:
    """Take in what is to be started next: the arguments of `LoadPiece`."""
    _side(agent, handle).armed = piece


@operation
def run_armed(agent: Agent, *, wait_s: float) -> dict[str, Any]:
    """Start all that is armed, at its time of this machine's clock; by handle what came of it.

    Args:
        agent: of this machine.
        wait_s: how long at most to wait for the ends; 0 = only start.
    """
    going: list[tuple[str, LoadPiece]] = []
    for name, side in list(agent.kept.items()):
        if isinstance(side, LoadSide) and side.armed is not None:
            armed, side.armed = side.armed, None
            side.piece = LoadPiece(side, **armed)
            going.append((name.removeprefix("load/"), side.piece))
    if not wait_s:
        return {}
    until = time.monotonic() + wait_s
    return {handle: piece.wait(until - time.monotonic()) for handle, piece in going}


@operation
def wait_load(agent: Agent, *, handle: str, wait_s: float) -> dict[str, Any]:
    """Wait for the end of what goes on."""
    piece = _side(agent, handle).piece
    assert piece is not None  # noqa: S101 - the controller started it
    return piece.wait(wait_s)


@operation
def end_load(agent: Agent, *, handle: str) -> None:
    """End what goes on before its time."""
    piece = _side(agent, handle).piece
    if piece is not None:
        piece.stop()


@operation
def load_files(agent: Agent, *, handle: str, loader: str, name: str) -> dict[str, bytes]:
    """What the processes of a window wrote: path below the load's folder -> content."""
    folder = _side(agent, handle).folder / (loader or "main")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.glob(f"{name}-*/**/*"))
        if path.is_file()
    }


# -- questions --------------------------------------------------------------------------------


@operation
def ask_all_kinds(agent: Agent, *, handle: str, seed: int, timeout_s: float) -> dict[str, Any]:
    """Ask every request kind over the path that the load takes; raises for a wrong answer."""
    side = _side(agent, handle)
    took: list[float] = []
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    seen = verify(side.target, side.workload, rng, timeout_s=timeout_s, took=took.append)
    return {"exchanges": [one.model_dump() for one in seen], "took": took}


@operation
def begin_asking(agent: Agent, *, handle: str, profile: dict[str, Any], seed: int) -> None:
    """Make ready what asks beside the load."""
    side = _side(agent, handle)
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    made = LoadProfile.model_validate(profile)
    side.questioning = Questioning(side.target, side.workload, made, rng)


@operation
def warmed(agent: Agent, *, handle: str, rate_rps: float | None) -> None:
    """A part of the warm-up is over."""
    _side(agent, handle).asking.warmed_up(rate_rps)


@operation
def ask_right_after(agent: Agent, *, handle: str) -> dict[str, Any]:
    """The load has ended this moment."""
    asking = _side(agent, handle).asking
    asking.right_after()
    return _heard(asking)


@operation
def press_on(agent: Agent, *, handle: str) -> dict[str, Any]:
    """Ask until it is known what else is answered."""
    asking = _side(agent, handle).asking
    asking.press()
    return _heard(asking)


@operation
def heard(agent: Agent, *, handle: str) -> dict[str, Any]:
    """What was answered so far."""
    return _heard(_side(agent, handle).asking)


def _heard(asking: Questioning) -> dict[str, Any]:
    return {
        "result": asking.result().model_dump(),
        "sizes": asking.sizes.plain(),
        "kept": asking.kept,
    }
