"""`bench schema`: what editors need to complete and check a user's files."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.common import project_option
from bench.errors import StoreError, UsageError


@click.command()
@click.argument(
    "kind",
    type=click.Choice(["matrix", "workload", "server", "machines"]),
    required=False,
    default=None,
)
@click.option(
    "--write", is_flag=True, help="Write those of a project's files into its .bench/schema."
)
@project_option
def command(kind: str | None, project: Path | None, *, write: bool) -> None:
    """Print the JSON Schema of a KIND of file: matrix, workload, server or machines.

    Editors complete and check by it what they open. `bench init` writes the schemas into
    .bench/schema and names them in the first line of each file, with a relative path, so that
    no network is asked: commit them. After another version of bench was installed, --write
    renews them. That of machines is of your own machines.yaml, which belongs to no project.

    \b
    bench schema matrix > matrix.json
    bench schema --write
    """
    if (kind is None) != write:
        raise UsageError(
            "expected either a kind of file or --write",
            advice="bench schema matrix prints one, bench schema --write writes them",
        )
    if kind is None:
        _write(project)
        return
    from bench.plans.schema import schema_text

    click.echo(schema_text(kind), nl=False)


def _write(folder: Path | None) -> None:
    from bench.plans.project import find_project
    from bench.plans.schema import schema_files
    from bench.store.atomic import replace_file

    root = find_project(Path.cwd(), folder).root
    for place, text in schema_files().items():
        try:
            replace_file(root / place, text.encode())
        except OSError as error:
            raise StoreError(
                f"{root / place} cannot be written: {error.strerror}",
                advice="see that the folder is yours and no file is in its place",
            ) from None
        click.echo(f"wrote {place}")
