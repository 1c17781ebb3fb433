"""Combines a matrix with its servers, workloads and profiles, and finds what does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import Problem
from bench.model.config import Exclude, ServerRef, Variant
from bench.model.plan import Arm, Cell, CpuSplit, LoadProfile, RequestKind, Skipped, Workload
from bench.model.server_config import CEILING, ServerConfig
from bench.model.workload_config import Expect
from bench.plans.matrix_files import load_profile, matches
from bench.plans.overrides import (
    override_problems,
    selected_profiles,
    selected_servers,
    selected_workloads,
)
from bench.plans.protocols import lacking, left_out, unspoken
from bench.plans.server_files import read_server
from bench.plans.workload_files import read_workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.model.config import MatrixConfig
    from bench.plans.matrix_files import MatrixFile
    from bench.plans.overrides import Overrides
    from bench.plans.project import Project
    from bench.plans.yaml.document import Loc, YamlDocument

_ANY_WORKLOAD: Final = Workload(
    id="any",
    title="",
    kinds=(
        RequestKind(
            weight=1, method="GET", path="/", headers={}, bodies=(), values={}, expect=Expect()
        ),
    ),
    lua=None,
    sha256="",
)
"""Asks nothing of a load tool: what it refuses here lies in the profile alone."""

MAX_CELLS: Final = 10_000
"""More than anybody can measure; a slip of the pen would fill the memory."""


class PlanParts(NamedTuple):
    """A matrix with everything that it names.

    Attributes:
        profiles: those that are asked for, with the command line's numbers in them.
        skipped: servers that no cell is left for.
    """

    config: MatrixConfig
    arms: tuple[Arm, ...]
    workloads: dict[str, Workload]
    profiles: tuple[LoadProfile, ...]
    cells: tuple[Cell, ...]
    skipped: tuple[Skipped, ...]
    cpus: CpuSplit


class Sources:
    """Servers and workloads of a project, each read once; collects their problems."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._servers: dict[str, ServerConfig | None] = {}
        self._workloads: dict[str, Workload | None] = {}
        self.problems: list[Problem] = []

    def server(self, name: str) -> ServerConfig | None:
        """The server of that id, None where it is unknown or has problems."""
        if name not in self._servers and name in self._project.servers:
            path = self._project.servers[name]
            self._servers[name], document = read_server(
                path, self._project.root_of(path), self._project.workloads
            )
            self.problems += document.problems
        return self._servers.get(name)

    def workload(self, name: str) -> Workload | None:
        """The workload of that id, None where it is unknown or has problems."""
        if name not in self._workloads and name in self._project.workloads:
            path = self._project.workloads[name]
            self._workloads[name], document = read_workload(path, self._project.root_of(path))
            self.problems += document.problems
        return self._workloads.get(name)


def expand(
    project: Project,
    matrix: MatrixFile,
    overrides: Overrides,
    *,
    unsupported: Callable[[LoadProfile, Workload], str | None],
    cpus: CpuSplit | Callable[[MatrixConfig], CpuSplit],
    sources: Sources | None = None,
) -> tuple[PlanParts | None, list[Problem]]:
    """Combine a matrix with all that it names.

    Args:
        project: where ids are looked up.
        matrix: as it was read, with ids that were looked up in the project.
        overrides: what the command line says otherwise.
        unsupported: why a load tool cannot do a profile with a workload, or None.
        cpus: the split, or how to find it once the matrix is known to be good.
        sources: servers and workloads that were read already.

    Returns:
        The parts, or None and every problem of every file.
    """
    sources = sources or Sources(project)
    config, document = matrix.config, matrix.document
    if config is None:
        _read_named(document, sources)
        return None, document.problems + sources.problems
    wrong = list(override_problems(config, overrides, project))
    refs, names = _refs(config, overrides), selected_workloads(config, overrides)
    arms = [arm for ref in refs if (arm := _arm(project, sources, ref))]
    workloads = {name: one for name in names if (one := sources.workload(name))}
    if wrong or len(arms) < len(refs) or len(workloads) < len(names):
        return None, wrong + sources.problems
    cpus = cpus(config) if callable(cpus) else cpus
    written = selected_profiles(config, overrides)
    loads = tuple(load_profile(profile, cpus.load_count) for profile in written)
    if len(arms) * len(workloads) * len(loads) > MAX_CELLS:
        document.add((), f"more than {MAX_CELLS} cells: nobody can measure that", line=1)
        return None, document.problems
    cells = _cells(config, arms, tuple(workloads), loads)
    _check_cells(document, config, cells, (arms, loads))
    able = _by_arms(arms, cells, unsupported)
    wrong += _check_tools(matrix, overrides, loads, workloads, cells=cells, unsupported=able)
    if document.problems or wrong:
        return None, document.problems + wrong
    return _parts(config, arms, workloads, loads, cells, cpus=cpus), []


