"""`bench plan`: show what a run would do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common import emit_json, json_option, project_option
from bench.cli.run_command import matrix_options, overrides_of
from bench.units import format_duration, format_eta

if TYPE_CHECKING:
    from bench.model.plan import LoadProfile, Plan


@click.command()
@click.argument("matrix")
@matrix_options
@json_option
@project_option
def command(matrix: str, project: Path | None, *, as_json: bool, **options: Any) -> None:
    """Show what a run of MATRIX would do: cells, order, CPU split, estimated time.

    Nothing is built, started or written. The order is that of the seed: give --seed to see
    the order of a run that will be started with the same seed.
    """
    from bench.matrix import find_project  # noqa: PLC0415 - late, see `bench --help`
    from bench.session import plan_matrix  # noqa: PLC0415 - late, see `bench --help`

    found = find_project(Path.cwd(), project)
    planned = plan_matrix(found, matrix, overrides_of(options))
    show(planned.plan, as_json=as_json)
    if not as_json:
        _show_expected(planned.plan, found.root / "reports")


def show(plan: Plan, *, as_json: bool) -> None:
    """Print a plan."""
    if as_json:
        emit_json(plan)
        return
    echo = click.echo
    echo(f"{plan.title} ({plan.matrix})")
    echo(f"  servers    {', '.join(arm.name for arm in plan.arms)} (baseline {plan.baseline})")
    echo(f"  workloads  {', '.join(plan.workloads)}")
    for profile in plan.profiles:
        echo(f"  profile    {profile.id}: {_profile(profile)}")
    cpus = plan.cpus
    echo(
        f"  CPUs       server {_list(cpus.server) or cpus.server_count}, "
        f"load {_list(cpus.load) or cpus.load_count}, rest {_list(cpus.housekeeping) or '-'}; "
        f"{cpus.pinning.state} ({cpus.pinning.reason})"
    )
    for code, text in cpus.notes:
        echo(f"             {code}: {text}")
    for skipped in plan.skipped:
        echo(f"  skipped    {skipped.server}: {skipped.reason}")
    echo(
        f"  trials     {len(plan.cells)} cells x {plan.rounds} rounds = {len(plan.trials)}, "
        f"seed {plan.seed}"
    )
    echo(f"  time       about {format_eta(plan.estimated_s)}, first builds not counted")
    echo("  order")
    for number in sorted({trial.round for trial in plan.trials}):
        names = [trial.cell.id for trial in plan.trials if trial.round == number]
        echo(f"    round {number}: {' '.join(names)}")


def _show_expected(plan: Plan, reports: Path) -> None:
    """Say how wide the intervals will probably be, from earlier runs on this host."""
    from bench.analysis import expected_width  # noqa: PLC0415 - late, see `bench --help`
    from bench.host import local_host  # noqa: PLC0415 - the same
    from bench.runs import earlier_summaries  # noqa: PLC0415 - the same

    summaries = earlier_summaries(reports)
    if not summaries:
        return
    expected = expected_width(summaries, fingerprint=local_host().fingerprint, rounds=plan.rounds)
    if expected is not None:
        click.echo(
            f"  intervals  about +-{expected.half_width:.1%} on a throughput ratio, judging by "
            f"{expected.runs} earlier run{'s' if expected.runs > 1 else ''} on this machine"
        )


def _profile(profile: LoadProfile) -> str:
    rate = ""
    if profile.rate_rps:
        rate = f" at {profile.rate_rps:g}/s"
    if profile.rate_share:
        rate = f" at {profile.rate_share:.0%} of the slowest server's capacity"
    return (
        f"{profile.tool}, {profile.loop} loop, {profile.connections} connections{rate}, "
        f"{profile.processes} process(es), warm-up {format_duration(profile.warmup_s)}, "
        f"window {format_duration(profile.duration_s)}"
    )


def _list(cpus: tuple[int, ...]) -> str:
    return ",".join(str(cpu) for cpu in cpus)
