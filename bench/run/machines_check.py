"""`bench machines check`: reach every machine of a group, look at it, and try the path."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING, Any, Final

from bench import __version__
from bench.errors import BenchError, UsageError
from bench.host.budget import port_count
from bench.loadtools import TOOLS
from bench.loadtools.tool import too_old
from bench.model.finding import finding
from bench.model.host_facts import Host
from bench.model.machines import THIS_MACHINE, LoadMachine
from bench.model.machines_answer import ClockState, MachinesAnswer, MachineState
from bench.model.target import LOOPBACK
from bench.process.command import capture
from bench.run.machine_looks import PRESS_S, look, press, start_ceiling, stop_ceiling
from bench.store.cache import cache_folder
from bench.trial.remote.facts_side import describe, tools_there

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.model.finding import Finding
    from bench.model.machines import MachineGroup, ServerMachine
    from bench.plans.machine_files import ChosenMachines
    from bench.process.remote.remote_machine import ClockReading, Machine

OFFSET_MS: Final = 5.0
"""An offset of the times of day beyond which logs of two machines cannot be laid side by side."""
DRIFT_MS: Final = 1.0
"""A movement of one clock against another beyond which windows do not begin together."""
_LOOK_S: Final = 60.0
_CEILING_S: Final = 90.0


class _Seen:
    """What is known of one machine so far."""

    def __init__(self, role: str, name: str) -> None:
        self.machine: Machine | None = None
        self.first: ClockReading | None = None
        self.facts: dict[str, Any] = {"role": role, "name": name}

    def fail(self, error: BenchError) -> None:
        """Keep the first thing that stands against it."""
        self.facts.setdefault("problem", error.message)
        self.facts.setdefault("advice", error.advice)


def check_machines(
    chosen: ChosenMachines, say: Callable[[str], None], *, seed: int
) -> MachinesAnswer:
    """Reach the machines of a group, one after the other, and try the path between them."""
    group = chosen.group
    address = server_address(group)
    listed: list[tuple[str, ServerMachine | LoadMachine]] = [("server", group.server)]
    listed += [("load", machine) for machine in group.load]
    with contextlib.ExitStack() as opened:
        seen = [_look(opened, role, one.ssh, address, say) for role, one in listed]
        seen[0].facts["address"] = address
        _ceilings(seen, address, say, seed)
        for one in seen:
            _last_clock(one)
    states = tuple(MachineState(**one.facts) for one in seen)
    return MachinesAnswer(
        group=chosen.name,
        bench=__version__,
        usable=not any(state.problem or state.missing for state in states),
        machines=states,
        findings=tuple(machine_findings(states)),
    )


def server_address(group: MachineGroup) -> str:
    """Where the load reaches the server machine: as written, or what ssh connects to.

    A server listens on a number, not on a name; the names are those that this machine knows.

    Raises:
        UsageError: it is a name, and this machine does not know it.
    """
    server = group.server
    if server.ssh == THIS_MACHINE and server.address is None:
        return LOOPBACK
    address = server.address or _connected_to(server.ssh)
    try:
        found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except OSError:
        raise UsageError(
            f"the address of the server machine, {address}, is not known here",
            advice="write its number beside ssh, such as address: 10.0.0.2",
        ) from None
    numbers = [str(one[4][0]) for one in found]
    return next((number for number in numbers if ":" not in number), numbers[0])


def _connected_to(ssh: str) -> str:
    """The host name that ssh itself uses for a machine."""
    said = capture(("ssh", "-G", ssh))
    lines = said.stdout.splitlines() if said else []
    names = [line.partition(" ")[2] for line in lines if line.startswith("hostname ")]
    return names[0] if names else ssh.rpartition("@")[2]


def _look(
    opened: contextlib.ExitStack, role: str, ssh: str, address: str, say: Callable[[str], None]
) -> _Seen:
    from bench.process.remote.reaching import open_machine  # noqa: PLC0415 - late: loads execnet

    seen, began = _Seen(role, ssh), time.monotonic()
    say(f"reaching {ssh}")
    try:
        machine = opened.enter_context(open_machine(ssh, cache_folder()))
        seen.facts["start_s"] = time.monotonic() - began
        seen.first = machine.clock()
        _look_around(machine, seen, role, address)
        seen.machine = machine
    except BenchError as error:
        seen.fail(error)
    return seen


def _look_around(machine: Machine, seen: _Seen, role: str, address: str) -> None:
    """What the machine is, which load tools it has, how it is connected, and what it lacks."""
    told = machine.call(describe, within_s=_LOOK_S, address=address, owns=role == "server")
    host = Host.model_validate(told["host"])
    seen.facts |= {
        "system": host.system,
        "os": " ".join(part for part in (host.os.name, host.os.version) if part),
        "kernel": host.os.kernel,
        "python": told["python"],
        "cpu": host.cpu.model,
        "cpus": len(told["cpus"]),
        "fingerprint": host.fingerprint,
        "tools": {},
    }
    if role == "load":
        found = machine.call(tools_there, within_s=_LOOK_S, names=list(TOOLS))
        seen.facts["tools"] = {name: tool for name, tool in found.items() if _usable(name, tool)}
        seen.facts["client_ports"] = port_count(host)
    tools = list(seen.facts["tools"])
    seen.facts |= machine.call(look, within_s=_LOOK_S, address=address, role=role, tools=tools)


def _usable(name: str, tool: dict[str, Any] | None) -> bool:
    return tool is not None and too_old(TOOLS[name], tool["version"]) is None


def _ceilings(seen: Sequence[_Seen], address: str, say: Callable[[str], None], seed: int) -> None:
    """Let each load machine press alone against the ceiling server on the server machine."""
    server, loads = seen[0], [one for one in seen[1:] if one.machine is not None]
    if server.machine is None or server.facts["missing"] or not loads:
        return
    try:
        port = server.machine.call(start_ceiling, within_s=_CEILING_S, address=address, seed=seed)
    except BenchError as error:
        server.fail(error)
        return
    for one in loads:
        if one.machine is None or "wrk" not in one.facts["tools"]:
            continue
        say(f"{one.facts['name']} presses for {PRESS_S} s")
        try:
            one.facts["ceiling_rps"] = one.machine.call(press, address=address, port=port)
        except BenchError as error:
            one.fail(error)
    with contextlib.suppress(BenchError):
        server.machine.call(stop_ceiling)


def _last_clock(one: _Seen) -> None:
    if one.machine is None or one.first is None:
        return
    try:
        last = one.machine.clock()
    except BenchError as error:
        one.fail(error)
        return
    one.facts["clock"] = ClockState(
        offset_ms=last.wall_offset_s * 1e3,
        drift_ms=(last.offset_s - one.first.offset_s) * 1e3,
        span_s=last.at - one.first.at,
        round_trip_us=min(last.round_trip_s, one.first.round_trip_s) * 1e6,
    )


def machine_findings(states: Sequence[MachineState]) -> Iterator[Finding]:
    """What speaks against results of these machines: clocks, Wi-Fi, tools that differ."""
    for state in states:
        yield from _clock(state)
        if state.link is not None and state.link.kind == "wifi":
            yield finding("wifi", "host", machine=state.name, interface=state.link.interface)
    yield from _versions([state for state in states if state.role == "load"])


def _clock(state: MachineState) -> Iterator[Finding]:
    clock = state.clock
    if clock is None:
        return
    doubt = clock.round_trip_us / 2e3
    if abs(clock.offset_ms) - doubt > OFFSET_MS:
        yield finding(
            "clock-drift", "host", "offset", machine=state.name, offset_ms=clock.offset_ms
        )
    if abs(clock.drift_ms) - 2 * doubt > DRIFT_MS:
        yield finding(
            "clock-drift",
            "host",
            "drift",
            machine=state.name,
            drift_ms=clock.drift_ms,
            span_s=clock.span_s,
        )


def _versions(loads: Sequence[MachineState]) -> Iterator[Finding]:
    """Load tools that are not the same program everywhere; of one system, builds count, too."""
    for tool in sorted({name for state in loads for name in state.tools}):
        having = [(state, state.tools[tool]) for state in loads if tool in state.tools]
        versions = {one.version or "?" for _, one in having}
        builds = {(state.system, one.sha256) for state, one in having}
        systems = {state.system for state, _ in having}
        if len(versions) > 1 or len(builds) > len(systems):
            names = tuple(f"{state.name}: {one.version or '?'}" for state, one in having)
            case = "versions" if len(versions) > 1 else "builds"
            yield finding("versions-differ", "host", case, tool=tool, machines=names)
