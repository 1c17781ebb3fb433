"""What `bench run` and `bench plan` share: options that change a matrix, and a plan in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bench.cli.common import emit_json, names, seconds
from bench.units import format_duration, format_eta

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model.plan import LoadProfile, Plan
    from bench.plans.overrides import Overrides


def matrix_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that change what a matrix says, for `run` and `plan`."""
    for option in reversed(
        (
            click.option(
                "--servers",
                help="These servers alone, of the matrix or the project, separated by commas.",
            ),
            click.option("--workloads", help="These workloads alone, of the project."),
            click.option("--profiles", help="Only these load profiles, by id."),
            click.option("--rounds", type=click.IntRange(1, 100), help="Number of rounds."),
            click.option("--duration", help="Window of each trial, such as 10s."),
            click.option("--warmup", help="Warm-up of each trial, such as 2s."),
            click.option("--connections", type=click.IntRange(1), help="Open connections."),
            click.option(
                "--max-time", help="Go on with rounds so long, where they are needed most."
            ),
            click.option("--seed", type=click.IntRange(0), help="Order and content of requests."),
        )
    ):
        function = option(function)
    return function


def overrides_of(options: dict[str, Any]) -> Overrides:
    """The overrides that the options of `matrix_options` ask for.

    Raises:
        UsageError: not a duration, or no name where names are expected.
    """
    from bench.plans.overrides import Overrides

    return Overrides(
        servers=names("--servers", options["servers"]),
        workloads=names("--workloads", options["workloads"]),
        profiles=names("--profiles", options["profiles"]),
        rounds=options["rounds"],
        duration_s=_seconds("--duration", options["duration"]),
        warmup_s=_seconds("--warmup", options["warmup"]),
        connections=options["connections"],
        seed=options["seed"],
        max_time_s=_seconds("--max-time", options["max_time"]),
    )


def _seconds(option: str, text: str | None) -> float | None:
    return None if text is None else seconds(option, text)


def show(plan: Plan, *, as_json: bool) -> None:
    """Print a plan."""
    from bench.plans.cost import batches, is_cost

    if as_json:
        emit_json(plan)
        return
    echo = click.echo
    echo(f"{plan.title} ({plan.matrix})")
    echo(f"  servers    {', '.join(arm.name for arm in plan.arms)} (baseline {plan.baseline})")
    echo(f"  workloads  {', '.join(plan.workloads)}")
    for profile in plan.profiles:
        told = _profile(profile, together=plan.design == "duet")
        echo(f"  profile    {profile.id}: {told}")
    if plan.cost:
        told = _profile(plan.cost.profile, together=True)
        echo(f"  cost       {plan.cost.profile.id}, each server beside the baseline: {told}")
    if plan.search:
        echo(
            f"  search     the highest rate at which {plan.search.promise} holds, "
            f"to {plan.search.tolerance:.0%}"
        )
    cpus = plan.cpus
    _machines(plan)
    echo(
        f"  CPUs       server {_list(cpus.server) or cpus.server_count}, "
        f"load {_list(cpus.load) or cpus.load_count}, rest {_list(cpus.housekeeping) or '-'}; "
        f"{cpus.pinning.state} ({cpus.pinning.reason})"
    )
    for code, text in cpus.notes:
        echo(f"             {code}: {text}")
    for skipped in plan.skipped:
        some = f" (in {', '.join(skipped.profiles)})" if skipped.profiles else ""
        echo(f"  skipped    {skipped.server}{some}: {skipped.reason}")
    if plan.search:
        echo(
            f"  trials     as many as the search of {len(plan.cells)} cells takes, seed {plan.seed}"
        )
    else:
        echo(f"  trials     {_count(plan)} = {len(plan.trials)}, seed {plan.seed}")
    most = f", at most {format_eta(plan.max_time_s)}" if plan.max_time_s else ""
    echo(f"  time       about {format_eta(plan.estimated_s)}{most}, first builds not counted")
    if plan.trials:
        echo("  order")
    for batch in batches(plan):
        what = " of the cost" if is_cost(plan, batch[0]) else ""
        echo(f"    round {batch[0].round}{what}: {' '.join(trial.cell.id for trial in batch)}")


def _machines(plan: Plan) -> None:
    for one in plan.machines.machines if plan.machines else ():
        click.echo(f"  machine    {one.name}: CPUs {_list(one.cpus)}")


def _count(plan: Plan) -> str:
    """Cells by rounds; in a plan of duets the baseline has none, and servers are alone at times."""
    if plan.design == "blocks":
        cost = len(plan.cost.cells) if plan.cost else 0
        more = f" + {cost} duets for the cost x {plan.rounds} rounds" if cost else ""
        return f"{len(plan.cells)} cells x {plan.rounds} rounds{more}"
    duets = sum(cell.server != plan.baseline for cell in plan.cells)
    alone = sum(trial.cell not in plan.cells for trial in plan.trials)
    return f"{duets} duets x {plan.rounds} rounds" + (f" + {alone} alone" if alone else "")


def _profile(profile: LoadProfile, *, together: bool) -> str:
    rate = ""
    if profile.rate_rps:
        rate = f" at {profile.rate_rps:g}/s"
    if profile.rate_share:
        slowest = "each server's own" if profile.own else "the slowest server's"
        whose = "what both reach together" if together else f"{slowest} capacity"
        rate = f" at {profile.rate_share:.0%} of {whose}"
    return (
        f"{profile.tool}, {profile.loop} loop, {profile.connections} connections{rate}, "
        f"{'' if profile.keepalive else 'a new one per request, '}"
        f"{'' if profile.protocol == 'http' else f'{profile.protocol}, '}"
        f"{'' if profile.resume else 'whole TLS handshakes, '}"
        f"{profile.processes} process(es), warm-up {format_duration(profile.warmup_s)}, "
        f"window {format_duration(profile.duration_s)}"
    )


def _list(cpus: tuple[int, ...]) -> str:
    return ",".join(str(cpu) for cpu in cpus)
