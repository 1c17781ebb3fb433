"""Test Configuration: what was measured, how long, how often, on what, by what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.reports.blocks import FactList, Section
from bench.reports.sections.hardware import hardware_blocks
from bench.reports.view import describe_duration, describe_profile, describe_size
from bench.reports.wording.machine_words import one_line
from bench.reports.wording.warm_up_words import warmed
from bench.units import format_count, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.model.plan import CpuSplit, LoadProfile
    from bench.reports.blocks import Text
    from bench.reports.view import View


def configuration(view: View) -> Section:
    """The lines of the source report, and what it did not say."""
    lines: list[tuple[str, Text]] = [
        ("Date", view.run.info.started[:10]),
        ("Workload" if len(_workloads(view)) == 1 else "Workloads", "; ".join(_workloads(view))),
        ("Duration", _durations(view, _profiles(view))),
        ("Concurrency", _concurrency(view)),
        *_method_lines(view),
        ("Hardware", one_line(view.run.host)),
    ]
    return Section("Test Configuration", (FactList(tuple(lines)), *hardware_blocks(view)))


def _profiles(view: View) -> list[LoadProfile]:
    used = dict.fromkeys(group.profile.id for group in (*view.groups, *view.curves))
    return [view.run.profiles[name] for name in used]


def _durations(view: View, profiles: list[LoadProfile]) -> str:
    """The steps of a search have many lengths: from the shortest to the longest."""
    steps = [p for p in profiles if p.own and p.rate_share is None]
    if not steps:
        return _joined(describe_duration(one, warmed(view, one)) for one in profiles)
    least, most = (pick(steps, key=lambda p: p.duration_s) for pick in (min, max))
    told = describe_duration(most, warmed(view, most))
    return f"from {format_duration(least.duration_s)} to {told}"


def _workloads(view: View) -> list[str]:
    texts: dict[str, str] = {}
    for group in (*view.groups, *view.curves):
        size = describe_size(group)
        title = view.run.plan.workload_titles.get(group.workload, group.workload)
        texts.setdefault(group.workload, f"{title} ({size})" if size else title)
    return list(texts.values())


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))


def _concurrency(view: View) -> str:
    profiles = _profiles(view)
    if not all(profile.connections for profile in profiles):
        return "not recorded"
    if len(profiles) == 1 and profiles[0].loop == "closed":
        return f"{format_count(profiles[0].connections)} concurrent connections"
    return _joined(_described(profile, profiles) for profile in profiles)


def _described(profile: LoadProfile, profiles: list[LoadProfile]) -> str:
    """The points of a load curve in one."""
    if profile.curve is None:
        return describe_profile(profile)
    rates = {p.rate_share or p.rate_rps for p in profiles if p.curve == profile.curve}
    return (
        f"{format_count(profile.connections)} connections, open loop at {len(rates)} rates "
        f"({profile.tool})"
    )


def _method_lines(view: View) -> list[tuple[str, Text]]:
    if view.run.info.imported:
        return [("Measured", "elsewhere; imported from the load tool's own output")]
    plan = view.run.plan
    rounds = max((trial.round for trial in view.run.trials), default=plan.rounds)
    noun = "round" if rounds == 1 else "rounds"
    if plan.rounds_asked and plan.rounds_asked > rounds:
        noun += f" of the {plan.rounds_asked} asked for"
    machines = len(plan.machines.machines) - 1 if plan.machines else 0
    done = f"{rounds} {noun}, each trial with a fresh server process, in random order"
    return [
        ("Rounds", f"{done} (seed {plan.seed})"),
        ("CPUs", _cpus(plan.cpus, machines)),
        ("Tools", _tools(view)),
    ]


def _cpus(split: CpuSplit, machines: int) -> str:
    if split.pinning.state == "none":
        told = (
            f"servers are asked to use {split.server_count}, load tool processes {split.load_count}"
        )
        return f"{told}; not pinned ({split.pinning.reason})"
    if machines:
        apart = f"{machines} machine" + ("s" if machines > 1 else "")
        return f"server on {_numbers(split.server)} of its machine, load tool on {apart}, pinned"
    return f"server on {_numbers(split.server)}, load tool on {_numbers(split.load)}, pinned"


def _numbers(cpus: tuple[int, ...]) -> str:
    if len(cpus) == 1:
        return f"CPU {cpus[0]}"
    if len(cpus) > 2 and cpus == tuple(range(cpus[0], cpus[-1] + 1)):  # noqa: PLR2004 - 0-1 reads no better than 0, 1
        return f"CPUs {cpus[0]} to {cpus[-1]}"
    return "CPUs " + ", ".join(map(str, cpus))


def _tools(view: View) -> str:
    used = {group.profile.tool for group in (*view.groups, *view.curves)}
    versions: dict[str, str | None] = {
        trial.load.tool: trial.load.tool_version
        for trial in view.run.trials
        if trial.load and trial.load.tool_version
    }
    versions = {**view.run.host.tools, **versions}
    names = [name for name in sorted(used) if name in versions]
    names += [name for name in sorted(view.run.host.tools) if name == "python"]
    found = [f"{name} {versions[name]}" for name in names if versions[name]]
    return ", ".join([f"bench {view.run.info.bench_version}", *found])
