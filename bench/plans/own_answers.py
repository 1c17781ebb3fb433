"""Workloads with a response of one arm's own: the same requests, answered differently by each.

Different servers may answer one question rightly in different words. `bench try --expect own`
keeps what each answered first as a workload beside the common one, named after the arm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.plans.workload_files import load_workload

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.model.plan import Workload
    from bench.plans.project import Project

_OWN: Final = ".own."


def own_name(workload: str, arm: str) -> str:
    """Id of the workload that holds an arm's own response."""
    return f"{workload}{_OWN}{arm}"


def own_workloads(
    project: Project, workloads: Iterable[str], arms: Iterable[str]
) -> dict[str, Workload]:
    """Those that there are of these workloads and arms, by id.

    Raises:
        ConfigError: one of them is wrong.
    """
    known = tuple(arms)
    names = [own_name(workload, arm) for workload in workloads for arm in known]
    paths = {name: project.workloads[name] for name in names if name in project.workloads}
    return {name: load_workload(path, project.root_of(path)) for name, path in paths.items()}


def workload_for(workloads: Mapping[str, Workload], workload: str, arm: str) -> Workload:
    """What an arm is asked in a workload, and what it must answer."""
    return workloads.get(own_name(workload, arm), workloads[workload])
