"""`bench try`: measure a command or an address at once, without any file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bench.cli.ab_command import measure
from bench.cli.common import CONNECTIONS, emit_json, machines_option, seconds, some_seconds
from bench.errors import BenchError, UsageError

if TYPE_CHECKING:
    from bench.model.summary import RunView
    from bench.plans.first_answers import Request
    from bench.plans.try_ import TryOptions

_MAX_BODY: Final = 16_000_000
_AND: Final = "--and"


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--path", "paths", multiple=True, help="Path that is asked (default: /); several.")
@click.option("--method", default=None, help="Method (default: GET, with --body POST).")
@click.option(
    "--body",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File that is sent as the body.",
)
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="Header to send.")
@click.option(
    "--url", "urls", multiple=True, help="Measure a server that runs already on this machine."
)
@click.option(
    "--connections",
    type=CONNECTIONS,
    multiple=True,
    default=(50,),
    show_default=True,
    help="Open connections; several.",
)
@click.option(
    "--expect",
    type=click.Choice(["first", "own", "status"]),
    default="first",
    show_default=True,
    help="What every answer must be: the first server's, each server's own, or any of that status.",
)
@click.option("--duration", default="2s", show_default=True, help="Window of each trial.")
@click.option("--warmup", default="1s", show_default=True, help="Warm-up of each trial.")
@click.option(
    "--rounds",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="How often; below 3 there is no interval.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="The port of a server that cannot be given another; {port} is then not needed.",
)
@machines_option
@click.option("--allow-concurrent", is_flag=True, help="Go on beside another run; marks both.")
@click.option("--json", "as_json", is_flag=True, help="Print the object of `report --as json`.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def command(command: tuple[str, ...], **options: Any) -> int:
    """Measure COMMAND, which must listen on {port} or --port, or the server at --url.

    The server is started afresh for each trial. What it answers first is what every later
    answer must be. Several commands separated by --and are told apart by what each does alone;
    what a request costs is measured at the same time too, as `ab` does. The first is the
    baseline. Braces other than {host}, {port}, {cpus} and {python} stay as they are.

    With --machines the first answers are learned here, so that the command must run here too;
    then what git tracks of this folder, or would, goes to the server's machine (without git all
    of it), with the files that the command names, and is started there. Nothing is built there.

    \b
    bench try --path /hello -- python app.py {port}
    bench try -- env PORT={port} node a.js --and env PORT={port} node b.js
    bench try --expect own --path / --path /users/5 --connections 10 --connections 100 -- ...
    bench try --path /items --body item.json --header content-type:application/json -- ./app {port}
    bench try --port 3000 -- node server.js
    bench try --url http://127.0.0.1:3000/hello
    bench try --machines lab -- ./server --listen {host}:{port}
    """
    from bench.plans.try_ import check_sendable, plan_try
    from bench.reports.wording.in_words import summary_in_words
    from bench.run.whereabouts import opened, weigh

    trying = _trying(command, options)
    if options["machines"]:
        check_sendable(trying)
    with opened(options["machines"]) as lab:
        weigh(lab)
        contest = plan_try(trying, Path.cwd(), lab)
        for note in contest.notes:
            click.echo(f"note: {note}", err=True)
        again = f"bench run --resume latest --project {contest.project.root}"
        again += f" --machines {options['machines']}" if lab else ""
        how = options["allow_concurrent"]
        result = measure(contest, allow_concurrent=how, again=again, lab=lab)
    if options["as_json"]:
        emit_json(summary_in_words(result.view.summary))
    else:
        _print(result.view)
    click.echo(os.path.relpath(result.directory.path), err=True)
    _check_measured(result.view)
    return result.exit_code


def _trying(words: tuple[str, ...], options: dict[str, Any]) -> TryOptions:
    from bench.plans.try_ import TryOptions

    some_seconds("--duration", options["duration"])
    seconds("--warmup", options["warmup"])
    commands = _commands(words)
    if bool(commands) == bool(options["urls"]):
        raise UsageError(
            "either a command or --url",
            advice="such as: bench try --path / -- python app.py {port}",
        )
    if options["port"] and options["urls"]:
        raise UsageError("--port is for commands", advice="the port of a URL stands in it")
    paths = tuple(dict.fromkeys(options["paths"]))
    urls, path = _addresses(options["urls"], paths[0] if paths else None)
    return TryOptions(
        request=_request(path, options),
        more_paths=paths[1:],
        expect=options["expect"],
        commands=commands,
        urls=urls,
        connections=tuple(dict.fromkeys(options["connections"])),
        duration=options["duration"],
        warmup=options["warmup"],
        rounds=options["rounds"],
        port=options["port"],
    )


def _commands(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The commands between the --and."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word == _AND:
            parts.append([])
        else:
            parts[-1].append(word)
    if len(parts) > 1 and not all(parts):
        raise UsageError("--and stands between two commands")
    return tuple(tuple(part) for part in parts if part)


def _addresses(urls: tuple[str, ...], path: str | None) -> tuple[tuple[str, ...], str]:
    from bench.plans.try_ import split_url

    found = [split_url(url) for url in urls]
    paths = {path} if path else {place for _, place in found}
    if len(paths) > 1:
        raise UsageError("the addresses have different paths", advice="give one --path for all")
    return tuple(address for address, _ in found), paths.pop() if paths else "/"


def _request(path: str, options: dict[str, Any]) -> Request:
    from bench.plans.first_answers import Request

    body = options["body"].read_bytes() if options["body"] else b""
    if len(body) > _MAX_BODY:
        raise UsageError(f"--body {options['body']}: more than {_MAX_BODY:,} bytes")
    headers = {}
    for text in options["headers"]:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise UsageError(f"--header {text!r}: expected NAME:VALUE")
        headers[name.strip()] = value.strip()
    method = options["method"] or ("POST" if body else "GET")
    return Request(path, method.upper(), headers, body)


def _check_measured(view: RunView) -> None:
    """The cause is the last thing that is said.

    Raises:
        BenchError: a server took no part, such as for an answer that was not the expected one.
    """
    if view.plan.skipped:
        lost = view.plan.skipped[0]
        own = "; --expect own takes each server's own answer" if len(view.plan.arms) else ""
        raise BenchError(f"{lost.server}: {lost.reason.splitlines()[0]}{own}")


def _print(view: RunView) -> None:
    from bench.reports import ab_answer, choice_answer, try_figures

    if view.plan.is_choice:
        click.echo(choice_answer.text(view), nl=False)
        return
    if len(view.plan.arms) > 1:
        click.echo(ab_answer.text(view))
    click.echo(try_figures.figures(view), nl=False)
