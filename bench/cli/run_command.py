"""`bench run`: measure what a matrix says and write the report."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common import (
    check_served,
    emit_json,
    machines_option,
    project_option,
)
from bench.cli.matrix_options import matrix_options, overrides_of, show
from bench.errors import TerminatedError, UsageError

if TYPE_CHECKING:
    from bench.model.summary import RunView
    from bench.plans.matrix_plan import Planned
    from bench.plans.project import Project
    from bench.run.events import Listener
    from bench.run.start import Result

_OVERRIDES = (
    "servers",
    "workloads",
    "profiles",
    "rounds",
    "duration",
    "warmup",
    "connections",
    "seed",
    "max_time",
)


@click.command()
@click.argument("matrix", required=False)
@matrix_options
@click.option("--resume", metavar="RUN", help="Go on with a run that did not finish.")
@click.option("--force-resume", is_flag=True, help="Resume although something changed.")
@machines_option
@click.option("--strict", is_flag=True, help="Refuse a machine that is unfit for measuring.")
@click.option("--allow-concurrent", is_flag=True, help="Go on beside another run; marks both.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop (as `bench plan`).")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
@click.option(
    "--publish",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the report that can be committed, with charts/ beside it.",
)
@click.option(
    "--profile",
    is_flag=True,
    help="Then profile the servers, so that the report says where the time goes.",
)
@project_option
def command(matrix: str | None, project: Path | None, **options: Any) -> int:
    """Measure what MATRIX says and write the report.

    MATRIX is a name in configs/ or a path. Each round holds every server x workload x
    profile once, in random order, each time with a fresh server. Finished trials are kept
    whatever happens; `--resume latest` goes on. With --machines server and load run on
    machines of their own (`bench machines --help`).

    Every server is built and asked once before anything is measured (not with --machines): what
    answers wrongly is reported at once and not measured.

    Results go to stdout, progress to stderr; the last line of stderr is the run directory, or
    the cause where a server could not be built or answered wrongly.

    \b
    bench run quick
    bench run json-small --servers axum,fastapi --rounds 10
    bench run --resume latest
    bench run json-small --machines lab
    """
    from bench.plans.project import find_project
    from bench.run.whereabouts import opened, weigh

    if options["machines"] and options["profile"]:
        raise UsageError(
            "--profile adds what servers do on this machine to a run: not with --machines",
            advice="`bench profile SERVER WORKLOAD --machines NAME` profiles on theirs",
        )
    found = _resumable(find_project(Path.cwd(), project), options["resume"])
    with opened(options["machines"]) as lab:
        options["lab"] = lab
        if not options["resume"]:
            weigh(lab)
        planned = _planned(found, matrix, options)
        if options["dry_run"]:
            show(planned.plan, as_json=options["as_json"])
            return 0
        return _run(found, planned, options)


def _resumable(project: Project, run: str | None) -> Project:
    """The project, with the arms that a run of `bench ab` had made for itself."""
    from bench.plans.ab import with_arms
    from bench.store.runs import find_run

    return with_arms(project, find_run(run, project.root / "reports")) if run else project


def _planned(project: Project, matrix: str | None, options: dict[str, Any]) -> Planned:
    from bench.plans.matrix_plan import plan_matrix
    from bench.run.resume import planned_again
    from bench.store.runs import find_run

    if options["resume"]:
        given = [f"--{name.replace('_', '-')}" for name in _OVERRIDES if options[name] is not None]
        if given:
            raise UsageError(
                f"--resume goes on with the run's own plan; {', '.join(given)} cannot change it",
                advice="start a new run",
            )
        directory = find_run(options["resume"], project.root / "reports")
        return planned_again(project, directory, matrix)
    if not matrix:
        names = ", ".join(sorted(project.matrices))
        raise UsageError("which matrix?", advice=f"there are: {names}")
    return plan_matrix(project, matrix, overrides_of(options), options["lab"])


def _run(project: Project, planned: Planned, options: dict[str, Any]) -> int:
    from bench.cli.progress import watch
    from bench.store.named import check_named

    if options["publish"]:  # said before hours of measuring, not after them
        check_named(options["publish"], ["charts/throughput.svg"])
    progress = watch(planned.plan)
    try:
        result = _measure(project, planned, progress, options)
    except (KeyboardInterrupt, TerminatedError):
        progress.interrupted()
        raise
    finally:
        progress.close()
    if result.finished_before:
        click.echo(f"{result.directory.path.name} is finished: nothing to go on with", err=True)
    if options["profile"]:
        result = result._replace(view=_profile(project, result.directory.path))
    if options["publish"]:
        _publish(result, options["publish"])
    _show(result, as_json=options["as_json"])
    check_served(result.view)
    return result.exit_code


def _measure(
    project: Project, planned: Planned, listener: Listener, options: dict[str, Any]
) -> Result:
    from bench.run.start import Options, resume_run, start_run

    how = Options(
        strict=options["strict"],
        allow_concurrent=options["allow_concurrent"],
        force_resume=options["force_resume"],
        argv=tuple(sys.argv[1:]),
        lab=options["lab"],
    )
    if options["resume"]:
        return resume_run(project, options["resume"], planned, listener, how)
    return start_run(project, planned, listener, how)


def _profile(project: Project, run: Path) -> RunView:
    """Add profiles to the run; what cannot be profiled here is not a failure of the run."""
    from bench.profiling.into_run import profile_into
    from bench.profiling.profile_run import ProfileOptions
    from bench.run.opening import open_run

    _, failed = profile_into(
        project, run, ProfileOptions(), lambda text: click.echo(f"{text} ...", err=True)
    )
    for reason in failed:
        click.echo(f"not profiled: {reason}", err=True)
    return open_run(run)


def _publish(result: Result, file: Path) -> None:
    from bench.run.start import publish

    publish(result.view, file)
    click.echo(f"wrote {file}", err=True)


def _show(result: Result, *, as_json: bool) -> None:
    from bench.reports.wording.in_words import summary_in_words
    from bench.run.opening import render

    if as_json:
        emit_json(summary_in_words(result.view.summary))
    else:
        ((_, text),) = render(result.view, ["terminal"]).items()
        click.echo(text.decode(), nl=False)
    click.echo(os.path.relpath(result.directory.path), err=True)
