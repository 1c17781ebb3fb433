"""`bench doctor --noise` and `--ceiling`: short runs that tell what this setup can see."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common import emit_json
from bench.units import format_percent, format_rate

if TYPE_CHECKING:
    from bench.model.summary import RunView
    from bench.plans.matrix_plan import Planned
    from bench.run.start import Result


def noise(server: str, project: Path | None, *, as_json: bool) -> int:
    """Run two copies of a server against each other and say by how much they differ."""
    from bench.plans.doctor_plans import plan_noise
    from bench.plans.project import find_project
    from bench.reports.wording.in_words import summary_in_words

    found = find_project(Path.cwd(), project)
    result = _run(project, plan_noise(found, server))
    if as_json:
        emit_json(summary_in_words(result.view.summary))
        return result.exit_code
    summary = summary_in_words(result.view.summary)
    for row in summary.comparisons:
        if row.verdict.word != "baseline" and row.verdict.text:
            click.echo(f"{row.metric:<24} {row.verdict.text}")
    if summary.noise_floor is not None:
        share = format_percent(summary.noise_floor)
        click.echo(
            f"noise floor: {share} - smaller differences cannot be seen in {_rounds(result)}"
        )
    for item in summary.findings:
        if item.code in ("arms-differ", "noisy-host"):
            click.echo(click.style(f"{item.code}: {item.text}", fg="yellow"))
    return result.exit_code


def ceiling(project: Path | None, *, as_json: bool) -> int:
    """Say what the load tool reaches against a server that does almost nothing."""
    from bench.plans.doctor_plans import plan_ceiling
    from bench.plans.project import find_project
    from bench.reports.wording.in_words import summary_in_words

    result = _run(project, plan_ceiling(find_project(Path.cwd(), project)))
    if as_json:
        emit_json(summary_in_words(result.view.summary))
        return result.exit_code
    click.echo(f"{'load processes':<16} {'requests/s':>12} {'tool busy':>10}  limit")
    for cell in result.view.summary.cells:
        rate = cell.metrics.throughput_rps
        shown = format_rate(rate.value) if rate else "-"
        busy = _busy(result.view, cell.profile)
        click.echo(f"{cell.profile:<16} {shown:>12} {busy:>10}  {cell.bound}")
    return result.exit_code


def _run(project: Path | None, planned: Planned) -> Result:
    from bench.cli.progress import Progress
    from bench.plans.project import find_project
    from bench.run.start import Options, start_run

    progress = Progress(planned.plan)
    try:
        result = start_run(find_project(Path.cwd(), project), planned, progress, Options())
    finally:
        progress.close()
    click.echo(os.path.relpath(result.directory.path), err=True)
    return result


def _busy(view: RunView, profile: str) -> str:
    shares = [
        trial.resources.load_busy
        for trial in view.trials
        if trial.profile == profile and trial.usable and trial.resources.load_busy is not None
    ]
    return f"{sum(shares) / len(shares):.0%}" if shares else "-"


def _rounds(result: Result) -> str:
    return f"{result.view.plan.rounds} rounds"
