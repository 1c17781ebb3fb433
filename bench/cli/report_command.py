"""`bench report`: print a run's report in one form, or renew the derived files of the run."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.common import project_option
from bench.errors import UsageError

FORMS = ("markdown", "html", "json", "csv", "terminal", "results")


@click.command(name="report")
@click.argument("run")
@click.option(
    "--as",
    "form",
    type=click.Choice(FORMS),
    default=None,
    help="Form of the report (default: terminal, or what the name after --output ends in).",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=None,
    help="Write to this file instead of stdout; charts go into charts/ beside it. - is stdout.",
)
@click.option("--json", "as_json", is_flag=True, help="Short for --as json.")
@click.option(
    "--publish",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report that can be committed to this file, with charts/ beside it.",
)
@click.option("--write", is_flag=True, help="Renew the derived files in the run directory.")
@project_option
def command(
    run: str,
    form: str | None,
    output: Path | None,
    publish: Path | None,
    project: Path | None,
    *,
    as_json: bool,
    write: bool,
) -> None:
    """Print the report of RUN: a path, a name in reports/, or latest.

    The report is a pure function of the run: the same bytes each time.

    \b
    bench report latest
    bench report latest --as markdown
    bench report latest --as html --output report.html
    bench report latest --write
    bench report latest --publish reports/RESULTS.md
    """
    from bench.plans.project import find_project
    from bench.profiling import into_run as profile_into
    from bench.store.runs import find_run

    if as_json:
        if form not in (None, "json"):
            raise UsageError(f"--json and --as {form} exclude each other")
        form = "json"
    root = project or find_project(Path.cwd()).root
    path = find_run(run, root / "reports").path
    if write:
        for name in profile_into.renew_into(path):
            click.echo(f"broken down again: {name}", err=True)
        click.echo(f"renewed in {path}", err=True)
    if publish:
        _publish(path, publish)
    if (write or publish) and form is None and output is None:
        return
    _emit(path, form or _form(output), output)


def _publish(run: Path, file: Path) -> None:
    from bench.run import opening as runs
    from bench.run.start import publish

    publish(runs.open_run(run), file)
    click.echo(f"wrote {file}", err=True)


def _form(output: Path | None) -> str:
    """The form that a file name asks for; terminal where it asks for none."""
    known = {".md": "markdown", ".html": "html", ".json": "json", ".csv": "csv"}
    return known.get(output.suffix, "terminal") if output else "terminal"


def _emit(path: Path, form: str, output: Path | None) -> None:
    from bench.run import opening as runs
    from bench.store.named import write_named

    (_, main), *beside = runs.render(runs.open_run(path), [form]).items()
    if output is None or str(output) == "-":
        click.echo(main, nl=False)
        return
    write_named(output, main, dict(beside))
