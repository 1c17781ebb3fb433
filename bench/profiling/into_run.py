"""Puts profiles into a run, so that its report says where the time goes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import BenchError, UsageError
from bench.model.cpu_profile import ShownProfiles
from bench.model.server_config import CEILING
from bench.profiling.conversion_run import measure_conversion, read_conversion
from bench.profiling.profile_run import profile_servers
from bench.profiling.reading import read_profiles, renew
from bench.reports.wording.findings import in_words
from bench.run.lock import holding
from bench.run.opening import CONVERSION, PROFILES, SHOWN, open_run, write_derived
from bench.store.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.model.cpu_profile import ServerProfile
    from bench.model.plan import Plan
    from bench.model.summary import RunView
    from bench.plans.project import Project
    from bench.profiling.profile_run import ProfileOptions
    from bench.profiling.report import Profiled

_WORKLOADS: Final = ("json-small", "json-large")
"""What is profiled for a run that has them: a body that costs nothing, and one that does."""
_LEFT_OUT: Final = frozenset({"perf.data"})
"""perf's own file is large, and its whole text lies beside it."""
_DERIVED: Final = (".html", ".md", ".svg", ".flame.svg", ".speedscope.json", ".folded.txt")
_SIZE_S: Final = 3.0
"""Twelve trials of each server: short windows, since the sizes spread the figures far more."""


class IntoRunOptions(NamedTuple):
    """What is profiled for a run: servers of its plan, and workloads of it."""

    servers: tuple[str, ...]
    workloads: tuple[str, ...]


def wanted(plan: Plan) -> IntoRunOptions:
    """Every server of the plan but the yardstick; json-small and json-large, else the first.

    A second arm of a server is the same program: it is profiled once.
    """
    servers = dict.fromkeys(arm.name for arm in plan.arms if arm.name == arm.server)
    chosen = tuple(name for name in _WORKLOADS if name in plan.workloads)
    return IntoRunOptions(
        tuple(name for name in servers if name != CEILING),
        chosen or tuple(plan.workloads)[:1],
    )


def profile_into(
    project: Project, run: Path, wish: ProfileOptions, told: Callable[[str], None]
) -> tuple[int, tuple[str, ...]]:
    """Profile the servers of a run and measure their conversion cost, all into that run.

    Returns:
        How many profile runs were added, and what could not be profiled, with the reasons.

    Raises:
        UsageError: it is not a run directory, or another process writes in it.
    """
    RunDirectory(run).plan()
    with holding(run):
        return _profile_into(project, run, wish, told)


def _profile_into(
    project: Project, run: Path, wish: ProfileOptions, told: Callable[[str], None]
) -> tuple[int, tuple[str, ...]]:
    """The same in a run that nobody else writes in."""
    servers, workloads = wanted(RunDirectory(run).plan())
    tasks: list[tuple[str, Callable[[], Path]]] = [
        (
            f"{server}, {workload}",
            partial(profile_servers, project, [server], workload, wish, told),
        )
        for workload in workloads
        for server in servers
    ]
    if any(name in workloads for name in _WORKLOADS):
        short = wish._replace(seconds=min(wish.seconds, _SIZE_S), rate=None)
        tasks.append(("body sizes", partial(measure_conversion, project, servers, short, told)))
    done, failed = 0, []
    for what, measure in tasks:
        try:
            _add(measure(), run)
            done += 1
        except BenchError as error:
            failed.append(f"{what}: {error}")
    write_derived(run)
    return done, tuple(failed)


def write_report(run: Path) -> RunView:
    """Renew the derived files of a run whose profiles changed.

    Raises:
        UsageError: another process writes in it.
    """
    with holding(run):
        return write_derived(run)


def add(profiled: Path, run: Path) -> Path:
    """Copy a profile run into a run; `write_report` then renews its report.

    Returns:
        The copy.

    Raises:
        UsageError: one of both is not what it should be, or another process writes in the run.
        StoreError: disk full, no permission.
    """
    open_run(run)
    with holding(run):
        return _add(profiled, run)


def _add(profiled: Path, run: Path) -> Path:
    """The same in a run that nobody else writes in."""
    is_conversion = (profiled / CONVERSION).is_file()
    if not is_conversion:
        read_profiles(profiled)
    if profiled.resolve().is_relative_to(run.resolve()):
        raise UsageError(f"{profiled} lies in that run already")
    name = f"{PROFILES}/{profiled.name}"
    directory = RunDirectory(run)
    for path in sorted(profiled.rglob("*")):
        if path.is_file() and path.name not in _LEFT_OUT and not path.name.endswith(_DERIVED):
            directory.write_bytes(f"{name}/{path.relative_to(profiled)}", path.read_bytes())
    copy = run / name
    if is_conversion:
        read_conversion(copy)
    else:
        directory.write_model(f"{name}/{SHOWN}", _shown(copy, renew(copy)))
    return copy


def stale(run: Path) -> tuple[str, ...]:
    """Names of a run's profile runs whose raw data give something else than what is shown.

    Raises:
        UsageError: a raw profile is missing or cannot be read.
    """
    directory = RunDirectory(run)
    return tuple(
        path.parent.name
        for path in sorted((run / PROFILES).glob(f"*/{SHOWN}"))
        if _seen(directory.read_model(f"{PROFILES}/{path.parent.name}/{SHOWN}", ShownProfiles))
        != _seen(_shown(path.parent, read_profiles(path.parent)))
    )


def _seen(found: ShownProfiles) -> list[ServerProfile]:
    """What a reader sees of it: earlier versions kept fewer figures behind a finding."""
    return [
        item.replace(findings=tuple(in_words(f).replace(evidence={}) for f in item.findings))
        for item in found.profiles
    ]


def renew_into(run: Path) -> tuple[str, ...]:
    """Renew the report of a run from its raw data, profiles too; names of those that changed.

    Raises:
        UsageError: a raw profile cannot be read, or another process writes in the run.
    """
    with holding(run):
        changed = _break_down(run)
        write_derived(run)
    return changed


def _break_down(run: Path) -> tuple[str, ...]:
    """Break every profile that shows something else than its raw data give."""
    changed = stale(run)
    for name in changed:
        folder = run / PROFILES / name
        RunDirectory(folder).write_model(SHOWN, _shown(folder, renew(folder)))
    return changed


def _shown(folder: Path, found: Sequence[Profiled]) -> ShownProfiles:
    name = f"{PROFILES}/{folder.name}"
    return ShownProfiles(profiles=tuple(item.shown(name) for item in found))
