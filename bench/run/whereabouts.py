"""Where a run is carried out: on this machine, or on those that `--machines` names."""

from __future__ import annotations

import contextlib
import platform
import random
from functools import partial
from typing import TYPE_CHECKING, Final

from bench.errors import BenchError, MachineError, ToolMissingError, UsageError
from bench.host import local_host
from bench.loadtools import TOOLS, closed_tool
from bench.loadtools.install.ready import ready
from bench.loadtools.tool import too_old
from bench.plans.machine_files import choose_machines
from bench.reports.wording.findings import with_text
from bench.run.machine_looks import press, start_ceiling, stop_ceiling
from bench.run.machines_check import server_address
from bench.store.cache import cache_folder
from bench.trial.remote.lab import Lab
from bench.trial.remote.places import SERVER, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.host_facts import Host
    from bench.model.plan import Arm, Plan
    from bench.store.run_directory import RunDirectory


_CEILING_S: Final = 90.0


@contextlib.contextmanager
def opened(choice: str | None) -> Iterator[Lab | None]:
    """Reach the machines that `--machines` names; None = this machine does everything.

    Raises:
        UsageError: there is no such file or no such name in it.
        MachineError: one of them cannot be reached or used.
    """
    if choice is None:
        yield None
        return
    from bench.process.remote.reaching import open_machine  # noqa: PLC0415 - late: loads execnet

    chosen = choose_machines(choice)
    group, cache = chosen.group, cache_folder()
    places = [
        Place(
            SERVER,
            "server",
            partial(open_machine, group.server.ssh, cache, name=SERVER),
            server_address(group),
        )
    ]
    for number, machine in enumerate(group.load, 1):
        name = f"load-{number}"
        places.append(Place(name, "load", partial(open_machine, machine.ssh, cache, name=name)))
    with Lab(chosen.name, places) as lab:
        yield lab


def weigh(lab: Lab | None) -> None:
    """Measure what each machine of the load can send, where there are several.

    Each presses alone against the ceiling server on the server's machine, for two seconds. Where
    that cannot be done the numbers of their CPUs stand for it.

    Raises:
        MachineError: one of them was lost.
    """
    if lab is None or len(lab.loads) == 1:
        return
    seed = random.SystemRandom().getrandbits(32)
    try:
        port = lab.server.call(start_ceiling, within_s=_CEILING_S, address=lab.address, seed=seed)
        try:
            rates = {one.name: one.call(press, address=lab.address, port=port) for one in lab.loads}
        finally:
            lab.server.call(stop_ceiling)
    except MachineError:
        raise
    except BenchError:
        return
    if all(rates.values()):
        lab.weights = rates


def check_machines_fit(plan: Plan) -> None:
    """What a plan asks for that cannot be done on several machines.

    Raises:
        UsageError: an address in place of a server, or a server that does not learn where to
            listen.
    """
    for arm in plan.arms:
        if arm.url is not None:
            raise UsageError(
                f"{arm.name} is an address: with --machines `bench` starts every server itself"
            )
        check_told(arm)


def check_same_place(plan: Plan, lab: Lab | None) -> None:
    """A run goes on where it began, on the same machines.

    Raises:
        UsageError: it would not; says how it does.
    """
    began = plan.machines
    if began is not None and lab is None:
        raise UsageError(
            f"this run is on the machines {began.given!r}", advice=f"add --machines {began.given}"
        )
    if lab is None:
        return
    if began is None:
        raise UsageError("this run is on one machine", advice="leave --machines out")
    now = {name: facts.host.fingerprint for name, facts in lab.facts.items()}
    if {one.name: one.fingerprint for one in began.machines} != now:
        raise UsageError(
            f"this run is on other machines than {lab.plan.given!r} now names",
            advice="start a new run",
        )
    lab.plan = began


def check_told(arm: Arm) -> None:
    """Refuse a server that does not learn where to listen.

    Raises:
        UsageError: neither `run` nor `env` has `{host}`.
    """
    words = (*arm.config.run, *arm.config.env.values(), *arm.env.values())
    if not any("{host}" in word for word in words):
        raise UsageError(
            f"{arm.name} does not learn on which address to listen: with --machines the load "
            "comes from elsewhere, and 127.0.0.1 cannot be reached",
            advice="pass {host} to it, in `run` or `env` of its server.yaml",
        )


def tools_of(plan: Plan) -> set[str]:
    """The load tools that a plan uses."""
    names = {profile.tool for profile in plan.loads}
    return names | {closed_tool(p.tool) for p in plan.profiles if p.rate_share is not None}


def tool_versions(plan: Plan, lab: Lab | None = None) -> dict[str, str | None]:
    """Version of Python and of each load tool that the plan uses.

    Raises:
        ToolMissingError: one is not there, too old, or not the same on all machines.
    """
    if lab is not None:
        return lab.tool_versions(tools_of(plan))
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for name in sorted(tools_of(plan)):
        found = ready(name)
        mend = f"`bench setup --tool {name}` installs it (`scripts/just setup`)"
        if found is None:
            raise ToolMissingError(f"the load tool {name} is not installed", advice=mend)
        outdated = too_old(TOOLS[name], found.version)
        if outdated:
            raise ToolMissingError(outdated, advice=mend)
        versions[name] = found.version
    return versions


def server_host(tools: dict[str, str | None], lab: Lab | None) -> Host:
    """The machine of the servers as it is now."""
    return local_host(tools=tools) if lab is None else lab.hosts(tools)[SERVER]


def host_after(host: Host, lab: Lab | None) -> Host:
    """The machine of the servers at the end; as it was before, where a machine is gone."""
    try:
        if lab is not None:
            lab.look_again()
        return server_host(host.tools, lab)
    except MachineError:
        return host


def keep_hosts(directory: RunDirectory, lab: Lab | None, *, after: bool = False) -> None:
    """Write down the machines of the load as they were last looked at."""
    for name, facts in lab.facts.items() if lab else ():
        if name != SERVER:
            part = "host.after.json" if after else "host.json"
            directory.write_model(f"machines/{name}/{part}", with_text(facts.host))
