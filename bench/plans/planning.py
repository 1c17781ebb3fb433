"""Expands a matrix to a plan: cells, rounds in random order, estimated time; runs nothing."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from bench.errors import ConfigError, ToolMissingError
from bench.model.plan import Cell, Plan, PlannedTrial, Skipped, Sought
from bench.plans.expansion import expand
from bench.plans.lengths import estimate, search_s
from bench.plans.sweeps import within_cpus
from bench.servers.postgres_found import ADVICE, find_postgres, install_command
from bench.stats.rounds import ROUNDS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.model.config import MatrixConfig
    from bench.model.plan import CpuSplit, LoadProfile, Workload
    from bench.plans.expansion import PlanParts
    from bench.plans.matrix_files import MatrixFile
    from bench.plans.overrides import Overrides
    from bench.plans.project import Project

_MAX_ROUNDS: Final = 12
_TOLERANCE: Final = 0.05
_PATIENCE: Final = 8
"""Trials of a search that other work spoiled and that are run again: about a minute of them."""


def make_plan(
    project: Project,
    matrix: MatrixFile,
    overrides: Overrides,
    *,
    cpus: CpuSplit | Callable[[MatrixConfig], CpuSplit],
    unsupported: Callable[[LoadProfile, Workload], str | None],
    draw_seed: Callable[[], int],
) -> tuple[Plan, dict[str, Workload]]:
    """Expand a matrix file to everything that a run will do.

    Args:
        project: where ids are looked up.
        matrix: as it was read.
        overrides: what the command line says otherwise.
        cpus: the split for this matrix, or how to find it once the matrix is known to be
            good; `load_count` decides about `processes: auto`.
        unsupported: why a load tool cannot do a profile with a workload, or None.
        draw_seed: called where neither the matrix nor the command line has a seed.

    Returns:
        The plan, and the workloads by id with their bodies.

    Raises:
        ConfigError: all that is wrong with the matrix, its servers, workloads and the options.
    """
    parts, problems = expand(project, matrix, overrides, unsupported=unsupported, cpus=cpus)
    if parts is None or problems:
        raise ConfigError(sorted(problems))
    given = overrides.seed if overrides.seed is not None else parts.config.seed
    plan = _plan(
        parts,
        overrides,
        matrix=matrix.path.stem,
        seed=draw_seed() if given is None else given,
        rounds=1 if parts.config.promise else overrides.rounds or parts.config.rounds,
    )
    plan = within_cpus(plan)
    if needs_database(plan) and find_postgres() is None:
        plan = without_database(plan)
    if plan.search:  # its trials are not known before: each is decided by those before it
        return plan.replace(estimated_s=search_s(plan)), parts.workloads
    trials = tuple(
        trial for number in range(1, plan.rounds + 1) for trial in rounds_for(plan, number)
    )
    return plan.replace(trials=trials, estimated_s=estimate(plan, trials)), parts.workloads


def _plan(parts: PlanParts, overrides: Overrides, *, matrix: str, seed: int, rounds: int) -> Plan:
    """A plan without its trials."""
    config = parts.config
    names = [arm.name for arm in parts.arms]
    wanted = config.baseline or names[0]
    limit_s = overrides.max_time_s or config.max_time
    precision = config.precision or (config.margin if limit_s else None)
    return Plan(
        matrix=matrix,
        title=config.title,
        seed=seed,
        rounds=rounds,
        max_rounds=_max_rounds(rounds, config.max_rounds, limit_s) if precision else rounds,
        precision=precision,
        max_time_s=limit_s,
        margin=config.margin,
        baseline=wanted if wanted in names else names[0],
        design=config.design,
        arms=parts.arms,
        workloads=tuple(parts.workloads),
        workload_titles={name: one.title for name, one in parts.workloads.items()},
        profiles=parts.profiles,
        cells=parts.cells,
        trials=(),
        cpus=parts.cpus,
        skipped=parts.skipped,
        estimated_s=0.0,
        search=_sought(config),
        streams=tuple(name for name, one in parts.workloads.items() if _streams(one)),
    )


def _streams(workload: Workload) -> bool:
    return any(kind.expect.min_stream is not None for kind in workload.kinds)


def _sought(config: MatrixConfig) -> Sought | None:
    if config.promise is None:
        return None
    tolerance = config.tolerance or _TOLERANCE
    return Sought(promise=config.promise, tolerance=tolerance, patience=_PATIENCE)


def rounds_for(plan: Plan, number: int) -> tuple[PlannedTrial, ...]:
    """The trials of one round in the order in which they run: each cell once.

    The servers of one workload and profile follow each other, in random order, so that those that
    are compared are seconds apart and not minutes; the groups are shuffled too. The order depends
    on the plan's seed and the round's number alone, so that rounds which are added later, or
    planned again on resume, are the same. In a duet the baseline takes part in each other
    server's trial and has none of its own.

    Args:
        plan: cells, seed and design.
        number: of the round, from 1.
    """
    rng = random.Random(f"{plan.seed}/{number}")  # noqa: S311 - repeatable, not secret
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in plan.cells:
        if plan.design == "blocks" or cell.server != plan.baseline:
            groups.setdefault((cell.workload, cell.profile), []).append(cell)
    return in_random_order(plan, number, groups.values(), rng)


def in_random_order(
    plan: Plan, number: int, groups: Iterable[list[Cell]], rng: random.Random
) -> tuple[PlannedTrial, ...]:
    """The trials of one round: groups in random order, and in each its cells."""
    blocks = list(groups)
    rng.shuffle(blocks)
    for block in blocks:
        rng.shuffle(block)
    digits = max(2, len(str(max(plan.rounds, plan.max_rounds))))
    return tuple(
        PlannedTrial(id=f"r{number:0{digits}d}-{cell.id}", round=number, cell=cell)
        for block in blocks
        for cell in block
    )


def _max_rounds(rounds: int, most: int | None, limit_s: float | None) -> int:
    """Where a time is given it is the limit, not a number of rounds."""
    default = ROUNDS_MAX if limit_s else _MAX_ROUNDS
    return max(rounds, most if most is not None else default)


def needs_database(plan: Plan) -> frozenset[Cell]:
    """The cells for which a PostgreSQL is started beside the server."""
    wanting = {arm.name: arm.config.wants_database for arm in plan.arms if arm.url is None}
    return frozenset(
        cell
        for cell in plan.cells
        if cell.server in wanting and wanting[cell.server]((cell.workload,))
    )


def without_database(plan: Plan) -> Plan:
    """The plan without the cells that need one: servers that lose all take no part.

    Raises:
        ToolMissingError: no cell is left.
    """
    lost = needs_database(plan)
    if not lost:
        return plan
    why = f"PostgreSQL is not here: {ADVICE} ({install_command()})"
    kept = tuple(cell for cell in plan.cells if cell not in lost)
    if not kept:
        advice = f"{ADVICE} ({install_command()})"
        raise ToolMissingError("every server of this plan needs PostgreSQL", advice=advice)
    left = {cell.server for cell in kept}
    gone = tuple(Skipped(server=a.name, reason=why) for a in plan.arms if a.name not in left)
    asked = ", ".join(dict.fromkeys(cell.workload for cell in plan.cells if cell in lost))
    note = ("database-missing", f"{asked} cannot be measured: {why}")
    used = {cell.workload for cell in kept}
    return plan.replace(
        arms=tuple(arm for arm in plan.arms if arm.name in left),
        workloads=tuple(name for name in plan.workloads if name in used),
        cells=kept,
        skipped=(*plan.skipped, *gone),
        cpus=plan.cpus.replace(notes=(*plan.cpus.notes, note)),
    )
