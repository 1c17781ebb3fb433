"""Examines a machine for `bench doctor`: this one, or by its agent one that `--machines` names."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.host import local_host, local_topology
from bench.host.cpu_split import fast_pool, split
from bench.host.doctor import TOOLCHAINS, Diagnosis, Need, diagnose
from bench.host.measure import Clock, Measured, RoundTrip, Steadiness, measure
from bench.loadtools import TOOLS
from bench.loadtools.install.find import search_path
from bench.loadtools.install.ready import ready
from bench.loadtools.tool import dotted
from bench.model.finding import Finding
from bench.model.host_facts import Host
from bench.model.plan import CpuSplit
from bench.process import capture, strays
from bench.process.remote.operations import operation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.model.host_facts import Topology
    from bench.process.remote.agent import Agent
    from bench.trial.remote.lab import Lab

_VERSION: Final = re.compile(r"\d+(?:\.\d+)+")
_EXAMINE_S: Final = 120.0
_ROLES: Final = ("server", "load")


class _Tools(NamedTuple):
    versions: dict[str, str | None]
    outdated: dict[str, str]
    needs: dict[str, Need]


def examine(connections: int, roles: Iterable[str] = _ROLES) -> Diagnosis:
    """Look at this machine, and measure it for two seconds.

    Args:
        connections: what one trial holds at most.
        roles: what it does in a run; on one machine both.
    """
    topology, wanted = local_topology(), frozenset(roles)
    tools = _find_tools(wanted)
    return diagnose(
        local_host(tools=tools.versions),
        _divided(topology, wanted),
        measure([cpu.cpu for cpu in topology.cpus]),
        needs=tools.needs,
        outdated=tools.outdated,
        connections=connections,
        strays=strays(),
    )


def _divided(topology: Topology, roles: frozenset[str]) -> CpuSplit:
    """The CPUs of server and load; a machine that is one of them has all of its CPUs for it."""
    if len(roles) > 1:
        return split(topology, None, None)
    pool = tuple(cpu.cpu for cpu in fast_pool(topology))
    server, load = (pool if role in roles else () for role in _ROLES)
    return CpuSplit(
        server=server,
        load=load,
        housekeeping=(),
        server_count=len(server),
        load_count=len(load),
        pinning=topology.pinning,
    )


def _find_tools(roles: frozenset[str]) -> _Tools:
    """Versions of load tools and toolchains, and the load tools that are too old."""
    versions: dict[str, str | None] = {}
    outdated: dict[str, str] = {}
    needs: dict[str, Need] = {}
    tools = TOOLS.items() if "load" in roles else ()
    for name, tool in sorted(tools, key=lambda each: not each[1].essential):
        found = ready(name)
        if found is None and tool.optional:
            continue
        needs[name] = Need("error" if tool.essential else "warning", tool.purpose, "bench setup")
        versions[name] = (found.version or "?") if found else None
        if found and not found.usable:
            outdated[name] = dotted(tool.minimum)
    chains = TOOLCHAINS if "server" in roles else {}
    for name in chains:
        path = shutil.which(name, path=search_path())
        said = capture([path, "--version"]) if path else None
        match = _VERSION.search(said.stdout) if said else None
        versions[name] = match[0] if match else None
    return _Tools(versions, outdated, {**needs, **chains})


def examine_machines(lab: Lab, connections: int) -> dict[str, Diagnosis]:
    """Examine each machine of a group, all at once; by its name, the server's first.

    Raises:
        MachineError: one of them is gone.
    """
    asked = {
        machine.name: machine.begin(
            examine_here,
            connections=connections,
            role="server" if machine is lab.server else "load",
        )
        for machine in lab.machines
    }
    return {name: _diagnosis(answer.result(_EXAMINE_S)) for name, answer in asked.items()}


@operation
def examine_here(agent: Agent, *, connections: int, role: str) -> dict[str, Any]:  # noqa: ARG001 - every operation gets it
    """What `examine` finds, as plain data."""
    found = examine(connections, (role,))
    measured = found.measured
    assert measured is not None  # noqa: S101 - only a captured tree is not measured
    return {
        "host": found.host.model_dump(),
        "split": found.split.model_dump(),
        "clock": measured.clock._asdict(),
        "busy": measured.busy,
        "cpus": [one._asdict() for one in measured.cpus],
        "loopback": measured.loopback._asdict() if measured.loopback else None,
        "seconds": measured.seconds,
        "advice": [one.model_dump() for one in found.advice],
        "errors": [one.model_dump() for one in found.errors],
    }


def _diagnosis(told: dict[str, Any]) -> Diagnosis:
    return Diagnosis(
        Host.model_validate(told["host"]),
        CpuSplit.model_validate(told["split"]),
        Measured(
            Clock(**told["clock"]),
            tuple(told["busy"]),
            tuple(Steadiness(**one) for one in told["cpus"]),
            RoundTrip(**told["loopback"]) if told["loopback"] else None,
            told["seconds"],
        ),
        tuple(Finding.model_validate(one) for one in told["advice"]),
        tuple(Finding.model_validate(one) for one in told["errors"]),
    )
