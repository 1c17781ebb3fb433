"""The load's side, on a machine of its own: load processes, questions, and that machine's CPUs.

Every function is an operation of the agent there; what it keeps goes by the handle of a trial.
Load goes only to the address that a handle was opened with.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Final

from bench.loadtools import TOOLS
from bench.model.plan import CpuSplit, LoadProfile, Workload
from bench.model.target import Target
from bench.process.priority import keep_off
from bench.process.remote.operations import operation
from bench.trial.load import Loader
from bench.trial.questioning import Questioning
from bench.trial.remote.load_piece import LoadPiece, LoadSide
from bench.trial.resumption import resumes
from bench.trial.verify import verify

if TYPE_CHECKING:
    from bench.model.http_protocol import HttpProtocol
    from bench.process.remote.agent import Agent

_LUA: Final = "script.lua"
_TRUST: Final = "trust.pem"


def _side(agent: Agent, handle: str) -> LoadSide:
    found: LoadSide = agent.kept[f"load/{handle}"]
    return found


@operation
def open_load(
    agent: Agent, *, handle: str, host: str, port: int, protocol: HttpProtocol,
    trust: bytes | None, workload: dict[str, Any], lua: bytes | None,
) -> None:  # fmt: skip
    """Say where the load of a trial goes, and what it is; see `remote_server.toward`."""
    made = Workload.model_validate(workload)
    side = LoadSide(agent, handle, Target(host, port, protocol), made)
    if trust is not None:
        (side.folder / _TRUST).write_bytes(trust)
        side.target = side.target._replace(trust=str(side.folder / _TRUST))
    if lua is not None:
        script = side.folder / _LUA
        script.write_bytes(lua)
        side.workload = made.replace(lua=str(script))
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
    seed: int, schedule: int, among: tuple[int, int],
) -> float:  # fmt: skip
    """Write what the processes of a load read; the seconds that they need before they begin."""
    side = _side(agent, handle)
    made = LoadProfile.model_validate(profile)
    folder = side.folder / (loader or "main")
    folder.mkdir()
    split = CpuSplit.model_validate(cpus)
    keep_off(split.load)
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
        among=among,
        lead_in=False,
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
    for _, piece in going:
        piece.starting()
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
def resumes_from_here(agent: Agent, *, handle: str, seed: int) -> bool:
    """Whether the server takes TLS sessions of this machine up again."""
    side = _side(agent, handle)
    return resumes(side.target, side.workload, random.Random(seed))  # noqa: S311 - repeatable, not secret


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
    }
