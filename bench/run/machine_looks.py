"""What agents do for `bench machines check`: look around, be the ceiling, press against it."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.errors import BenchError, ParseError, StartError
from bench.host import local_source, local_system
from bench.host.links import link_of, link_toward
from bench.loadtools import TOOLS, wrk_text
from bench.loadtools.install.find import search_path, survey, tool_path
from bench.loadtools.install.install_plan import plan_install
from bench.plans.project import builtin_root
from bench.process import Command
from bench.process.executables import executable
from bench.process.remote.operations import operation
from bench.servers.environment import base_environment
from bench.servers.ports import choose_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.process import Child
    from bench.process.remote.agent import Agent

PRESS_S: Final = 2
"""The window of a ceiling, whole seconds as wrk has them."""
_CONNECTIONS: Final = 50
_CEILING: Final = "machine_looks.ceiling"
_BUILD_S: Final = 60.0
_READY_S: Final = 5.0
_CONNECT_S: Final = 3.0
_POLL_S: Final = 0.01


@operation
def look(agent: Agent, *, address: str, role: str, tools: Sequence[str]) -> dict[str, Any]:  # noqa: ARG001 - every operation gets it
    """Its link to the other machines and what it lacks, as `MachineState` holds it."""
    link = link_of if role == "server" else link_toward
    return {
        "link": link(local_source(), local_system(), address)._asdict(),
        "missing": _missing_tools(tools) if role == "load" else _missing_compiler(),
    }


def _missing_tools(there: Sequence[str]) -> list[dict[str, str]]:
    lacking = [name for name, tool in TOOLS.items() if name not in there and not tool.optional]
    plan = plan_install(survey(lacking), lacking)
    steps = [
        {"what": ", ".join(step.tools), "command": step.shown}
        for step in plan.steps
        if not set(step.tools) & set(there)
    ]
    blocked = [
        {"what": one.tool, "command": one.advice} for one in plan.blocked if one.tool not in there
    ]
    return [*steps, *blocked]


def _missing_compiler() -> list[dict[str, str]]:
    """The ceiling server is C; what other servers need, their own files say."""
    if executable("cc", search_path()):
        return []
    darwin = local_system() == "darwin"
    command = "xcode-select --install" if darwin else "sudo apt-get install build-essential"
    return [{"what": "cc, for the ceiling server", "command": command}]


@operation
def start_ceiling(agent: Agent, *, address: str, seed: int) -> int:
    """Build the ceiling server, start it on an address of this machine, and tell its port.

    Raises:
        StartError: it could not be built or does not listen.
    """
    root = builtin_root(Path(__file__).resolve().parent.parent)
    source = (root or Path()) / "servers" / "ceiling" / "ceiling.c"
    program = agent.folder / "ceiling"
    build = ("cc", "-O3", "-std=gnu11", "-pthread", "-o", str(program), str(source))
    if agent.supervisor.run(_command(agent, build, "build"), _BUILD_S).rc != 0:
        raise StartError(f"the ceiling server cannot be built\n{_tail(agent, 'build')}", code="cc")
    port = choose_port(random.Random(seed), address)  # noqa: S311 - a port is no secret
    argv = (str(program), str(port), str(os.cpu_count() or 1), address)
    child = agent.supervisor.spawn(_command(agent, argv, "ceiling"))
    agent.kept[_CEILING] = child
    deadline = time.monotonic() + _READY_S
    while not _answers(address, port, _CONNECT_S):
        if not child.running or time.monotonic() > deadline:
            said = _tail(agent, "ceiling") or "is the address one of this machine's?"
            raise StartError(f"nothing can listen on {address}: {said}", code="server-not-ready")
        time.sleep(_POLL_S)
    return port


@operation
def stop_ceiling(agent: Agent) -> None:
    """End the ceiling server."""
    child: Child | None = agent.kept.pop(_CEILING, None)
    if child is not None:
        child.stop(signal.SIGTERM, 1.0)


@operation
def press(agent: Agent, *, address: str, port: int) -> float:
    """Requests per second that this machine reaches against the ceiling server.

    Raises:
        BenchError: the server cannot be reached from here, or wrk failed.
    """
    if not _answers(address, port, _CONNECT_S):
        raise BenchError(
            f"{address}:{port} cannot be reached from here",
            advice="does a firewall of the server machine drop connections to its ports?",
        )
    count = os.cpu_count() or 1
    argv = (
        *(tool_path("wrk"), f"-t{count}", f"-c{max(_CONNECTIONS, count)}", f"-d{PRESS_S}s"),
        f"http://{address}:{port}/plaintext",
    )
    child = agent.supervisor.run(_command(agent, argv, "wrk"), PRESS_S + 10.0)
    try:
        return wrk_text.parse((agent.folder / "wrk.log").read_text()).throughput_rps
    except ParseError as error:
        raise BenchError(f"wrk failed (exit code {child.rc}): {error}") from None


def _command(agent: Agent, argv: tuple[str, ...], name: str) -> Command:
    log = agent.folder / f"{name}.log"
    log.unlink(missing_ok=True)
    return Command(argv, base_environment(), agent.folder, None, log)


def _tail(agent: Agent, name: str) -> str:
    return (agent.folder / f"{name}.log").read_text(errors="replace").strip()[-500:]


def _answers(address: str, port: int, timeout_s: float) -> bool:
    try:
        socket.create_connection((address, port), timeout_s).close()
    except OSError:
        return False
    return True
