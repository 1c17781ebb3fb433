"""`bench init`: a first server, workload and matrix for a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.matrix.starter import Proposal, Wish


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
def command(folder: Path, name: str | None, port_env: str, path: str) -> None:
    """Write a first server, workload and matrix into DIR (default: here).

    Looks for Cargo.toml, go.mod, package.json, pyproject.toml and requirements.txt and proposes
    the commands; in any other folder it writes a small server that runs. A file that is there
    already is never changed.

    \b
    bench init
    bench init ../my-server --name mine --port-env HTTP_PORT --path /health
    """  # noqa: D301 - click's paragraph mark
    from bench.matrix.starter import propose  # noqa: PLC0415 - late, see `bench --help`

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    proposal = propose(folder, _wish(folder, name, port_env, path))
    click.echo(
        f"found {proposal.kind}"
        if proposal.kind != "a sample"
        else "nothing known here: a sample server"
    )
    _write(folder, proposal)
    click.echo("look at:")
    for line in proposal.look:
        click.echo(f"  {line}")


def _wish(folder: Path, name: str | None, port_env: str, path: str) -> Wish:
    from bench.matrix.starter import Wish, project_name  # noqa: PLC0415 - late
    from bench.model.fields import is_identifier  # noqa: PLC0415 - late

    if name is not None and not is_identifier(name):
        raise UsageError(
            f"--name {name!r}: expected lower-case letters, digits, '-', '_' or '.', such as mine"
        )
    if port_env and not port_env.isidentifier():
        raise UsageError(f"--port-env {port_env!r}: expected the name of a variable, such as PORT")
    if not path.startswith("/") or any(char in path for char in " {}") or not path.isprintable():
        raise UsageError(f"--path {path!r}: expected a path such as /health")
    return Wish(name or project_name(folder), port_env, path)


def _write(folder: Path, proposal: Proposal) -> None:
    """Write what is not there; `x` so that nothing is ever overwritten."""
    for place, text in sorted(proposal.files.items()):
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            click.echo(f"  kept  {place} (it was there)")
        else:
            click.echo(f"  wrote {place}")
