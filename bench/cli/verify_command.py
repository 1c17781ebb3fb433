"""`bench verify`: start servers and check every workload's expected response."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.common import emit_json, json_option, printable, project_option
from bench.errors import EXIT_FAILED, EXIT_OK
from bench.units import format_bytes


@click.command()
@click.argument("servers", nargs=-1)
@json_option
@project_option
def command(servers: tuple[str, ...], project: Path | None, *, as_json: bool) -> int:
    """Build and start SERVERS and check the response to every workload.

    Without SERVERS: all of the project; where it has none, those that come with bench.
    Each request kind is sent twice with random values; status, JSON by meaning, text and
    headers must be as the workload says. Exit code 1 when anything is wrong. A workload that
    server.yaml says it `cannot` answer is listed with the reason.
    """
    from bench.plans.choosing import choose_arms
    from bench.plans.project import find_project
    from bench.run.build_and_verify import verify_servers

    found = find_project(Path.cwd(), project)
    arms = choose_arms(found, servers)
    failed = False
    rows = []
    for item in verify_servers(
        found, arms, lambda arm: click.echo(f"starting {arm.name} ...", err=True)
    ):
        failed = failed or bool(item.error and not item.skipped)
        rows.append(
            {
                "server": item.server,
                "workload": item.workload or None,
                "ok": not item.error,
                "skipped": item.skipped,
                "error": item.error or None,
            }
        )
        if not as_json:
            word = "wrong" if item.error else "ok"
            if item.skipped:
                word = "cannot" if item.workload else "skipped"
            mark = click.style(word, fg={"ok": "green", "wrong": "red"}.get(word, "yellow"))
            sizes = ", ".join(
                f"{e.method} {e.path.partition('?')[0][:40]} {format_bytes(e.response_bytes)}"
                for e in item.exchanges
            )
            text = printable(item.error) or sizes
            click.echo(f"{item.server:<12} {item.workload:<14} {mark}  {text}")
    if as_json:
        emit_json({"results": rows})
    return EXIT_FAILED if failed else EXIT_OK
