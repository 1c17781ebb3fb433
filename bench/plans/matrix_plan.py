"""From a matrix's name to the plan of a run on this machine."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.host import local_topology
from bench.host.cpu_split import split
from bench.loadtools import unsupported
from bench.model.copies import mark_copies, sharing_port
from bench.plans.cost import with_cost
from bench.plans.duets import as_duet, one_after_the_other
from bench.plans.matrix_files import MatrixFile, read_matrix
from bench.plans.own_answers import own_workloads
from bench.plans.planning import make_plan
from bench.plans.project import find_matrix
from bench.plans.variants import with_variants
from bench.process import spaces_allowed
from bench.servers import buildable_copy
from bench.store.cache import cache_folder

if TYPE_CHECKING:
    from bench.model.plan import Plan, Workload
    from bench.plans.overrides import Overrides
    from bench.plans.project import Project
    from bench.trial.remote.lab import Lab

_SEED_BITS: Final = 31


class Planned(NamedTuple):
    """A plan with everything it needs."""

    plan: Plan
    workloads: dict[str, Workload]
    matrix: MatrixFile


def plan_matrix(
    project: Project, name: str, overrides: Overrides, lab: Lab | None = None
) -> Planned:
    """Read a matrix and say what a run of it would do.

    Args:
        project: where it is looked up.
        name: of the matrix, or its path.
        overrides: what the command line says otherwise.
        lab: the machines of server and load; None = this one.

    Raises:
        ConfigError: the matrix or what it names is wrong; all problems at once.
        UsageError: there is no such matrix, or it asks for CPUs that are not there.
    """
    matrix = read_matrix(find_matrix(project, name), project)
    variants = with_variants(project, matrix, overrides)
    topology = local_topology()
    cpus = lab.split if lab else partial(split, topology)
    plan, workloads = make_plan(
        variants.project,
        matrix,
        overrides,
        cpus=lambda config: cpus(config.server_cpus, config.load_cpus),
        unsupported=unsupported,
        draw_seed=lambda: random.SystemRandom().getrandbits(_SEED_BITS),
    )
    plan = variants.marked(plan)
    plan = plan.replace(arms=tuple(buildable_copy(arm, cache_folder()) for arm in plan.arms))
    plan = mark_copies(plan)
    workloads |= own_workloads(project, plan.workloads, (arm.name for arm in plan.arms))
    if lab is not None:
        plan = plan.replace(machines=lab.plan)
    apart = sharing_port(plan) and (lab is not None or not spaces_allowed())
    if apart:
        plan = one_after_the_other(plan)
    if plan.design == "duet":
        return Planned(as_duet(plan), workloads, matrix)
    wanted = matrix.checked().cost and not apart
    return Planned(with_cost(plan, workloads) if wanted else plan, workloads, matrix)
