"""What an agent tells of its machine: hardware, CPUs, load tools."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
from typing import TYPE_CHECKING, Any

from bench.host import local_host, local_source, local_system, local_topology
from bench.host.cpu_split import fast_pool
from bench.host.links import link_of, link_toward
from bench.loadtools.install.ready import ready
from bench.process import Command
from bench.process.priority import keep_off
from bench.process.remote.operations import operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.process.remote.agent import Agent


@operation
def describe(agent: Agent, *, address: str, owns: bool) -> dict[str, Any]:  # noqa: ARG001 - every operation gets it
    """Hardware and system, the CPUs that one part of a trial can have all of, and the link.

    Args:
        agent: of this machine.
        address: where the load reaches the server.
        owns: whether it is this machine's.
    """
    keep_off(())  # a trial before may have narrowed what this process is left
    topology = local_topology()
    link = (link_of if owns else link_toward)(local_source(), local_system(), address)
    return {
        "link": link._asdict(),
        "host": local_host().model_dump(),
        "pool": [cpu.cpu for cpu in fast_pool(topology)],
        "cpus": [cpu.cpu for cpu in topology.cpus],
        "pinning": topology.pinning.model_dump(),
        "python": platform.python_version(),
    }


@operation
def stay_awake(agent: Agent) -> None:
    """Hold a Mac awake as long as this agent lives."""
    if sys.platform == "darwin" and shutil.which("caffeinate"):
        argv = ("caffeinate", "-dims", "-w", str(os.getpid()))
        log = agent.folder / "caffeinate.log"
        agent.supervisor.spawn(Command(argv, dict(os.environ), agent.folder, None, log))


@operation
def tools_there(agent: Agent, *, names: Sequence[str]) -> dict[str, Any]:  # noqa: ARG001 - the same
    """Load tool -> its version and the hash of its program; None = it is not there."""
    found: dict[str, Any] = {}
    for name in names:
        tool = ready(name)
        found[name] = tool and {
            "version": tool.version,
            "sha256": hashlib.sha256(tool.path.read_bytes()).hexdigest(),
        }
    return found
