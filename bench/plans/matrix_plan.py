"""From a matrix's name to the plan of a run on this machine."""

from __future__ import annotations

import random
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

_SEED_BITS: Final = 31


class Planned(NamedTuple):
    """A plan with everything it needs."""

    plan: Plan
    workloads: dict[str, Workload]
    matrix: MatrixFile


def plan_matrix(project: Project, name: str, overrides: Overrides) -> Planned:
    """Read a matrix and say what a run of it would do on this machine.

    Raises:
        ConfigError: the matrix or what it names is wrong; all problems at once.
        UsageError: there is no such matrix, or it asks for CPUs that are not there.
    """
    matrix = read_matrix(find_matrix(project, name), project)
    variants = with_variants(project, matrix, overrides)
    topology = local_topology()
    plan, workloads = make_plan(
        variants.project,
        matrix,
        overrides,
        cpus=lambda config: split(topology, config.server_cpus, config.load_cpus),
        unsupported=unsupported,
        draw_seed=lambda: random.SystemRandom().getrandbits(_SEED_BITS),
    )
    plan = variants.marked(plan)
    plan = plan.model_copy(
        update={"arms": tuple(buildable_copy(arm, cache_folder()) for arm in plan.arms)}
    )
    plan = mark_copies(plan)
    workloads |= own_workloads(project, plan.workloads, (arm.name for arm in plan.arms))
    apart = sharing_port(plan) and not spaces_allowed()
    if apart:
        plan = one_after_the_other(plan)
    if plan.design == "duet":
        return Planned(as_duet(plan), workloads, matrix)
    wanted = matrix.checked().cost and not apart
    return Planned(with_cost(plan, workloads) if wanted else plan, workloads, matrix)
