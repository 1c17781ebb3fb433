"""`bench check`: verify a run directory."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.common import emit_json, json_option, project_option
from bench.errors import EXIT_FAILED, EXIT_OK


@click.command()
@click.argument("run")
@json_option
@project_option
def command(run: str, project: Path | None, *, as_json: bool) -> int:
    """Verify RUN: its records, its raw output and its reports.

    Every record is whole, raw output has the recorded hashes, profiles are what their raw data
    give, and so are the reports in the directory.

    Exit code 1 when anything does not match; what does not is named.
    """
    from bench.plans.project import find_project
    from bench.profiling.into_run import stale
    from bench.run.opening import Mismatch, check_run
    from bench.store.runs import find_run

    directory = find_run(run, find_project(Path.cwd(), project).root / "reports")
    checked, mismatches = check_run(directory.path)
    profiles = stale(directory.path)
    mismatches += tuple(
        Mismatch(f"profiles/{name}", "its raw profile gives something else now")
        for name in profiles
    )
    if as_json:
        emit_json(
            {
                "run": directory.path.name,
                "checked": checked,
                "mismatches": [{"file": item.file, "reason": item.reason} for item in mismatches],
            }
        )
    else:
        for item in mismatches:
            click.echo(f"{item.file}: {item.reason}")
        click.echo(f"{directory.path.name}: {checked} files checked, {len(mismatches)} mismatches")
    return EXIT_FAILED if mismatches else EXIT_OK
