"""`bench plan`: show what a run would do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common import json_option, project_option
from bench.cli.matrix_options import matrix_options, overrides_of, show

if TYPE_CHECKING:
    from bench.model.plan import Plan


@click.command()
@click.argument("matrix")
@matrix_options
@json_option
@project_option
def command(matrix: str, project: Path | None, *, as_json: bool, **options: Any) -> None:
    """Show what a run of MATRIX would do: cells, order, CPU split, estimated time.

    Nothing is built or started, and nothing written but the folders of `variants`, which lie in
    the cache. The order is that of the seed: give --seed to see the order of a run that will be
    started with the same seed.
    """
    from bench.plans.matrix_plan import plan_matrix
    from bench.plans.project import find_project

    found = find_project(Path.cwd(), project)
    planned = plan_matrix(found, matrix, overrides_of(options))
    show(planned.plan, as_json=as_json)
    if not as_json:
        _show_expected(planned.plan, found.root / "reports")


def _show_expected(plan: Plan, reports: Path) -> None:
    """Say how wide the intervals will probably be, from earlier runs on this host."""
    from bench.analysis import expected_width
    from bench.host import local_host
    from bench.run.opening import earlier_summaries

    summaries = earlier_summaries(reports)
    if not summaries:
        return
    expected = expected_width(summaries, fingerprint=local_host().fingerprint, rounds=plan.rounds)
    if expected is not None:
        click.echo(
            f"  intervals  about +-{expected.half_width:.1%} on a throughput ratio, judging by "
            f"{expected.runs} earlier run{'s' if expected.runs > 1 else ''} on this machine"
        )
