"""`bench build`: build servers."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.common import emit_json, json_option, project_option
from bench.errors import EXIT_FAILED, EXIT_OK
from bench.units import format_bytes, format_eta


@click.command()
@click.argument("servers", nargs=-1)
@json_option
@project_option
def command(servers: tuple[str, ...], project: Path | None, *, as_json: bool) -> int:
    """Build SERVERS.

    Without SERVERS: all of the project; where it has none, those that come with bench.
    A server whose sources, lock files, toolchain and build commands are unchanged is not built
    again. A missing toolchain skips the server, with the reason.
    """
    from bench.plans.choosing import choose_arms
    from bench.plans.project import find_project
    from bench.reports.wording.findings import told
    from bench.run.build_and_verify import build_servers
    from bench.run.fitness import stale_program

    arms = choose_arms(find_project(Path.cwd(), project), servers)
    failed = False
    rows = []
    for arm, record, reason in build_servers(
        arms, lambda arm: click.echo(f"building {arm.name} ...", err=True)
    ):
        if record is None:
            failed = failed or not reason.startswith("skipped")
            rows.append({"server": arm.name, "built": False, "reason": reason})
            click.echo(f"{arm.name:<12} {reason}", err=True)
            continue
        rows.append({"server": arm.name, "built": True, **record.model_dump(mode="json")})
        for note in map(told, stale_program(arm, record)):
            click.echo(f"{arm.name:<12} {note.text}\n             {note.advice}", err=True)
        if not as_json:
            how = "unchanged" if record.cached else f"built in {format_eta(record.seconds)}"
            size = f", {format_bytes(record.artefact_bytes)}" if record.artefact_bytes else ""
            version = record.version or "version unknown"
            click.echo(f"{arm.name:<12} {version} ({record.runtime or 'no runtime'}{size}) {how}")
    if as_json:
        emit_json({"builds": rows})
    return EXIT_FAILED if failed else EXIT_OK
