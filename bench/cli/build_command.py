"""`bench build`: build servers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common import emit_json, json_option, project_option
from bench.cli.waiting import Waiting
from bench.errors import EXIT_FAILED, EXIT_OK
from bench.units import format_bytes, format_eta

if TYPE_CHECKING:
    from bench.model.plan import Arm
    from bench.model.summary import BuildRecord


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
    with Waiting() as waiting:
        for arm, record, reason in build_servers(arms, waiting):
            waiting.close()
            failed = failed or (record is None and not reason.startswith("skipped"))
            rows.append(_row(arm, record, reason))
            if record is None:
                click.echo(f"{arm.name:<12} {reason}", err=True)
                continue
            for note in map(told, stale_program(arm, record)):
                click.echo(f"{arm.name:<12} {note.text}\n             {note.advice}", err=True)
            if not as_json:
                _show(arm, record)
    if as_json:
        emit_json({"builds": rows})
    return EXIT_FAILED if failed else EXIT_OK


def _row(arm: Arm, record: BuildRecord | None, reason: str) -> dict[str, Any]:
    if record is None:
        return {"server": arm.name, "built": False, "reason": reason}
    return {"server": arm.name, "built": True, **record.model_dump(mode="json")}


def _show(arm: Arm, record: BuildRecord) -> None:
    how = "unchanged" if record.cached else f"built in {format_eta(record.seconds)}"
    size = f", {format_bytes(record.artefact_bytes)}" if record.artefact_bytes else ""
    version = record.version or "version unknown"
    click.echo(f"{arm.name:<12} {version} ({record.runtime or 'no runtime'}{size}) {how}")
