"""`bench doctor --noise` and `--ceiling`: short runs that tell what this setup can see."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common import emit_json

if TYPE_CHECKING:
    from bench.plans.matrix_plan import Planned
    from bench.reports.blocks import Block
    from bench.run.start import Result


def noise(server: str, project: Path | None, *, as_json: bool) -> int:
    """Run two copies of a server against each other and say by how much they differ."""
    from bench.plans.doctor_plans import plan_noise
    from bench.plans.project import find_project
    from bench.reports import host_answer
    from bench.reports.wording.in_words import summary_in_words

    found = find_project(Path.cwd(), project)
    result = _run(project, plan_noise(found, server))
    if as_json:
        emit_json(summary_in_words(result.view.summary))
        return result.exit_code
    summary = summary_in_words(result.view.summary)
    _tell(host_answer.noise(summary, result.view.plan.rounds))
    return result.exit_code


def ceiling(project: Path | None, *, as_json: bool) -> int:
    """Say what the load tool reaches against a server that does almost nothing."""
    from bench.plans.doctor_plans import plan_ceiling
    from bench.plans.project import find_project
    from bench.reports import host_answer
    from bench.reports.wording.in_words import summary_in_words

    result = _run(project, plan_ceiling(find_project(Path.cwd(), project)))
    if as_json:
        emit_json(summary_in_words(result.view.summary))
        return result.exit_code
    _tell((host_answer.ceiling(result.view),))
    return result.exit_code


def _run(project: Path | None, planned: Planned) -> Result:
    from bench.cli.progress import watch
    from bench.plans.project import find_project
    from bench.run.start import Options, start_run

    progress = watch(planned.plan)
    try:
        result = start_run(find_project(Path.cwd(), project), planned, progress, Options())
    finally:
        progress.close()
    click.echo(os.path.relpath(result.directory.path), err=True)
    return result


def _tell(blocks: tuple[Block, ...]) -> None:
    from bench.cli.common import emphasized
    from bench.reports.terminal import terminal_blocks

    click.echo(terminal_blocks(blocks, emphasized), nl=False)
