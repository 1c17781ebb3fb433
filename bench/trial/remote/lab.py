"""The machines of a run while it goes on: which they are, what they can do, how their clocks go."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from bench.errors import UsageError
from bench.loadtools import closed_tool
from bench.model.machine_part import MachinesPlan, PlannedMachine
from bench.model.plan import CpuSplit
from bench.trial.remote import facts_side, load_side, server_side
from bench.trial.remote.far_builds import FarBuilds
from bench.trial.remote.places import (
    at_once,
    check_tool,
    facts_of,
    rates_of,
    remarks,
    whole_parts,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

    from bench.model.finding import Finding
    from bench.model.host_facts import Host
    from bench.model.plan import LoadProfile
    from bench.process.remote.remote_machine import ClockReading, Machine, Pending
    from bench.trial.remote.places import Facts, Place

Wish = int | list[int] | None
_DESCRIBE_S: Final = 120.0
_BUILD_TOOL_S: Final = 180.0


class Lab:
    """The machines of one run; a context, in which an agent runs on each.

    Args:
        given: the name that `--machines` gave.
        places: the machines, the server's first.

    Attributes:
        facts: by name of a machine.
        clocks: the last comparison of each machine's clocks with ours.
        plan: what a plan says of the machines, once the CPUs are chosen.
        builds: the servers, where they run.
        weights: what each machine of the load can send, where that was measured.
        notes: what the reader must know of them, once their tools are known.
    """

    def __init__(self, given: str, places: Sequence[Place]) -> None:
        self.facts: dict[str, Facts] = {}
        self.weights: dict[str, float] = {}
        self.notes: tuple[Finding, ...] = ()
        self.clocks: dict[str, ClockReading] = {}
        self.plan = MachinesPlan(given=given, machines=())
        self._places = places
        self._stacks: dict[str, contextlib.ExitStack] = {}
        self._machines: dict[str, Machine] = {}
        self._count = 0
        self._looking: Pending | None = None
        self._armed: dict[str, float] = {}
        self._runs: dict[str, Pending] = {}
        self.builds = FarBuilds(lambda: self.server)

    def __enter__(self) -> Self:
        try:
            self.revive()
            self.look_again()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        stacks, self._stacks = list(self._stacks.values()), {}
        with contextlib.ExitStack() as all_of_them:
            for stack in stacks:
                all_of_them.push(stack)

    def revive(self) -> None:
        """Open every machine that is not open, or was lost; all at once: each takes a second.

        Raises:
            MachineError: one cannot be reached.
        """
        gone = [
            place
            for place in self._places
            if (held := self._machines.get(place.name)) is None or held.is_lost
        ]
        for place in gone:
            with contextlib.suppress(Exception):  # what is left of a lost one
                self._stacks.pop(place.name, contextlib.ExitStack()).close()
            self._stacks[place.name] = contextlib.ExitStack()
            self.clocks.pop(place.name, None)
        at_once([partial(self._open, place) for place in gone])

    def _open(self, place: Place) -> None:
        machine = self._stacks[place.name].enter_context(place.open())
        machine.call(facts_side.stay_awake)
        self._machines[place.name] = machine

    # -- who they are ---------------------------------------------------------------------------

    @property
    def server(self) -> Machine:
        """The machine of the server."""
        return self._machines[self._places[0].name]

    @property
    def address(self) -> str:
        """Where the load reaches the server's machine."""
        return self._places[0].address

    @property
    def loads(self) -> tuple[Machine, ...]:
        """The machines of the load."""
        return tuple(self._machines[place.name] for place in self._places[1:])

    @property
    def machines(self) -> tuple[Machine, ...]:
        """All of them, the server's first."""
        return (self.server, *self.loads)

    def planned(self, name: str) -> PlannedMachine:
        """What the plan says of a machine."""
        return next(one for one in self.plan.machines if one.name == name)

    def cpus_of(self, name: str) -> CpuSplit:
        """The CPUs of the load on one of its machines, as a split that has nothing else."""
        cpus = self.planned(name).cpus
        return CpuSplit(
            server=(),
            load=cpus,
            housekeeping=(),
            server_count=1,
            load_count=len(cpus),
            pinning=self.facts[name].pinning,
        )

    def next_handle(self) -> str:
        """A name for what agents keep of one trial."""
        self._count += 1
        return f"t{self._count}"

    # -- before a run ---------------------------------------------------------------------------

    def look_again(self) -> None:
        """Look at every machine now."""
        asked = {
            one.name: one.begin(facts_side.describe, address=self.address, owns=one is self.server)
            for one in self.machines
        }
        self.facts |= {name: facts_of(told.result(_DESCRIBE_S)) for name, told in asked.items()}

    def split(self, server_cpus: Wish, load_cpus: Wish) -> CpuSplit:
        """The CPUs of the server on its machine, and as many for the load as its machines have.

        Raises:
            UsageError: CPUs that are not there.
        """
        first, *others = self._places
        own = self._choose(first.name, server_cpus, "server_cpus")
        parts = [PlannedMachine(name=first.name, role=first.role, cpus=own)]
        for place in others:
            cpus = self._choose(place.name, load_cpus, "load_cpus")
            weight = self.weights.get(place.name, float(len(cpus)))
            part = PlannedMachine(name=place.name, role=place.role, cpus=cpus, weight=weight)
            parts.append(part)
        parts = [self._identified(part) for part in parts]
        self.plan = self.plan.replace(machines=tuple(parts))
        return CpuSplit(
            server=own,
            load=(),
            housekeeping=(),
            server_count=len(own),
            load_count=sum(len(part.cpus) for part in parts[1:]),
            pinning=self.facts[first.name].pinning,
        )

    def _choose(self, name: str, wish: Wish, key: str) -> tuple[int, ...]:
        facts = self.facts[name]
        if isinstance(wish, list):
            absent = [cpu for cpu in wish if cpu not in facts.cpus]
            if absent or not wish:
                raise UsageError(f"{key}: {name} has no CPU {absent[0] if absent else ''}")
            return tuple(wish)
        return facts.pool if wish is None else facts.pool[:wish]

    def _identified(self, part: PlannedMachine) -> PlannedMachine:
        host = self.facts[part.name].host
        return part.replace(fingerprint=host.fingerprint)

    def tool_versions(self, names: Iterable[str]) -> dict[str, str | None]:
        """Version of Python on the server's machine and of each load tool, alike on all of them.

        Raises:
            ToolMissingError: one is missing on a machine, too old, or not the same on all.
        """
        wanted = sorted(set(names))
        saturating = {closed_tool(name) for name in wanted}  # warms up, where it is there
        asked = [
            (
                machine.name,
                machine.begin(facts_side.tools_there, names=sorted({*wanted, *saturating})),
            )
            for machine in self.loads
        ]
        found = {name: answer.result(_BUILD_TOOL_S) for name, answer in asked}
        for tool in wanted:
            check_tool(tool, {name: tools[tool] for name, tools in found.items()})
        self.notes = tuple(remarks(self.facts, found))
        versions = {
            name: {tool: one["version"] for tool, one in tools.items() if one}
            for name, tools in found.items()
        }
        self.plan = self.plan.replace(
            machines=tuple(
                part.replace(tools=versions.get(part.name, {})) for part in self.plan.machines
            )
        )
        first = next(iter(versions.values()), {})
        return {"python": self.facts[self.server.name].python, **first}

    def hosts(self, tools: dict[str, str | None]) -> dict[str, Host]:
        """Every machine as it was when it was last looked at.

        Args:
            tools: recorded with each as they are.
        """
        for name, facts in self.facts.items():
            host = facts.host.replace(tools=tools)
            self.facts[name] = facts._replace(host=host)
        return {name: facts.host for name, facts in self.facts.items()}

    # -- in a trial -----------------------------------------------------------------------------

    def shares(self, profile: LoadProfile) -> tuple[tuple[Machine, LoadProfile], ...]:
        """A profile split over the machines of the load, in proportion to what each can send."""
        weights = [self.planned(machine.name).weight for machine in self.loads]
        connections = whole_parts(profile.connections, weights)
        processes = whole_parts(max(profile.processes, len(weights)), weights)
        processes = [max(1, count) for count in processes]
        rates = rates_of(profile.rate_rps, weights, processes)
        return tuple(
            (
                machine,
                profile.replace(connections=conns, processes=min(count, conns), rate_rps=rate),
            )
            for machine, rate, conns, count in zip(
                self.loads, rates, connections, processes, strict=True
            )
            if conns
        )

    def look_at_clocks(self) -> dict[str, ClockReading]:
        """Compare every machine's clocks with ours; outside of windows only."""
        self.clocks = {machine.name: machine.clock() for machine in self.machines}
        return self.clocks

    def their_time(self, machine: Machine, at_s: float) -> float:
        """A moment of our monotonic clock as that machine's tells it."""
        return at_s + self._offset(machine)

    def our_time(self, machine: Machine, at_s: float) -> float:
        """A moment of that machine's monotonic clock as ours tells it."""
        return at_s - self._offset(machine)

    def _offset(self, machine: Machine) -> float:
        if machine.name not in self.clocks:
            self.clocks[machine.name] = machine.clock()
        return self.clocks[machine.name].offset_s

    def look_on(self, start_at: float, longest_s: float) -> None:
        """Let the agent of the server's machine look after the servers by itself.

        Args:
            start_at: when load begins, by our clock.
            longest_s: how long at most.
        """
        if self._looking is None:
            self._looking = self.server.begin(
                server_side.look_on,
                start_at=self.their_time(self.server, start_at),
                longest_s=longest_s,
            )

    def stop_looking(self) -> Pending | None:
        """End that; what the agent says then, None where it was not asked to."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.stop()
        return looking

    def arm(self, machine: Machine, wait_s: float) -> None:
        """Note that a machine of the load has something to start, and how long that may take."""
        self._armed[machine.name] = max(wait_s, self._armed.get(machine.name, 0.0))

    def run_of(self, machine: Machine) -> Pending:
        """What comes of all that was armed on a machine; the first question starts it everywhere.

        All of it is armed by then, also the other load of a duet.
        """
        armed, self._armed = self._armed, {}
        for one in self.loads:
            if one.name in armed:
                begun = one.begin(load_side.run_armed, wait_s=armed[one.name])
                self._runs[one.name] = begun
        return self._runs[machine.name]

    @property
    def is_armed(self) -> bool:
        """Whether something is armed and was not started."""
        return bool(self._armed)

    def disarm(self) -> None:
        """Forget what was armed and not started."""
        self._armed = {}

    @contextlib.contextmanager
    def quiet(self, longest_s: float) -> Iterator[None]:
        """Send nothing to any machine inside."""
        with contextlib.ExitStack() as stack:
            for machine in self.machines:
                stack.enter_context(machine.quiet(longest_s))
            yield
