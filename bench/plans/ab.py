"""`bench ab`: a plan that compares the arms of one server, or several servers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import UsageError, did_you_mean
from bench.loadtools import ranked
from bench.loadtools.install.find import choose
from bench.plans.arms import make_arms
from bench.plans.choosing import comes_along, hidden_server
from bench.plans.doctor_plans import PREFERRED, digest_of, plan_document
from bench.plans.duets import as_choice, with_alone
from bench.plans.lengths import trials_s
from bench.plans.server_files import load_server
from bench.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.plan import Plan
    from bench.plans.arms import ArmOptions, BuiltArms
    from bench.plans.matrix_plan import Planned
    from bench.plans.project import Project
    from bench.store.run_directory import RunDirectory
    from bench.trial.remote.lab import Lab

_ROUNDS: Final = 5
_ROUNDS_MOST: Final = 99
_ALONE_MOST: Final = 3
_ALONE_SHARE: Final = 0.1
_RATE: Final = "60%"
_OPTIONS: Final = {
    "duration": "--duration",
    "warmup": "--warmup",
    "connections": "--connections",
    "workloads": "--workloads",
    "precision": "--detect",
    "margin": "--detect",
}
"""Key of the matrix -> the option that it came from."""


class Duration(NamedTuple):
    """How, and how long.

    Attributes:
        design: duet (at the same time) or blocks (one after the other).
        detect: difference that matters, as a share: the margin, and the half-width to reach.
        max_time_s: no round begins that would end later, builds not counted.
        workloads: ids; empty = those of the server.
        paced: also at an equal offered rate, where a tool is there to offer it.
    """

    design: str = "duet"
    detect: float = 0.02
    max_time_s: float = 300.0
    workloads: tuple[str, ...] = ()
    connections: int = 50
    duration: str = "2s"
    warmup: str = "1s"
    paced: bool = True


class Contest(NamedTuple):
    """A comparison that is ready to run.

    Attributes:
        project: the user's, with the arms among its servers.
        notes: what the user should know before it starts.
    """

    project: Project
    planned: Planned
    notes: tuple[str, ...]


def plan_ab(
    project: Project, asked: ArmOptions, effort: Duration, lab: Lab | None = None
) -> Contest:
    """Make the arms and plan their comparison, on the machines of a lab where there is one.

    Raises:
        UsageError: what is asked for does not exist; says what does.
        ConfigError: a server.yaml of an arm, or a workload, is wrong.
    """
    _check_workloads(project, effort.workloads)
    made = make_arms(project, asked)
    ids = _ids(asked, made)
    foreign = comes_along(project, project.servers[asked.servers[0]])
    project = project._replace(
        servers={**project.servers, **{ids[arm.name]: arm.file for arm in made}},
        roots=(*project.roots, *(arm.root for arm in made)),
    )
    names = effort.workloads or _workloads(project, made, foreign=foreign)
    document = _document(asked, made, ids, effort, names)
    trees = {ids[arm.name]: arm.tree for arm in made if arm.tree}
    origin = asked.servers[0] if len(asked.servers) == 1 else None
    planned = _planned(project, document, trees, effort, origin, lab=lab)
    hidden = (hidden_server(project, name) for name in asked.servers)
    notes = (*(arm.note for arm in made if arm.note), *_equal(made), *filter(None, hidden))
    return Contest(project, planned, notes)


def _ids(asked: ArmOptions, made: tuple[BuiltArms, ...]) -> dict[str, str]:
    """Arm -> id of its server; arms of equal content share one, so that they count as copies."""
    if len(asked.servers) > 1:
        return {arm.name: arm.name for arm in made}
    first: dict[tuple[object, ...], str] = {}
    for arm in made:
        first.setdefault(arm.what, f"{asked.servers[0]}.{arm.name}")
    return {arm.name: first[arm.what] for arm in made}


def _check_workloads(project: Project, names: tuple[str, ...]) -> None:
    for name in names:
        if name not in project.workloads:
            advice = did_you_mean(name, project.workloads, "`bench list workloads` shows them")
            raise UsageError(f"--workloads: there is no workload {name!r}", advice=advice)


def _document(
    asked: ArmOptions,
    made: tuple[BuiltArms, ...],
    ids: dict[str, str],
    effort: Duration,
    workloads: Sequence[str],
) -> dict[str, Any]:
    names = [arm.name for arm in made]
    subject = "" if len(asked.servers) > 1 else f"{asked.servers[0]}: "
    return {
        "title": f"{subject}{' against '.join(reversed(names))}",
        "servers": [{"id": ids[arm.name], "as": arm.name, "env": arm.env} for arm in made],
        "workloads": list(workloads),
        "profiles": profiles(effort),
        "rounds": _ROUNDS,
        "precision": f"{effort.detect * 100:g}%",
        "max_rounds": _ROUNDS_MOST,
        "margin": f"{effort.detect * 100:g}%",
        "design": effort.design,
        "baseline": names[0],
    }


def profiles(effort: Duration) -> list[dict[str, Any]]:
    """A saturated closed loop, and an equal offered rate where a tool is there to offer it."""
    window = {
        "connections": effort.connections,
        "warmup": effort.warmup,
        "duration": effort.duration,
    }
    seconds = [parse_duration(text) for text in (effort.duration, effort.warmup)]
    closed = {"tool": choose("closed", seconds) or ranked("closed")[0], **window}
    paced = choose("open", seconds) if effort.paced else None
    if paced is None:
        return [closed]
    return [closed, {"tool": paced, "loop": "open", "rate": _RATE, **window}]


def _workloads(project: Project, made: tuple[BuiltArms, ...], *, foreign: bool) -> list[str]:
    """What the baseline says it serves: the user's own workloads rather than bench's.

    Args:
        project: where workloads are looked for.
        made: the arms, baseline first.
        foreign: the server comes with bench, and knows nothing of the user's workloads.
    """
    config = load_server(made[0].file)
    if config.workloads != "all":
        return config.served(())
    mine = [
        name
        for name, path in project.workloads.items()
        if project.builtin is None or not path.is_relative_to(project.builtin)
    ]
    if mine and not foreign:
        return config.served(sorted(mine))
    for name in config.served(PREFERRED):
        if name in project.workloads:
            return [name]
    raise UsageError("there is no workload", advice="`bench init` writes one")


def _planned(
    project: Project,
    document: dict[str, Any],
    trees: dict[str, str],
    effort: Duration,
    origin: str | None,
    *,
    lab: Lab | None,
) -> Planned:
    """Plan; rounds are added while an interval is too wide and the time allows it.

    Args:
        project: with the arms among its servers.
        document: the matrix.
        trees: server -> git's hash of what it was checked out from.
        effort: how long.
        origin: the server that all arms are versions of, None where they are servers.
        lab: the machines of server and load; None = this one.
    """
    name = f"ab-{digest_of((document, sorted(trees.items())))}"
    planned = plan_document(project, name, document, _OPTIONS, lab=lab)
    plan = planned.plan.replace(max_time_s=effort.max_time_s)
    if plan.design == "duet":
        several = len({arm.server.partition(".")[0] for arm in plan.arms}) > 1
        rounds = _alone_rounds(plan, effort)
        plan = as_choice(plan, _ALONE_MOST) if several else with_alone(plan, rounds)
    arms = tuple(
        arm.replace(source_hash=trees.get(arm.server), version_of=origin) for arm in plan.arms
    )
    plan = plan.replace(arms=arms)
    return planned._replace(plan=plan)


def _alone_rounds(plan: Plan, effort: Duration) -> int:
    """Rounds with servers alone: one always, three (an interval) where that is a tenth at most."""
    first = (trial for trial in plan.trials if trial.round == 1 and trial.cell not in plan.cells)
    each = trials_s(plan, first)
    return _ALONE_MOST if _ALONE_MOST * each <= _ALONE_SHARE * effort.max_time_s else 1


def _equal(made: tuple[BuiltArms, ...]) -> list[str]:
    """Arms that are the same thing under two names."""
    notes = []
    for index, arm in enumerate(made):
        original = next((one.name for one in made[:index] if one.what == arm.what), None)
        if original:
            notes.append(
                f"{original} and {arm.name} are the same content: a server is compared with itself"
            )
    return notes


def with_arms(project: Project, directory: RunDirectory) -> Project:
    """The project with the arms that a run on disk made, so that it can be resumed."""
    plan: Plan = directory.plan()
    made = {
        arm.server: Path(arm.folder, "server.yaml")
        for arm in plan.arms
        if arm.server not in project.servers and arm.url is None
    }
    there = {name: path for name, path in made.items() if path.is_file()}
    return project._replace(servers={**project.servers, **there})
