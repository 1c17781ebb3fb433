"""`bench capacity`: the highest rate at which a server keeps a promise."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common import (
    CONNECTIONS,
    SEED,
    check_served,
    emit_json,
    machines_option,
    project_option,
    seconds,
    some_seconds,
)
from bench.errors import EXIT_FAILED, TerminatedError, UsageError

if TYPE_CHECKING:
    from bench.model.summary import RunView
    from bench.plans.matrix_plan import Planned
    from bench.plans.project import Project
    from bench.run.start import Result
    from bench.trial.remote.lab import Lab

_OWN = ("matrix", "promise", "tolerance", "max_time", "connections", "duration", "warmup", "seed")


@click.command()
@click.argument("names", nargs=-1, metavar="SERVER... WORKLOAD")
@click.option("--promise", metavar="PROMISE", help='What must hold, such as "p99<10ms".')
@click.option("--tolerance", metavar="PERCENT", help="How finely is searched.  [default: 5%]")
@click.option(
    "--max-time",
    metavar="DURATION",
    help="For each server and workload, builds not counted; then what is known is printed, as not "
    "confirmed.  [default: 5m]",
)
@click.option("--matrix", metavar="NAME", help="Servers and workloads of that matrix instead.")
@click.option("--connections", type=CONNECTIONS, help="Open connections.  [default: 64]")
@click.option(
    "--duration",
    metavar="DURATION",
    help="Window of a whole trial; a short one is a third of it.  [default: 6s]",
)
@click.option("--warmup", metavar="DURATION", help="Warm-up of each trial.  [default: 1s]")
@click.option("--seed", type=SEED, help="Content of random requests, arrivals.")
@click.option("--resume", metavar="RUN", help="Go on with a search that did not finish.")
@machines_option
@click.option("--strict", is_flag=True, help="Refuse a machine that is unfit for measuring.")
@click.option("--allow-concurrent", is_flag=True, help="Go on beside another run; marks both.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@project_option
def command(names: tuple[str, ...], project: Path | None, **options: Any) -> int:
    """Find the highest offered rate at which SERVER keeps a promise under WORKLOAD.

    A promise is MEASURE<LIMIT: p50, p90, p95, p99, p99.9, mean or max of the response times,
    counted from the moment each request was due, below 500us, 10ms, 2s. A rate that the server
    does not keep up with keeps no promise.

    The rate doubles until the promise fails, then the gap is halved, by short trials with a fresh
    server each; those that are close or fail are repeated. The answer is confirmed by whole
    trials, three at each rate: one at which it holds, and one at most a tenth above at which it
    fails. Where the load tool is the limit, the answer is "at least".

    Several servers are searched side by side, a trial of each after the other. Finished trials
    are kept whatever happens; the run directory has the curve in report.html.

    \b
    bench capacity axum json-small --promise "p99<10ms"
    bench capacity axum fastapi json-small --promise "mean<2ms" --tolerance 2%
    bench capacity --matrix json-small --promise "p99<10ms" --max-time 3m
    bench capacity axum json-small --promise "p99<10ms" --machines lab
    bench capacity --resume latest

    \b
    Exit codes: 0 an answer (also "at least", and "no rate keeps it"), 1 a server could not be
    built or measured, 2 usage.
    """
    from bench.plans.project import find_project
    from bench.run.whereabouts import opened, weigh

    found = find_project(Path.cwd(), project)
    with opened(options["machines"]) as lab:
        if not options["resume"]:
            weigh(lab)
        planned = _planned(found, names, options, lab)
        result = _search(found, planned, options, project, lab=lab)
    if result.finished_before:
        click.echo(f"{result.directory.path.name} is finished: nothing to go on with", err=True)
    show_capacities(result.view, as_json=options["as_json"])
    click.echo(os.path.relpath(result.directory.path), err=True)
    check_served(result.view)
    answered = bool(result.view.capacities) or result.exit_code
    return result.exit_code if answered else EXIT_FAILED


def _planned(
    project: Project, names: tuple[str, ...], options: dict[str, Any], lab: Lab | None
) -> Planned:
    from bench.run.resume import planned_again
    from bench.store.runs import find_run

    if options["resume"]:
        given = [f"--{name.replace('_', '-')}" for name in _OWN if options[name] is not None]
        if names or given:
            raise UsageError(
                f"--resume goes on with the run's own plan; {', '.join([*names, *given])} cannot "
                "change it",
                advice="start a new search",
            )
        directory = find_run(options["resume"], project.root / "reports")
        planned = planned_again(project, directory, None)
        if planned.plan.search is None:
            raise UsageError(
                f"{directory.path.name} is not a search for a rate",
                advice=f"`bench run --resume {directory.path.name}` goes on with it",
            )
        return planned
    return _new(project, names, options, lab)


def _new(
    project: Project, names: tuple[str, ...], options: dict[str, Any], lab: Lab | None
) -> Planned:
    from bench.plans.capacity_plan import CapacityAsked, plan_capacity

    if options["promise"] is None:
        raise UsageError("what must hold?", advice='such as --promise "p99<10ms"')
    given = {
        name: options[name]
        for name in ("tolerance", "connections", "duration", "warmup", "seed")
        if options[name] is not None
    }
    if "duration" in given:
        some_seconds("--duration", options["duration"])
    if "warmup" in given:
        seconds("--warmup", options["warmup"])
    if options["max_time"] is not None:
        given["max_time_s"] = some_seconds("--max-time", options["max_time"])
    asked = CapacityAsked(names, options["matrix"], options["promise"], **given)
    return plan_capacity(project, asked, lab)


def _search(
    project: Project,
    planned: Planned,
    options: dict[str, Any],
    where: Path | None,
    *,
    lab: Lab | None,
) -> Result:
    from bench.cli.progress import Progress
    from bench.run.start import Options, resume_run, start_run

    progress = Progress(planned.plan)
    again = "bench capacity --resume latest" + (f" --project {where}" if where else "")
    again += f" --machines {options['machines']}" if lab else ""
    how = Options(
        strict=options["strict"],
        allow_concurrent=options["allow_concurrent"],
        argv=tuple(sys.argv[1:]),
        lab=lab,
    )
    try:
        if options["resume"]:
            return resume_run(project, options["resume"], planned, progress, how)
        return start_run(project, planned, progress, how)
    except (KeyboardInterrupt, TerminatedError):
        progress.interrupted(again)
        raise
    finally:
        progress.close()


def show_capacities(view: RunView, *, as_json: bool) -> None:
    """Print what a search found: one object for one server and workload, else a list of them."""
    from bench.reports.capacity_answer import text
    from bench.reports.wording.capacity_words import capacity_in_words

    if not as_json:
        click.echo(text(view), nl=False)
        return
    found = [capacity_in_words(one) for one in view.capacities]
    if len(found) == 1:
        emit_json(found[0])
    else:
        emit_json({"searches": [one.model_dump(mode="json") for one in found]})
