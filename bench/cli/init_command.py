"""`bench init`: a first server, workload and matrix for a folder."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common import printable
from bench.cli.waiting import Waiting
from bench.errors import EXIT_FAILED, EXIT_OK, BenchError, UsageError

if TYPE_CHECKING:
    from bench.plans.starter import InitOptions, Proposal
    from bench.run.build_and_verify import Verified


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--name", help="Id of the server (default: the folder's name).")
@click.option(
    "--port-env",
    default="",
    metavar="NAME",
    help="Variable that tells the server its port (default: PORT).",
)
@click.option("--path", default="/", show_default=True, help="Path that is asked.")
@click.option("--no-try", is_flag=True, help="Write only; neither build nor start anything.")
@click.option("--ci", is_flag=True, help="Also a workflow for GitHub Actions: is it slower?")
@click.option(
    "--action",
    metavar="OWNER/REPO@REF",
    help="Where that workflow takes bench from, with --ci.",
)
def command(folder: Path, name: str | None, *, ci: bool, action: str | None, **more: Any) -> int:
    """Write a first server, workload and matrix into DIR (default: here).

    Looks for Cargo.toml, go.mod, package.json, deno.json, build.gradle, pyproject.toml and
    requirements.txt and proposes the commands; for the checkout of a known framework it writes
    a small server that imports it, in any other folder one that needs nothing. A file that is
    there already is never changed.

    What is proposed is then built, started and asked once; only what answered is said to run.
    Exit code 1 where it did not: the files are there, and what to edit is said.

    \b
    bench init
    bench init ../my-server --name mine --port-env HTTP_PORT --path /health
    bench init --ci --action OWNER/bench@v0.2.0
    """
    from bench.plans.starter import propose

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    wish = _wish(folder, name, more["port_env"], more["path"])
    proposal = propose(folder, wish)
    if ci or action is not None:
        proposal = _with_ci(proposal, wish.name, action, ci=ci)
    written = _write(folder, proposal)
    sample = proposal.kind == "a sample"
    kind = "nothing known here: a sample server" if sample else f"found {proposal.kind}"
    lines = [
        f"  wrote {place}" if place in written else f"  kept  {place} (it was there)"
        for place in sorted(proposal.files)
    ]
    # In one piece and at the end: whoever reads only the first line gets a whole project too.
    click.echo("\n".join([kind, *lines, "look at:", *(f"  {line}" for line in proposal.look)]))
    place = PurePosixPath("servers", wish.name, "server.yaml")
    untried = "" if place in written else f"{place} was there before"
    if proposal.unknown:
        untried = f"{place} lacks a name for {proposal.unknown}"
    if more["no_try"] or untried:
        click.echo(f"not tried: {untried or '--no-try'}")
        return EXIT_OK
    advice = f"edit {place}, then `bench verify {wish.name}`"
    return _try(folder, place, advice=advice, then=proposal.then)


def _try(folder: Path, place: PurePosixPath, *, advice: str, then: str) -> int:
    """Build, start and ask the server once; say what came of it, and what comes then.

    One that listens on a port of its own, as in most first examples, is tried again with it.
    """
    from bench.plans.choosing import hidden_server
    from bench.plans.project import find_project

    if hides := hidden_server(find_project(folder, folder), place.parent.name):
        click.echo(f"note: {hides}", err=True)
    try:
        found = _verified(folder, place.parent.name)
        port = found[0].listens if found else 0
        if port:
            click.echo(f"it listens on {port}, whatever it is given: `port: {port}` in {place}")
            text = (folder / place).read_text("utf-8")
            note = "# it cannot be given another"
            (folder / place).write_text(f"{text}port: {port}  {note}\n", encoding="utf-8")
            found = _verified(folder, place.parent.name)
    except BenchError as error:
        click.echo(f"does not run yet: {printable(str(error))}\n{advice}")
        return EXIT_FAILED
    for one in found:
        if one.error:
            said = "could not be tried here" if one.skipped else "does not run yet"
            click.echo(f"{said}: {printable(one.error)}\n{advice}")
            return EXIT_OK if one.skipped else EXIT_FAILED
        for answer in one.exchanges:
            asked = f"{answer.method} {answer.path}"
            seen = f"{answer.status}, {answer.response_bytes} bytes"
            click.echo(f"it runs: {asked} was answered with {seen}; {then}")
    return EXIT_OK


def _verified(folder: Path, name: str) -> list[Verified]:
    from bench.plans.choosing import choose_arms
    from bench.plans.project import find_project
    from bench.run.build_and_verify import verify_servers

    project = find_project(folder, folder)
    with Waiting() as waiting:
        return list(verify_servers(project, choose_arms(project, [name]), waiting))


def _with_ci(proposal: Proposal, server: str, action: str | None, *, ci: bool) -> Proposal:
    """The same with a workflow for pull requests."""
    from bench.plans.starter_ci import ACTION, WORKFLOW, ci_look, workflow

    if not ci:
        raise UsageError("--action is of use with --ci only")
    if action is not None and not re.fullmatch(r"[\w.-]+/[\w./-]+@[\w./-]+", action):
        raise UsageError(f"--action {action!r}: expected OWNER/REPO@REF, REF a tag or a commit")
    place = action or ACTION
    return proposal._replace(
        files={**proposal.files, WORKFLOW: workflow(server, place)},
        look=(*proposal.look, ci_look(place)),
    )


def _wish(folder: Path, name: str | None, port_env: str, path: str) -> InitOptions:
    from bench.model.fields import Env, UrlPath, is_identifier
    from bench.plans.starter import InitOptions, project_name

    if name is not None and not is_identifier(name):
        raise UsageError(
            f"--name {name!r}: expected lower-case letters, digits, '-', '_' or '.', such as mine"
        )
    if port_env and not _fits(Env, {port_env: ""}):
        raise UsageError(f"--port-env {port_env!r}: expected the name of a variable, such as PORT")
    if not _fits(UrlPath, path) or any(char in path for char in "{}"):
        raise UsageError(
            f"--path {path!r}: expected a path such as /health",
            advice="without blanks, {, }, # and \\; other characters than ASCII as %XX",
        )
    return InitOptions(name or project_name(folder), port_env, path)


def _fits(kind: Any, value: Any) -> bool:
    """Whether a file may hold the value: what is written here, `bench validate` must take."""
    from pydantic import TypeAdapter, ValidationError

    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


def _write(folder: Path, proposal: Proposal) -> set[PurePosixPath]:
    """Write what is not there: all of it, or nothing where something goes wrong.

    Raises:
        UsageError: a file is where a folder must be, or the other way round.
    """
    for place in proposal.files:
        _check_place(folder, place)
    made: list[Path] = []
    written = set()
    try:
        for place, text in sorted(proposal.files.items()):
            if (folder / place).exists():
                continue
            _make_folders((folder / place).parent, made)
            with (folder / place).open("x", encoding="utf-8") as file:  # x: never overwrites
                made.append(folder / place)
                file.write(text)
            written.add(place)
    except BaseException:  # an interruption too
        for path in reversed(made):
            with contextlib.suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        raise
    return written


def _check_place(folder: Path, place: PurePosixPath) -> None:
    target = folder / place
    for parent in (folder / above for above in place.parents):
        if parent.is_symlink() and not parent.exists():
            raise UsageError(f"{parent} is a link to nothing", advice="remove it")
        if parent.exists() and not parent.is_dir():
            raise UsageError(f"{parent} is a file", advice=f"{place} cannot be written beside it")
    if (target.exists() or target.is_symlink()) and not target.is_file():
        raise UsageError(f"{target} is there and is not a file", advice="move it away")


def _make_folders(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it; each is entered in `made`, the outermost first."""
    if not folder.is_dir():
        _make_folders(folder.parent, made)
        folder.mkdir()
        made.append(folder)
