"""Operations that tests ask agents beside them for; a real agent has only those of bench."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError, StartError
from bench.process import Command
from bench.process.remote.operations import operation

if TYPE_CHECKING:
    from bench.process.remote.agent import Agent


@operation
def echo(agent: Agent, *, value: Any) -> Any:  # noqa: ARG001 - every operation gets it
    return value


@operation
def refuse(agent: Agent, *, how: str) -> None:  # noqa: ARG001 - the same
    if how == "start":
        raise StartError("it died", code="server-died", advice="look at its log")
    if how == "bench":
        raise BenchError("no such thing")
    raise KeyError(how)


@operation
def sleeper(agent: Agent) -> int:
    """Start a process that outlives everything that does not end it."""
    argv = (sys.executable, "-c", "import time; time.sleep(600)")
    log = agent.folder / "sleeper.log"
    return agent.supervisor.spawn(Command(argv, dict(os.environ), agent.folder, None, log)).pid


@operation
def dawdle(agent: Agent, *, seconds: float) -> float:
    """Wait, at most until the controller asks to stop."""
    began = time.monotonic()
    agent.stopping.wait(seconds)
    return time.monotonic() - began


@operation
def stuck(agent: Agent, *, seconds: float) -> None:  # noqa: ARG001 - the same
    """Wait and listen to nobody."""
    time.sleep(seconds)


@operation
def folder(agent: Agent) -> str:
    (agent.folder / "left.txt").write_text("x")
    return str(agent.folder)


def unmarked(agent: Agent) -> None:
    """Not an operation."""
