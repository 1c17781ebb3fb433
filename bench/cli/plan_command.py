"""`bench plan`: show what a run would do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common import json_option, project_option
from bench.cli.matrix_options import matrix_options, overrides_of, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.plan import Plan
    from bench.model.summary import Summary


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
        _show_ports(planned.plan)
        _show_expected(planned.plan, found.root / "reports")


def _show_ports(plan: Plan) -> None:
    """Say where a connection per request would use up the ephemeral ports."""
    from bench.host import fresh_ports, local_host
    from bench.reports.wording.findings import text_of

    opening = [profile for profile in plan.profiles if not profile.keepalive]
    host = local_host() if opening else None
    for item in (item for profile in opening if host for item in fresh_ports(host, profile)):
        click.echo(f"  {item.code}  {text_of(item)}")


def _show_expected(plan: Plan, reports: Path) -> None:
    """Say how wide the intervals will probably be, from earlier runs on this host."""
    from bench.analysis import expected_width
    from bench.host import local_host
    from bench.run.opening import earlier_summaries

    summaries = earlier_summaries(reports)
    if not summaries:
        return
    fingerprint = local_host().fingerprint
    _show_window(plan, [each for each in summaries if each.host.fingerprint == fingerprint])
    expected = expected_width(summaries, fingerprint=fingerprint, rounds=plan.rounds)
    if expected is not None:
        click.echo(
            f"  intervals  about +-{expected.half_width:.1%} on a throughput ratio, judging by "
            f"{expected.runs} earlier run{'s' if expected.runs > 1 else ''} on this machine"
        )


def _show_window(plan: Plan, summaries: Sequence[Summary]) -> None:
    """Say which window would give the narrowest intervals for the same time (Kalibera, Jones)."""
    known = [each for each in summaries if each.window is not None]
    same = [each for each in known if each.title == plan.title] or known
    if not same or same[-1].window is None:
        return
    seen = same[-1].window
    click.echo(
        f"  window     about {seen.best_s:.2g} s would be best for the time: in "
        f"{same[-1].run_id} the rate varied by {seen.within_sd:.1%} from second to second, by "
        f"{seen.between_sd:.1%} from trial to trial, and a trial took {seen.overhead_s:.1f} s "
        f"beside its window; with {seen.window_s:g} s intervals were {seen.wider - 1:.0%} wider"
    )
