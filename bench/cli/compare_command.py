"""`bench compare`: two runs against each other, with a gate for continuous integration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common import emit_json, json_option, project_option, reader_may_leave
from bench.errors import BenchError, GateMetError, UsageError
from bench.model.metric_names import METRICS
from bench.units import parse_percent

if TYPE_CHECKING:
    from bench.model.run_comparison import CompareResult


def _margin(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    try:
        margin = parse_percent(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if not 0 < margin < 1:
        raise click.BadParameter("expected a percentage between 0% and 100%")
    return margin


@click.command()
@click.argument("baseline")
@click.argument("candidate")
@click.option(
    "--fail-on",
    type=click.Choice(["slower"]),
    default=None,
    help="Exit 4 when a cell is slower beyond the margin, 1 when a cell is missing on one side "
    "or has too few rounds.",
)
@click.option(
    "--metric",
    type=click.Choice(METRICS),
    default=METRICS[0],
    show_default=True,
    help="What --fail-on looks at; p50_us and p99_us exist in open loops only.",
)
@click.option(
    "--margin",
    callback=_margin,
    default=None,
    metavar="PERCENT",
    help="What is too small to matter, such as 5% (default: that of the baseline's matrix).",
)
@click.option("--across-hosts", is_flag=True, help="Compare runs of different machines.")
@json_option
@project_option
def command(
    baseline: str,
    candidate: str,
    *,
    fail_on: str | None,
    metric: str,
    margin: float | None,
    across_hosts: bool,
    as_json: bool,
    project: Path | None,
) -> None:
    """Compare the runs BASELINE and CANDIDATE: paths, names in reports/, or latest.

    Prints Markdown that fits a pull-request comment: per cell the ratio candidate / baseline
    with its 95 % interval (unpaired), a verdict in words, and what changed in the environment.
    Runs of different machines are refused without --across-hosts.

    \b
    Exit codes: 0 compared (inconclusive included), 2 usage,
    and with --fail-on: 4 the gate is met, 1 a cell is missing or has too few rounds to tell.

    \b
    bench compare main-run latest
    bench compare main-run latest --fail-on slower --margin 5%
    bench compare main-run latest --fail-on slower --metric p99_us
    """
    from bench.analysis import compare
    from bench.plans.project import find_project
    from bench.reports.compare_answer import render
    from bench.reports.wording.in_words import comparison_in_words
    from bench.run.opening import open_run
    from bench.store.runs import find_run

    reports = find_project(Path.cwd(), project).root / "reports"
    paths = [Path(find_run(name, reports).path) for name in (baseline, candidate)]
    if paths[0].resolve() == paths[1].resolve():
        raise UsageError(
            f"{baseline} and {candidate} are the same run, {paths[0]}: a gate would always pass",
            advice="name two runs; `bench list runs` shows what is there",
        )
    before, after = (open_run(path) for path in paths)
    found = compare(before, after, margin=margin, metric=metric, across_hosts=across_hosts)
    result = comparison_in_words(found)
    with reader_may_leave():
        if as_json:
            emit_json(result)
        else:
            click.echo(render(result), nl=False)
    if fail_on is not None:
        _gate(result)


def _gate(result: CompareResult) -> None:
    """Turn the result into an exit code; a cell that is missing comes before a slower one."""
    lacking = [cell for cell in result.missing if cell.gated]
    if lacking:
        first = lacking[0]
        raise BenchError(
            f"{len(lacking)} of the cells cannot be compared, such as "
            f"{first.server}.{first.workload}.{first.profile}: {first.reason}"
        )
    if not any(row.metric == result.metric for row in result.rows):
        raise UsageError(
            f"no cell of these runs is compared by {result.metric}",
            advice="rates are compared in closed loops, latencies in open ones",
        )
    if result.gate:
        row = result.gate[0]
        raise GateMetError(
            f"{len(result.gate)} of the cells beyond the margin, such as {row.workload}, "
            f"{row.profile}: {row.verdict.text}"
        )
    few = [row for row in result.rows if row.metric == result.metric and row.verdict.low is None]
    if few:
        raise BenchError(
            f"the gate cannot tell {len(few)} of the cells, such as "
            f"{few[0].server}.{few[0].workload}.{few[0].profile}: {few[0].verdict.text}",
            advice="more rounds in both runs",
        )
