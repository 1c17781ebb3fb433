"""The machines of a run before it begins: where they are, what they have, how load is split."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import ToolMissingError
from bench.loadtools import TOOLS
from bench.loadtools.tool import too_old
from bench.model.finding import Finding, finding
from bench.model.host_facts import Host
from bench.model.plan import Pinning

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bench.loadtools import LoadTool
    from bench.model.machine_part import Role
    from bench.model.plan import LoadProfile
    from bench.process.remote.remote_machine import Machine

SERVER: Final = "server"
"""Name of the machine of the server; those of the load are `load-1`, `load-2`, ..."""


_NEAR: Final = 1.25
"""By so much more than its weight a machine may be given, so that all walk one schedule."""
_ALIKE: Final = 1e-9
"""Rates that differ by rounding only."""


class Place(NamedTuple):
    """One machine before it is opened.

    Attributes:
        open: connects to it and starts the agent; a context.
        address: of the server's machine, where the load reaches it; "" for the others.
    """

    name: str
    role: Role
    open: Callable[[], contextlib.AbstractContextManager[Machine]]
    address: str = ""


class Facts(NamedTuple):
    """What a machine says of itself.

    Attributes:
        pool: CPUs of which a part gets all, the best first.
        cpus: all that may be used.
        wifi: the interface by which it reaches the others, where that is wireless.
    """

    host: Host
    pool: tuple[int, ...]
    cpus: tuple[int, ...]
    pinning: Pinning
    python: str
    wifi: str = ""


def at_once(tasks: Sequence[Callable[[], None]]) -> None:
    """Carry out all of them beside each other; raises what the first of them raised, if any did."""
    raised: dict[int, BaseException] = {}

    def carry_out(number: int, task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            raised[number] = error

    threads = [
        threading.Thread(target=carry_out, args=one, daemon=True) for one in enumerate(tasks)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[min(raised)]


def facts_of(told: dict[str, Any]) -> Facts:
    """What an agent answered to `facts_side.describe`."""
    return Facts(
        host=Host.model_validate(told["host"]),
        pool=tuple(told["pool"]),
        cpus=tuple(told["cpus"]),
        pinning=Pinning.model_validate(told["pinning"]),
        python=told["python"],
        wifi=told["link"]["interface"] if told["link"]["kind"] == "wifi" else "",
    )


def check_tool(tool: str, there: dict[str, dict[str, str | None] | None]) -> None:
    """Refuse a load tool that is not the same on all machines of the load.

    Args:
        tool: its name.
        there: name of a machine -> what it has, None = nothing.

    Raises:
        ToolMissingError: it is missing or too old on one, or not one version.
    """
    for name, found in there.items():
        mend = f"on that machine: `bench setup --tool {tool}`"
        if found is None:
            raise ToolMissingError(f"{name}: the load tool {tool} is not installed", advice=mend)
        if outdated := too_old(TOOLS[tool], found["version"]):
            raise ToolMissingError(f"{name}: {outdated}", advice=mend)
    versions = {name: found["version"] for name, found in there.items() if found}
    if len(set(versions.values())) > 1:
        told = ", ".join(f"{version or 'unknown'} on {name}" for name, version in versions.items())
        raise ToolMissingError(
            f"{tool} is not the same on all machines of the load: {told}",
            advice="install one version everywhere: what they measure is added up",
        )


def remarks(facts: Mapping[str, Facts], tools: Mapping[str, Any]) -> Iterator[Finding]:
    """What the reader must know of the machines: wireless links, programs that are not the same.

    Args:
        facts: by name of a machine.
        tools: name of a machine of the load -> its load tools.
    """
    for name, one in facts.items():
        if one.wifi:
            yield finding("wifi", "host", machine=name, interface=one.wifi)
    for tool in sorted({tool for there in tools.values() for tool in there}):
        having = {name: there[tool] for name, there in tools.items() if there.get(tool)}
        builds = {(facts[name].host.system, one["sha256"]) for name, one in having.items()}
        if len(builds) > len({system for system, _ in builds}):
            names = tuple(f"{name}: {one['version'] or '?'}" for name, one in having.items())
            yield finding("versions-differ", "host", "builds", tool=tool, machines=names)


def whole_parts(total: int, weights: Sequence[float]) -> list[int]:
    """Whole numbers by weight that add up to the total; what is left to those who miss most."""
    exact = [total * weight / sum(weights) for weight in weights]
    parts = [int(part) for part in exact]
    missed = sorted(range(len(parts)), key=lambda index: parts[index] - exact[index])
    for index in missed[: total - sum(parts)]:
        parts[index] += 1
    return parts


def rates_of(
    rate_rps: float | None, weights: Sequence[float], processes: Sequence[int]
) -> list[float | None]:
    """What each machine offers: in proportion to its processes where that is near its weight.

    Then every process offers the same, and all can walk one schedule (`one_schedule`).
    """
    if rate_rps is None:
        return [None] * len(weights)
    fair = [weight / sum(weights) for weight in weights]
    like = [count / sum(processes) for count in processes]
    near = all(b <= _NEAR * a for a, b in zip(fair, like, strict=True))
    return [rate_rps * share for share in (like if near else fair)]


def one_schedule(parts: Sequence[LoadProfile], tool: LoadTool) -> list[tuple[int, int]]:
    """Where the requests of all machines are those of one schedule: whose turn each process has.

    Else, where the processes of one machine offer more than those of another, each machine walks
    a schedule of its own.

    Args:
        parts: the share of each machine.
        tool: of the load.

    Returns:
        Per machine the number of its first process and how many there are on all; none = each
        has its own.
    """
    rates = [(part.rate_rps or 0.0) / part.processes for part in parts]
    enough = all(rate * part.duration_s >= 1 for rate, part in zip(rates, parts, strict=True))
    alike = max(rates) - min(rates) <= _ALIKE * max(rates)
    if len(parts) == 1 or not (tool.arrivals and enough and alike):
        return []
    counts = [part.processes for part in parts]
    return [(sum(counts[:number]), sum(counts)) for number in range(len(counts))]
