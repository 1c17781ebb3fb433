"""`bench verify`: start servers and check every workload's expected response."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common import emit_json, json_option, machines_option, printable, project_option
from bench.cli.waiting import Waiting
from bench.errors import EXIT_FAILED, EXIT_OK
from bench.units import format_bytes

if TYPE_CHECKING:
    from bench.run.build_and_verify import Verified


@click.command()
@click.argument("servers", nargs=-1)
@machines_option
@json_option
@project_option
def command(
    servers: tuple[str, ...], project: Path | None, machines: str | None, *, as_json: bool
) -> int:
    """Build and start SERVERS and check the response to every workload.

    Without SERVERS: all of the project; where it has none, those that come with bench.
    Each request kind is sent twice with random values, and once more with one value changed
    where a fixed body is to come back; each answer must be as the workload's `expect` says, over
    each of the server's `protocols`. Exit code 1 when anything is wrong. A workload that
    server.yaml says it `cannot` answer is listed with the reason.

    With --machines servers run on their machine, and a machine of the load asks.
    """
    from bench.plans.choosing import choose_arms
    from bench.plans.project import find_project
    from bench.run.build_and_verify import verify_servers
    from bench.run.far_verify import verify_far
    from bench.run.whereabouts import opened

    found = find_project(Path.cwd(), project)
    arms = choose_arms(found, servers)
    failed = False
    rows = []
    with opened(machines) as lab, Waiting() as waiting:
        verified = (
            verify_far(found, arms, waiting, lab) if lab else verify_servers(found, arms, waiting)
        )
        for item in verified:
            waiting.close()
            failed = failed or bool(item.error and not item.skipped)
            rows.append(_row(item))
            if not as_json:
                _show(item)
    if as_json:
        emit_json({"results": rows})
    return EXIT_FAILED if failed else EXIT_OK


def _row(item: Verified) -> dict[str, Any]:
    return {
        "server": item.server,
        "workload": item.workload or None,
        "protocol": item.protocol,
        "ok": not item.error,
        "skipped": item.skipped,
        "error": item.error or None,
    }


def _show(item: Verified) -> None:
    word = "wrong" if item.error else "ok"
    if item.skipped:
        word = "cannot" if item.workload else "skipped"
    mark = click.style(word, fg={"ok": "green", "wrong": "red"}.get(word, "yellow"))
    sizes = ", ".join(
        f"{e.method} {e.path.partition('?')[0][:40]} {format_bytes(e.response_bytes)}"
        for e in item.exchanges
    )
    text = printable(item.error) or sizes
    spoken = "" if item.protocol == "http" else f" ({item.protocol})"
    click.echo(f"{item.server:<12} {item.workload:<14} {mark}{spoken}  {text}")