def _parts(
    config: MatrixConfig,
    arms: Sequence[Arm],
    workloads: dict[str, Workload],
    profiles: tuple[LoadProfile, ...],
    cells: tuple[Cell, ...],
    *,
    cpus: CpuSplit,
) -> PlanParts:
    """Leave out the servers and workloads that no cell is left for."""
    busy = {cell.server for cell in cells}
    used = {cell.workload for cell in cells}
    return PlanParts(
        config=config,
        arms=tuple(arm for arm in arms if arm.name in busy),
        workloads={name: workload for name, workload in workloads.items() if name in used},
        profiles=profiles,
        cells=cells,
        skipped=(
            *(_skipped(arm, config, profiles) for arm in arms if arm.name not in busy),
            *left_out([arm for arm in arms if arm.name in busy], profiles),
        ),
        cpus=cpus,
    )


def _read_named(document: YamlDocument, sources: Sources) -> None:
    """Read what a broken matrix names, so that all problems are shown at once."""
    for key, read in (
        ("servers", sources.server),
        ("variants", sources.server),
        ("workloads", sources.workload),
    ):
        listed = document.data.get(key)
        for entry in listed if isinstance(listed, list) else ():
            name = entry.get("id") if isinstance(entry, dict) else entry
            if isinstance(name, str):
                read(name)


def _refs(config: MatrixConfig, overrides: Overrides) -> tuple[ServerRef | Variant, ...]:
    refs = selected_servers(config, overrides)
    wanted = config.ceiling and not overrides.servers
    if wanted and CEILING not in {ref.arm for ref in refs}:
        return (*refs, ServerRef(id=CEILING))
    return refs


def _arm(project: Project, sources: Sources, ref: ServerRef | Variant) -> Arm | None:
    if isinstance(ref, Variant):
        # A variant that was not made yet is checked as the server that it is a variant of.
        place = ref.place if ref.place in project.servers else ref.id
        return _local(project, sources, place, ref)
    name = ref.id or ref.arm
    if ref.url is not None:
        config = ServerConfig(title=ref.url, run=["-"])
        return Arm(
            name=ref.arm,
            server=name,
            folder="",
            config=config,
            url=ref.url,
            protocol=ref.protocol,
        )
    return _local(project, sources, name, ref)


def _local(project: Project, sources: Sources, name: str, ref: ServerRef | Variant) -> Arm | None:
    server = sources.server(name)
    if server is None:
        return None
    folder = str(project.servers[name].resolve().parent)
    spoken = ref.protocol if isinstance(ref, ServerRef) else None
    return Arm(
        name=ref.arm, server=name, folder=folder, config=server, env=ref.env, protocol=spoken
    )


def _cells(
    config: MatrixConfig,
    arms: Sequence[Arm],
    workloads: Sequence[str],
    loads: Sequence[LoadProfile],
) -> tuple[Cell, ...]:
    everything = (
        Cell(server=arm.name, workload=workload, profile=load.id)
        for workload in workloads
        for load in loads
        for arm in arms
        if arm.config.serves(workload) and not lacking(arm, load)
    )
    return tuple(cell for cell in everything if not _excluded(cell, config.exclude))


def _excluded(cell: Cell, excludes: Sequence[Exclude]) -> bool:
    return any(
        matches(one.server, cell.server)
        and matches(one.workload, cell.workload)
        and matches(one.profile, cell.profile)
        for one in excludes
    )


