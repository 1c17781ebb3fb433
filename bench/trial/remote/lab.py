"""The machines of a run while it goes on: which they are, what they can do, how their clocks go."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from bench.errors import ToolMissingError, UsageError
from bench.loadtools import TOOLS
from bench.loadtools.tool import too_old
from bench.model.host_facts import Host
from bench.model.machine_part import MachinesPlan, PlannedMachine
from bench.model.plan import CpuSplit, Pinning
from bench.trial.remote import facts_side
from bench.trial.remote.far_builds import FarBuilds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

    from bench.model.machine_part import Role
    from bench.model.plan import LoadProfile
    from bench.process.remote.remote_machine import ClockReading, Machine

SERVER: Final = "server"
"""Name of the machine of the server; those of the load are `load-1`, `load-2`, ..."""

Wish = int | list[int] | None
_DESCRIBE_S: Final = 120.0
_BUILD_TOOL_S: Final = 180.0


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
    """What a machine told of itself.

    Attributes:
        pool: CPUs of which a part gets all, the best first.
        cpus: all that may be used.
    """

    host: Host
    pool: tuple[int, ...]
    cpus: tuple[int, ...]
    pinning: Pinning
    python: str


class Lab:
    """The machines of one run; a context, in which an agent runs on each.

    Args:
        given: what `--machines` was told.
        places: the machines, the server's first.

    Attributes:
        facts: by name of a machine.
        clocks: the last comparison of each machine's clocks with ours.
        plan: what a plan says of the machines, once the CPUs are chosen.
        builds: the servers, where they run.
    """

    def __init__(self, given: str, places: Sequence[Place]) -> None:
        self.facts: dict[str, Facts] = {}
        self.clocks: dict[str, ClockReading] = {}
        self.plan = MachinesPlan(given=given, machines=())
        self._places = places
        self._stacks: dict[str, contextlib.ExitStack] = {}
        self._machines: dict[str, Machine] = {}
        self._count = 0
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
        """Open every machine that is not open, or was lost.

        Raises:
            MachineError: one cannot be reached.
        """
        for place in self._places:
            held = self._machines.get(place.name)
            if held is not None and not held.is_lost:
                continue
            with contextlib.suppress(Exception):  # what is left of a lost one
                self._stacks.pop(place.name, contextlib.ExitStack()).close()
            stack = self._stacks[place.name] = contextlib.ExitStack()
            self._machines[place.name] = stack.enter_context(place.open())
            self.clocks.pop(place.name, None)

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
        pending = [(machine.name, machine.begin(facts_side.describe)) for machine in self.machines]
        for name, answer in pending:
            self.facts[name] = _facts(answer.result(_DESCRIBE_S))

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
            part = PlannedMachine(name=place.name, role=place.role, cpus=cpus, weight=len(cpus))
            parts.append(part)
        parts = [self._identified(part) for part in parts]
        self.plan = self.plan.model_copy(update={"machines": tuple(parts)})
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
        return part.model_copy(update={"fingerprint": host.fingerprint})

    def tool_versions(self, names: Iterable[str]) -> dict[str, str | None]:
        """Version of Python on the server's machine and of each load tool, alike on all of them.

        Raises:
            ToolMissingError: one is missing on a machine, too old, or not the same on all.
        """
        wanted = sorted(set(names))
        asked = [
            (machine.name, machine.begin(facts_side.tools_there, names=wanted))
            for machine in self.loads
        ]
        found = {name: answer.result(_BUILD_TOOL_S) for name, answer in asked}
        for tool in wanted:
            _check_tool(tool, {name: tools[tool] for name, tools in found.items()})
        versions = {name: {t: tools[t]["version"] for t in wanted} for name, tools in found.items()}
        self.plan = self.plan.model_copy(
            update={
                "machines": tuple(
                    part.model_copy(update={"tools": versions.get(part.name, {})})
                    for part in self.plan.machines
                )
            }
        )
        first = next(iter(versions.values()), {})
        return {"python": self.facts[self.server.name].python, **first}

    def hosts(self, tools: dict[str, str | None]) -> dict[str, Host]:
        """Every machine as it was when it was last looked at.

        Args:
            tools: recorded with each as they are.
        """
        for name, facts in self.facts.items():
            host = facts.host.model_copy(update={"tools": tools})
            self.facts[name] = facts._replace(host=host)
        return {name: facts.host for name, facts in self.facts.items()}

    # -- in a trial -----------------------------------------------------------------------------

    def shares(self, profile: LoadProfile) -> tuple[tuple[Machine, LoadProfile], ...]:
        """A profile split over the machines of the load, in proportion to what each can send."""
        weights = [self.planned(machine.name).weight for machine in self.loads]
        connections = _whole_parts(profile.connections, weights)
        processes = _whole_parts(max(profile.processes, len(weights)), weights)
        rate, total = profile.rate_rps, sum(weights)
        return tuple(
            (
                machine,
                profile.model_copy(
                    update={
                        "connections": conns,
                        "processes": min(count, conns),
                        "rate_rps": None if rate is None else rate * weight / total,
                    }
                ),
            )
            for machine, weight, conns, count in zip(
                self.loads, weights, connections, processes, strict=True
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

    @contextlib.contextmanager
    def quiet(self, longest_s: float) -> Iterator[None]:
        """Send nothing to any machine inside."""
        with contextlib.ExitStack() as stack:
            for machine in self.machines:
                stack.enter_context(machine.quiet(longest_s))
            yield


def _facts(told: dict[str, Any]) -> Facts:
    return Facts(
        host=Host.model_validate(told["host"]),
        pool=tuple(told["pool"]),
        cpus=tuple(told["cpus"]),
        pinning=Pinning.model_validate(told["pinning"]),
        python=told["python"],
    )


def _check_tool(tool: str, there: dict[str, dict[str, str | None] | None]) -> None:
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


def _whole_parts(total: int, weights: Sequence[float]) -> list[int]:
    """Whole numbers by weight that add up to the total; the remainder to the first."""
    parts = [int(total * weight / sum(weights)) for weight in weights]
    for index in range(total - sum(parts)):
        parts[index % len(parts)] += 1
    return parts
