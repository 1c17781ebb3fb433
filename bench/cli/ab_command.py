"""`bench ab`: is my branch faster than main, by how much, and where."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bench.cli.common import (
    CONNECTIONS,
    emit_json,
    machines_option,
    names,
    parsed,
    project_option,
    seconds,
    some_seconds,
)
from bench.errors import BenchError, GateMetError, TerminatedError, UsageError
from bench.model.metric_names import METRICS
from bench.units import format_eta, parse_percent

if TYPE_CHECKING:
    from bench.model.summary import RunView
    from bench.plans.ab import Contest, Duration
    from bench.plans.arms import ArmOptions
    from bench.run.start import Result
    from bench.trial.remote.lab import Lab

_DETECT_LEAST: Final = 0.001


@click.command()
@click.argument("servers", nargs=-1, required=True, metavar="SERVER...")
@click.option("--ref", "refs", multiple=True, help="A branch, tag or commit; once per arm.")
@click.option("--worktree", is_flag=True, help="Also what lies there uncommitted.")
@click.option(
    "--with",
    "dependencies",
    multiple=True,
    metavar="NAME==VERSION",
    help="Another version of a dependency; once per arm.",
)
@click.option(
    "--releases",
    type=click.IntRange(2),
    default=None,
    metavar="N",
    help="The N newest releases, oldest first: tags of the source, or versions of --with NAME.",
)
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="A setting; once per arm.")
@click.option(
    "--design",
    type=click.Choice(["duet", "blocks"]),
    default="duet",
    show_default=True,
    help="At the same time, or one after the other.",
)
@click.option(
    "--detect",
    default="2%",
    show_default=True,
    metavar="PERCENT",
    help="The difference that matters: go on until it could be seen.",
)
@click.option(
    "--max-time",
    default="5m",
    show_default=True,
    help="Begin no round that would end later; builds not counted, 3 rounds in any case.",
)
@click.option("--workloads", help="Only these, separated by commas (default: the server's).")
@click.option(
    "--connections",
    type=CONNECTIONS,
    default=50,
    show_default=True,
    help="Open connections to each server.",
)
@click.option("--duration", default="2s", show_default=True, help="Window of each trial.")
@click.option("--warmup", default="1s", show_default=True, help="Warm-up of each trial.")
@click.option(
    "--fail-on",
    type=click.Choice(["slower"]),
    help="Exit 4 when an arm is slower beyond the margin.",
)
@click.option(
    "--metric",
    type=click.Choice(METRICS),
    default="requests_per_cpu_second",
    show_default=True,
    help="What --fail-on looks at.",
)
@machines_option
@click.option("--allow-concurrent", is_flag=True, help="Go on beside another run; marks both.")
@click.option("--json", "as_json", is_flag=True, help="Print the object of `report --as json`.")
@click.option("--markdown", is_flag=True, help="Print Markdown for a pull-request comment.")
@project_option
def command(servers: tuple[str, ...], project: Path | None, **options: Any) -> int:
    """Compare arms: two or more versions of one SERVER, or several servers.

    The first arm is the baseline. Each arm runs at the same time and on the same CPUs as the
    baseline, in fresh processes each time, so that whatever disturbs this machine disturbs both;
    a copy of the baseline against itself gives the noise floor. Git refs are checked out and
    built outside your tree; a ref without the server gets its folder from the working tree. An
    unchanged arm is never built again. One --ref alone is compared with what lies uncommitted.

    \b
    bench ab mine --ref main --ref my-branch
    bench ab mine --ref main --worktree --detect 1%
    bench ab spikard --with spikard==0.17.1 --with spikard==0.17.2
    bench ab mine --releases 2
    bench ab mine --with fastify --releases 5
    bench ab mine --env THREADS=1 --env THREADS=2
    bench ab axum fastapi --fail-on slower --markdown
    bench ab mine --ref main --machines lab

    \b
    Exit codes: 0 compared (no significant difference included), 1 an arm could not be built or
    measured, 2 usage, 4 --fail-on is met.
    """
    from bench.plans.ab import plan_ab
    from bench.plans.project import find_project
    from bench.run.whereabouts import opened, weigh

    asked, effort = _asked(servers, options), _effort(options)
    with opened(options["machines"]) as lab:
        weigh(lab)
        contest = plan_ab(find_project(Path.cwd(), project), asked, effort, lab)
        for note in contest.notes:
            click.echo(f"note: {note}", err=True)
        click.echo(_announcement(contest), err=True)
        again = "bench run --resume latest" + (f" --project {project}" if project else "")
        again += f" --machines {options['machines']}" if lab else ""
        how = options["allow_concurrent"]
        result = measure(contest, allow_concurrent=how, again=again, lab=lab)
    _print(result.view, options)
    click.echo(os.path.relpath(result.directory.path), err=True)
    _check_compared(result.view)
    if options["fail_on"]:
        _gate(result, options["metric"])
    return result.exit_code


def _asked(servers: tuple[str, ...], options: dict[str, Any]) -> ArmOptions:
    from bench.plans.arms import ArmOptions

    return ArmOptions(
        servers,
        options["refs"],
        options["worktree"],
        options["dependencies"],
        options["env"],
        options["releases"] or 0,
    )


def _effort(options: dict[str, Any]) -> Duration:
    from bench.plans.ab import Duration

    detect = parsed("--detect", options["detect"], parse_percent)
    if not _DETECT_LEAST <= detect < 1:
        raise UsageError("--detect: expected a percentage from 0.1% to below 100%")
    max_time_s = some_seconds("--max-time", options["max_time"])
    some_seconds("--duration", options["duration"])
    seconds("--warmup", options["warmup"])
    return Duration(
        design=options["design"],
        detect=detect,
        max_time_s=max_time_s,
        workloads=names("--workloads", options["workloads"]),
        connections=options["connections"],
        duration=options["duration"],
        warmup=options["warmup"],
    )


def _announcement(contest: Contest) -> str:
    """What is going to happen, before it does."""
    from bench.reports.wording.verdict_words import percent

    plan = contest.planned.plan
    arms = ", ".join(arm.name for arm in plan.arms)
    trials = sum(trial.round == 1 and trial.cell in plan.cells for trial in plan.trials)
    most = format_eta(plan.max_time_s) if plan.max_time_s else f"{plan.max_rounds} rounds"
    return (
        f"{arms}: rounds of {trials} trials until differences are known to "
        f"+-{percent(plan.margin)}, {most} at most"
    )


def measure(
    contest: Contest,
    *,
    allow_concurrent: bool = False,
    again: str = "bench run --resume latest",
    lab: Lab | None = None,
) -> Result:
    """Run a comparison and show how it goes on."""
    from bench.cli.progress import watch
    from bench.run.start import Options, start_run

    progress = watch(contest.planned.plan)
    how = Options(allow_concurrent=allow_concurrent, argv=tuple(sys.argv[1:]), whole=True)
    how = how._replace(lab=lab)
    try:
        return start_run(contest.project, contest.planned, progress, how)
    except (KeyboardInterrupt, TerminatedError):
        progress.interrupted(again)
        raise
    finally:
        progress.close()


def _print(view: RunView, options: dict[str, Any]) -> None:
    from bench.reports import ab_answer, choice_answer
    from bench.reports.wording.in_words import summary_in_words

    if options["as_json"]:
        emit_json(summary_in_words(view.summary))
    elif view.plan.is_choice and not options["markdown"]:
        click.echo(choice_answer.text(view), nl=False)
    else:
        render = ab_answer.markdown if options["markdown"] else ab_answer.text
        click.echo(render(view), nl=False)


def _check_compared(view: RunView) -> None:
    """An answer needs the baseline and one arm besides it.

    Raises:
        BenchError: they were skipped, such as for a missing toolchain; exit code 1.
    """
    lost = {one.server: one.reason for one in view.plan.skipped}
    arms = [cell.server for cell in view.summary.cells if cell.server not in lost]
    # Without a candidate the copies are what was asked for, unless an arm beside them was lost.
    others = set(arms) - {view.plan.baseline, *(view.plan.copies if lost else ())}
    if view.plan.baseline in arms and others:
        return
    reasons = "; ".join(f"{name}: {reason.splitlines()[0]}" for name, reason in lost.items())
    raise BenchError(f"nothing was compared ({reasons or 'no arm could be measured'})")


def _gate(result: Result, metric: str) -> None:
    """Turn the result into an exit code; an arm that could not be measured comes first.

    A copy of the baseline is not a candidate: what it differs by is noise.
    """
    view = result.view
    if result.exit_code:
        raise BenchError("not everything could be measured: the gate says nothing")
    rows = [row for row in view.summary.comparisons if row.metric == metric]
    if not rows:
        from bench.loadtools import ranked

        tool = ranked("open")[0]
        raise UsageError(
            f"nothing here is compared by {metric}",
            advice=f"response times need {tool}: `bench setup --tool {tool}`",
        )
    from bench.reports.ab_answer import within_noise

    floor = view.summary.noise_floor or 0.0
    judged = [
        row
        for row in rows
        if row.server not in view.plan.copies and not within_noise(row.verdict, floor)
    ]
    few = [r for r in rows if r.verdict.low is None and r.server not in view.plan.copies]
    met = [r for r in judged if r.verdict.word in ("slower", "more") and r.verdict.beyond_margin]
    if met:
        from bench.reports.wording.verdict_words import verdict_text

        said = verdict_text(met[0].verdict)
        raise GateMetError(f"{met[0].workload}, {met[0].profile}: {said}")
    if few:
        first = f"{few[0].server}, {few[0].workload}, {few[0].profile}"
        raise BenchError(f"the gate cannot tell {first}: {few[0].verdict.word}")
