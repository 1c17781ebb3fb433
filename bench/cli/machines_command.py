"""`bench machines`: the machines of your own that server and load run on."""

from __future__ import annotations

import random

import click

from bench.cli.common import emit_json, json_option
from bench.errors import EXIT_FAILED, EXIT_OK


@click.group()
def command() -> None:
    """Measure with client and server on machines of their own.

    A file of yours says which: ~/.config/bench/machines.yaml, or one that is named as FILE:NAME.
    It is never part of a matrix.

    \b
    lab:
      server: {ssh: server-box, address: 10.0.0.2}
      load: [{ssh: load-1}, {ssh: load-2}]
    """


@command.command("check")
@click.argument("name")
@json_option
def check(name: str, *, as_json: bool) -> int:
    """Reach the machines NAME (or FILE:NAME) and say whether they can measure together.

    Everything goes through your own `ssh X`, by key; nothing has to be installed there but
    Python 3.11. bench brings itself: some MB on the first start, into ~/.cache/bench there.

    Of each machine: system and versions, its clock beside this one, the network card to the
    others and its speed, and what is missing with the command that installs it. Then each load
    machine alone presses for 2 seconds against the ceiling server on the server machine: more
    than that no server can reach over this path.

    \b
    bench machines check lab
    bench machines check ./machines.yaml:lab --json

    Exit codes: 0 ready - 1 a machine cannot be used, or something is missing - 2 the file.
    """
    from bench.plans.machine_files import choose_machines
    from bench.reports.machines_answer_text import machines_text
    from bench.reports.terminal import terminal_sections
    from bench.reports.wording.findings import in_words
    from bench.run.machines_check import check_machines

    chosen = choose_machines(name)
    seed = random.SystemRandom().getrandbits(32)
    answer = check_machines(chosen, lambda text: click.echo(f"{text} ...", err=True), seed=seed)
    if as_json:
        said = tuple(in_words(item) for item in answer.findings)
        emit_json(answer.replace(findings=said))
    else:
        from bench.cli.common import emphasized

        click.echo(terminal_sections(machines_text(answer), emphasized), nl=False)
    return EXIT_OK if answer.usable else EXIT_FAILED