def _check_cells(
    document: YamlDocument,
    config: MatrixConfig,
    cells: Sequence[Cell],
    parts: tuple[Sequence[Arm], Sequence[LoadProfile]],
) -> None:
    if len({cell.id for cell in cells}) < len(cells):
        message = "two cells have the same name: dots in ids make them ambiguous"
        document.add((), message, line=1)
    if cells:
        return
    arms, loads = parts
    reasons = [f"{arm.name}: {why}" for arm in arms if (why := unspoken(arm, loads))]
    if config.exclude:
        document.add(("exclude",), "nothing is left to measure: every cell is excluded")
    elif reasons:
        message = "none of the servers can take part in any of the profiles"
        document.add(("profiles",), message, "; ".join(reasons))
    else:
        message = "none of the servers can answer any of the workloads"
        document.add(("servers",), message, "see `workloads` in their server.yaml")


def _check_tools(
    matrix: MatrixFile,
    overrides: Overrides,
    loads: Sequence[LoadProfile],
    workloads: dict[str, Workload],
    *,
    cells: Sequence[Cell],
    unsupported: Callable[[LoadProfile, Workload], str | None],
) -> list[Problem]:
    """What a load tool cannot do: a problem of the matrix, or of the option that asks for it."""
    wrong: dict[str, Problem] = {}
    for index, load in zip(_selected(matrix.checked(), overrides), loads, strict=True):
        used = dict.fromkeys(cell.workload for cell in cells if cell.profile == load.id)
        asked = (_ANY_WORKLOAD, *(workloads[name] for name in used))
        reason = _refusal(load, asked, unsupported)
        if reason is None:
            continue
        option = _option(overrides)
        if option:  # whether it is to blame
            written = load_profile(matrix.checked().profiles[index], load.processes)
            option = None if _refusal(written, asked, unsupported) == reason else option
        if option is None:
            matrix.document.add(_place(matrix.document, index, reason), reason)
        else:
            problem = Problem(option, 0, "", f"profile {load.id}: {reason}")
            wrong.setdefault(reason, problem)
    return list(wrong.values())


def _by_arms(
    arms: Sequence[Arm],
    cells: Sequence[Cell],
    unsupported: Callable[[LoadProfile, Workload], str | None],
) -> Callable[[LoadProfile, Workload], str | None]:
    """The same question, asked for each protocol that servers speak under a profile."""

    def refused(load: LoadProfile, workload: Workload) -> str | None:
        busy = {cell.server for cell in cells if cell.profile == load.id}
        spoken = {one.under(load).protocol for one in arms if one.name in busy}
        loads = [load.replace(protocol=one) for one in sorted(spoken)]
        return next((why for one in loads or [load] if (why := unsupported(one, workload))), None)

    return refused


def _refusal(
    load: LoadProfile,
    asked: Iterable[Workload],
    unsupported: Callable[[LoadProfile, Workload], str | None],
) -> str | None:
    return next((reason for one in asked if (reason := unsupported(load, one))), None)


def _selected(config: MatrixConfig, overrides: Overrides) -> list[int]:
    """Places of the selected profiles in the matrix."""
    names = [profile.name for profile in config.profiles]
    return [at for at, name in enumerate(names) if name in (overrides.profiles or names)]


def _option(overrides: Overrides) -> str | None:
    """The option that changed the load profiles, if any did."""
    options = {
        "--duration": overrides.duration_s,
        "--warmup": overrides.warmup_s,
        "--connections": overrides.connections,
    }
    return next((name for name, value in options.items() if value is not None), None)


def _place(document: YamlDocument, index: int, reason: str) -> Loc:
    """The key that a load tool's reason speaks of first, so that the line is right."""
    if "profiles" not in document.data:
        return ("profiles",)
    profile: dict[str, Any] = document.data["profiles"][index]
    found = [(at, key) for key in profile if (at := reason.find(key)) >= 0]
    return ("profiles", index, *(name for _, name in sorted(found)[:1]))


def _skipped(arm: Arm, config: MatrixConfig, profiles: Sequence[LoadProfile]) -> Skipped:
    reason = unspoken(arm, profiles) or (
        "all of its cells are excluded" if config.exclude else "it answers none of the workloads"
    )
    return Skipped(server=arm.name, reason=reason)
