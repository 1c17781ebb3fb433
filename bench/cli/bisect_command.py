"""`bench bisect`: since which commit does a server cost more."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bench.cli.common import (
    CONNECTIONS,
    emit_json,
    json_option,
    parsed,
    printable,
    project_option,
    seconds,
    some_seconds,
)
from bench.errors import EXIT_FAILED, EXIT_OK, TerminatedError, UsageError
from bench.units import format_eta, parse_percent

if TYPE_CHECKING:
    from bench.model.bisect import BisectAsked
    from bench.plans.bisect_plan import Searched
    from bench.plans.project import Project
    from bench.run.bisecting import BisectParts
    from bench.stats.bisection import BisectEnd, BisectProgress
    from bench.stats.suspects import CommitGraph
    from bench.store.bisect_files import BisectFolder

_DEFAULTS: Final[dict[str, Any]] = {
    "detect": "5%",
    "max_time": "30m",
    "connections": 50,
    "duration": "2s",
    "warmup": "1s",
}
_LEAST: Final = 0.005


@click.command()
@click.argument("server", required=False, metavar="SERVER")
@click.option("--good", metavar="REF", help="A branch, tag or commit that costs less.")
@click.option("--bad", metavar="REF", help="A later one that costs more.")
@click.option(
    "--with",
    "dependency",
    metavar="NAME",
    help="Search published versions of a dependency: --good and --bad are two of them.",
)
@click.option("--workload", metavar="W", help="What is asked (default: the only one it serves).")
@click.option(
    "--detect", metavar="PERCENT", help="The least difference that matters.  [default: 5%]"
)
@click.option(
    "--max-time",
    metavar="DURATION",
    help="For all measuring, builds not counted; then the range that is proven is named.  "
    "[default: 30m]",
)
@click.option("--connections", type=CONNECTIONS, help="Open connections to each.  [default: 50]")
@click.option("--duration", metavar="DURATION", help="Window of each trial.  [default: 2s]")
@click.option("--warmup", metavar="DURATION", help="Warm-up of each trial.  [default: 1s]")
@click.option(
    "--resume",
    metavar="NAME",
    help="Go on with a bisect (latest, or its folder); --max-time may be longer.",
)
@click.option("--allow-concurrent", is_flag=True, help="Go on beside another run.")
@json_option
@project_option
def command(server: str | None, project: Path | None, **options: Any) -> int:
    """Find the first commit since which a request to SERVER costs more CPU time.

    First bad is held against good: where it does not cost more, the search ends and says by how
    much it could. Then those between them are searched by the probability of each, merges included.
    Each is measured at the same time and on the same CPUs as good and as bad, until it is known
    which of them it costs as much as; so it needs no quiet machine. One that does not build, or
    answers wrongly, is passed over for a neighbor and named. Equal content is measured once.
    At last the culprit is held against its parent, by new measurements that must prove it (99 %)
    and give the ratio of the answer.

    Commits are checked out beside your tree, which is not touched, and built once. With --with
    the versions that the registry has are searched in the same way, each in a copy of the server.
    Finished steps are kept: after Ctrl-C, or with a longer --max-time, --resume goes on.

    \b
    bench bisect mine --good v1.4 --bad main --workload json-small
    bench bisect mine --good main~40 --bad HEAD --detect 2% --max-time 1h
    bench bisect spikard --with spikard --good 0.16.0 --bad 0.17.2
    bench bisect --resume latest --max-time 2h

    \b
    Exit codes: 0 found, 1 not decided (the shortest range left is named) or no difference,
    2 usage.
    """
    from bench.plans.bisect_plan import searched_again
    from bench.plans.project import find_project

    found = find_project(Path.cwd(), project)
    if options["resume"]:
        folder, asked = _kept(found, server, options)
        world = searched_again(found, asked)
    else:
        asked, world = _new(found, server, options)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-bisect-{asked.bad[:6]}"
        folder = _folder(found, name, asked)
    again = "bench bisect --resume latest" + (f" --project {project}" if project else "")
    parts = _parts(found, asked, folder, options)
    end = _search(parts, world.graph, again)
    _print(end, asked, world, as_json=options["as_json"])
    click.echo(os.path.relpath(folder.path), err=True)
    return EXIT_OK if end.culprit else EXIT_FAILED


def _folder(project: Project, name: str, asked: BisectAsked) -> BisectFolder:
    from bench.store.bisect_files import BisectFolder

    return BisectFolder.create(project.root / "reports", name, asked)


def _kept(
    project: Project, server: str | None, options: dict[str, Any]
) -> tuple[BisectFolder, BisectAsked]:
    """A bisect on disk; only its time may be changed."""
    from bench.store.bisect_files import BisectFolder

    names = (
        "good",
        "bad",
        "dependency",
        "workload",
        *(name for name in _DEFAULTS if name != "max_time"),
    )
    given = [
        "--with" if name == "dependency" else f"--{name}"
        for name in names
        if options[name] is not None
    ]
    if server or given:
        raise UsageError(
            f"--resume goes on as it began; {', '.join([*([server] if server else []), *given])} "
            "cannot change it",
            advice="only --max-time can; or start a new one",
        )
    folder = BisectFolder.find(options["resume"], project.root / "reports")
    asked = folder.asked()
    if options["max_time"] is not None:
        asked = asked.replace(max_time_s=some_seconds("--max-time", options["max_time"]))
    return folder, asked


def _new(
    project: Project, server: str | None, options: dict[str, Any]
) -> tuple[BisectAsked, Searched]:
    from bench.model.bisect import BisectAsked
    from bench.plans.bisect_plan import searched, workload_of

    if not server or not options["good"] or not options["bad"]:
        raise UsageError(
            "a bisect needs SERVER, --good REF and --bad REF", advice="see bench bisect --help"
        )
    given = {name: options[name] or default for name, default in _DEFAULTS.items()}
    detect = parsed("--detect", given["detect"], parse_percent)
    if not _LEAST <= detect < 1:
        raise UsageError("--detect: expected a percentage from 0.5% to below 100%")
    some_seconds("--duration", given["duration"])
    seconds("--warmup", given["warmup"])
    max_time_s = some_seconds("--max-time", given["max_time"])
    dependency = options["dependency"]
    world = searched(project, server, options["good"], options["bad"], dependency)
    graph = world.graph
    asked = BisectAsked(
        server=server,
        good=graph.good,
        bad=graph.bad,
        named=(options["good"], options["bad"]),
        workload=workload_of(project, server, options["workload"]),
        detect=detect,
        max_time_s=max_time_s,
        connections=given["connections"],
        duration=given["duration"],
        warmup=given["warmup"],
        dependency=dependency or "",
        versions=(graph.good, *graph.order) if dependency else (),
    )
    return asked, world


def _parts(
    project: Project, asked: BisectAsked, folder: BisectFolder, options: dict[str, Any]
) -> BisectParts:
    from bench.cli.progress import StepProgress
    from bench.reports.wording.bisect_words import short_hash
    from bench.run.bisecting import BisectParts
    from bench.run.start import Options

    names = {asked.good: "good", asked.bad: "bad"}

    def began(commit: str, against: tuple[str, ...], left_s: float) -> None:
        others = " and ".join(names.get(each, short_hash(each)) for each in against)
        what = "bad" if commit == asked.bad else short_hash(commit)
        click.echo(f"{what} against {others} ({format_eta(left_s)} left)", err=True)

    how = Options(
        allow_concurrent=options["allow_concurrent"], argv=tuple(sys.argv[1:]), whole=True
    )
    return BisectParts(project, asked, folder, how, StepProgress, began)


def _search(parts: BisectParts, graph: CommitGraph, again: str) -> BisectEnd:
    from bench.reports.wording.bisect_words import progress_words
    from bench.reports.wording.phrases import count
    from bench.run.bisecting import BisectMeasuring
    from bench.stats.bisection import Bisection

    asked = parts.asked
    steps, what = len(graph.order), _what(asked)
    click.echo(
        f"{asked.named[0]}..{asked.named[1]}: {count(steps, what)}, "
        f"about {steps.bit_length()} steps, {format_eta(asked.max_time_s)} at most",
        err=True,
    )

    def tell(told: BisectProgress) -> None:
        text = progress_words(told, graph.good, graph.bad, search.reason(told.commit), what)
        click.echo(printable(text), err=True)

    try:
        search = Bisection(graph, BisectMeasuring(parts), asked.detect, tell)
        return search.run()
    except (KeyboardInterrupt, TerminatedError):
        click.echo(f"finished steps are kept: `{again}` goes on", err=True)
        raise


def _what(asked: BisectAsked) -> str:
    return "version" if asked.dependency else "commit"


def _print(end: BisectEnd, asked: BisectAsked, world: Searched, *, as_json: bool) -> None:
    """The answer: one line, or one object."""
    from bench.reports.bisect_answer import bisect_answer
    from bench.reports.wording.bisect_words import ending_words, reason_words, short_hash

    if as_json:
        emit_json(bisect_answer(end))
        return
    for commit, reason in end.skipped:
        click.echo(printable(f"passed over {short_hash(commit)}: {reason_words(reason)}"), err=True)
    if end.culprit:
        line = _found(end, end.culprit, asked, world)
    else:
        line = ending_words(end, asked.detect, format_eta(asked.max_time_s), _what(asked))
    click.echo(printable(line))


def _found(end: BisectEnd, culprit: str, asked: BisectAsked, world: Searched) -> str:
    from bench.reports.wording.bisect_words import culprit_words, version_words
    from bench.servers.git import change_of

    older = world.graph.parents[culprit][0]
    if world.repository is None:
        return version_words(end, asked.dependency, older)
    change = change_of(world.repository, culprit, older)
    return culprit_words(end, change.authored[:10], change.subject, change.files)
