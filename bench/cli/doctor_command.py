"""`bench doctor`: what is missing or noisy on this machine, and the command that fixes it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from bench.cli.common import emit_json, json_option, project_option
from bench.errors import EXIT_OK, EXIT_UNFIT

if TYPE_CHECKING:
    from bench.host.doctor import Diagnosis, Need
    from bench.host.measure import Measured
    from bench.model.host_facts import System
    from bench.process import Stray

_VERSION: Final = re.compile(r"\d+(?:\.\d+)+")


class _Tools(NamedTuple):
    versions: dict[str, str | None]
    outdated: dict[str, str]
    needs: dict[str, Need]


@click.command()
@json_option
@click.option(
    "--connections",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Check descriptors, ports and backlog for this many connections.",
)
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Judge a captured tree instead of this machine; measures nothing.",
)
@click.option(
    "--system",
    type=click.Choice(["linux", "darwin"]),
    help="Which system the tree is of (default: this one).",
)
@click.option(
    "--noise",
    metavar="SERVER",
    help="Run two copies of a server (about 45 s): what they differ by is the noise floor.",
)
@click.option(
    "--ceiling", is_flag=True, help="Run the ceiling server: what machine and load tool reach."
)
@project_option
def command(
    connections: int,
    root: Path | None,
    system: System | None,
    noise: str | None,
    project: Path | None,
    *,
    ceiling: bool,
    as_json: bool,
) -> int:
    """Examine this machine and change nothing.

    State is what there is, with a 2-second measurement of the clock, of each CPU's steadiness and
    of loopback. Advice would make results steadier, with the command that fixes and the one that
    undoes it. Errors make results unusable here: then the exit code is 3.
    """
    if noise or ceiling:
        from bench.cli import doctor_runs as probing

        if noise:
            return probing.noise(noise, project, as_json=as_json)
        return probing.ceiling(project, as_json=as_json)
    return _examine(connections, root, system, as_json=as_json)


def _examine(connections: int, root: Path | None, system: System | None, *, as_json: bool) -> int:
    """Judge this machine, or a captured one, and print it."""
    from bench.host import (
        local_host,
        local_system,
        local_topology,
        read_any_topology,
        read_host,
        tree_source,
    )
    from bench.host.cpu_split import split
    from bench.host.doctor import diagnose
    from bench.process import strays

    tools, measured = _Tools({}, {}, {}), None
    left: tuple[Stray, ...] = ()
    if root:
        source, chosen = tree_source(root), system or local_system()
        host, topology = read_host(source, chosen), read_any_topology(source, chosen)
    else:
        tools, topology = _find_tools(), local_topology()
        host = local_host(tools=tools.versions)
        measured, left = _measure([cpu.cpu for cpu in topology.cpus]), strays()
    divided = split(topology, None, None)
    diagnosis = diagnose(
        host,
        divided,
        measured,
        needs=tools.needs,
        outdated=tools.outdated,
        connections=connections,
        strays=left,
    )
    _tell(diagnosis, as_json=as_json)
    return EXIT_OK if diagnosis.fit else EXIT_UNFIT


def _tell(diagnosis: Diagnosis, *, as_json: bool) -> None:
    from bench.cli.common import emphasized
    from bench.reports.host_answer import doctor, doctor_data
    from bench.reports.terminal import terminal_sections

    if as_json:
        emit_json(doctor_data(diagnosis))
    else:
        click.echo(terminal_sections(doctor(diagnosis), emphasized), nl=False)


def _measure(cpus: list[int]) -> Measured:
    from bench.host.measure import measure

    click.echo("measuring for 2 seconds ...", err=True)
    return measure(cpus)


def _find_tools() -> _Tools:
    """Versions of load tools and toolchains, and the load tools that are too old."""
    from bench.host.doctor import TOOLCHAINS, Need
    from bench.loadtools import TOOLS
    from bench.loadtools.install.find import search_path
    from bench.loadtools.install.ready import ready
    from bench.loadtools.tool import dotted
    from bench.process import capture

    versions: dict[str, str | None] = {}
    outdated: dict[str, str] = {}
    needs: dict[str, Need] = {}
    for name, tool in sorted(TOOLS.items(), key=lambda each: not each[1].essential):
        found = ready(name)
        if found is None and tool.optional:
            continue
        needs[name] = Need("error" if tool.essential else "warning", tool.purpose, "bench setup")
        versions[name] = (found.version or "?") if found else None
        if found and not found.usable:
            outdated[name] = dotted(tool.minimum)
    for name in TOOLCHAINS:
        path = shutil.which(name, path=search_path())
        said = capture([path, "--version"]) if path else None
        match = _VERSION.search(said.stdout) if said else None
        versions[name] = match[0] if match else None
    return _Tools(versions, outdated, {**needs, **TOOLCHAINS})
