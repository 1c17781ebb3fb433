"""`bench doctor`: what is missing or noisy on this machine, and the command that fixes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bench.cli.common import CONNECTIONS, emit_json, json_option, machines_option, project_option
from bench.errors import EXIT_OK, EXIT_UNFIT, UsageError

if TYPE_CHECKING:
    from bench.host.doctor import Diagnosis
    from bench.model.host_facts import System

_MEASURING: Final = "measuring for 2 seconds ..."


@click.command()
@json_option
@click.option(
    "--connections",
    type=CONNECTIONS,
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
@machines_option
@project_option
def command(  # noqa: PLR0917 - one parameter per option
    connections: int,
    root: Path | None,
    system: System | None,
    noise: str | None,
    machines: str | None,
    project: Path | None,
    *,
    ceiling: bool,
    as_json: bool,
) -> int:
    """Examine this machine, or each of --machines for what it does there, and change nothing.

    State is what there is, with a 2-second measurement of the clock, of each CPU's steadiness and
    of loopback. Advice would make results steadier, with the command that fixes and the one that
    undoes it. Errors make results unusable here: then the exit code is 3.
    """
    if system and not root:
        raise UsageError("--system needs --root", advice="This machine's system is known.")
    if machines:
        if noise or ceiling or root:
            raise UsageError(
                "--machines is for machines as they are: without --noise, --ceiling, --root",
                advice="`bench machines check` tries the ceiling over the path between them",
            )
        return _examine_all(machines, connections, as_json=as_json)
    if noise or ceiling:
        from bench.cli import doctor_runs as probing

        if noise:
            return probing.noise(noise, project, as_json=as_json)
        return probing.ceiling(project, as_json=as_json)
    return _examine(connections, root, system, as_json=as_json)


def _examine(connections: int, root: Path | None, system: System | None, *, as_json: bool) -> int:
    """Judge this machine, or a captured one, and print it."""
    from bench.host import (
        local_system,
        read_any_topology,
        read_host,
        tree_source,
    )
    from bench.host.cpu_split import split
    from bench.host.doctor import diagnose
    from bench.run.examining import examine

    if root:
        source, chosen = tree_source(root), system or local_system()
        host, topology = read_host(source, chosen), read_any_topology(source, chosen)
        divided = split(topology, None, None)
        diagnosis = diagnose(host, divided, None, needs={}, connections=connections)
    else:
        click.echo(_MEASURING, err=True)
        diagnosis = examine(connections)
    _tell(diagnosis, as_json=as_json)
    return EXIT_OK if diagnosis.fit else EXIT_UNFIT


def _examine_all(machines: str, connections: int, *, as_json: bool) -> int:
    """Examine each machine of a group, and print them one after the other."""
    from bench.reports.host_answer import doctor_data
    from bench.run.examining import examine_machines
    from bench.run.whereabouts import opened

    with opened(machines) as lab:
        assert lab is not None  # noqa: S101 - a group was named
        click.echo(_MEASURING, err=True)
        found = examine_machines(lab, connections)
    if as_json:
        emit_json({"machines": {name: doctor_data(one) for name, one in found.items()}})
    for name, one in found.items() if not as_json else ():
        click.echo(f"{name}:")
        _tell(one, as_json=False)
    return EXIT_OK if all(one.fit for one in found.values()) else EXIT_UNFIT


def _tell(diagnosis: Diagnosis, *, as_json: bool) -> None:
    from bench.cli.common import emphasized
    from bench.reports.host_answer import doctor, doctor_data
    from bench.reports.terminal import terminal_sections

    if as_json:
        emit_json(doctor_data(diagnosis))
    else:
        click.echo(terminal_sections(doctor(diagnosis), emphasized), nl=False)
