"""`bench serve`: start a server as a trial would and show its log."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bench.cli.common import printable, project_option
from bench.cli.waiting import Waiting
from bench.errors import EXIT_FAILED, EXIT_OK, TerminatedError

if TYPE_CHECKING:
    from bench.run.serving import ServedTarget
    from bench.servers import RunningServer

_LOOK_EVERY_S: Final = 0.1


@click.command()
@click.argument("server")
@project_option
def command(server: str, project: Path | None) -> int:
    """Build SERVER and start it as a trial would, until Ctrl-C.

    The address goes to stdout as soon as the server is ready, its log to stderr: the same
    command, environment, CPUs and working directory as in a trial.

    \b
    bench serve axum

    \b
    Exit codes: 0 ended by Ctrl-C or SIGTERM once the server was ready; 1 it could not be built
    or started, or ended by itself; 130 Ctrl-C and 143 SIGTERM before it was ready. In every
    case the server is stopped first.
    """
    from bench.plans.project import find_project
    from bench.run.serving import served

    found = find_project(Path.cwd(), project)
    ready = False
    try:
        with Waiting() as waiting, served(found, server, waiting) as running:
            ready = True  # first of all: whoever reads the address may press Ctrl-C at once
            waiting.close()
            _announce(running.server)
            _follow(running)
            click.echo(f"{server} ended: {running.server.end()}", err=True)
            return EXIT_FAILED
    except (KeyboardInterrupt, TerminatedError):
        if not ready:
            raise
        click.echo("stopped", err=True)
        return EXIT_OK


def _announce(server: RunningServer) -> None:
    record = server.record()
    settings = [f"{name}={value}" for name, value in record.env.items()]
    words = ["env", *settings, *record.argv] if settings else record.argv
    cpus = f" on CPUs {', '.join(map(str, record.cpus))}" if record.cpus else ""
    click.echo(f"ready after {server.ready_s:.2f} s{cpus}: {shlex.join(words)}", err=True)
    click.echo(f"http://{server.target.authority}")
    sys.stdout.flush()
    click.echo("Ctrl-C stops it", err=True)


def _follow(running: ServedTarget) -> None:
    """Print what the server says until it ends."""
    place = 0
    while True:
        alive = running.server.rc is None
        with running.log.open("rb") as file:
            if running.log.stat().st_size < place:
                place = 0  # a flooded log was cut back
            file.seek(place)
            data = file.read()
            place += len(data)
        if data:
            click.echo(printable(data.decode("utf-8", "replace")), err=True, nl=False)
        if not alive:
            return
        running.server.cap_log()
        time.sleep(_LOOK_EVERY_S)
