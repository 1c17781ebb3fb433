"""What tests of the matrix package share: a project in a folder, a CPU split, tools that say no."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.model.plan import CpuSplit, LoadProfile, Pinning, Plan, Workload
from bench.plans.matrix_files import read_matrix
from bench.plans.overrides import Overrides
from bench.plans.planning import make_plan
from bench.plans.project import Project, find_project

if TYPE_CHECKING:
    from bench.errors import Problem

ROOT = Path(__file__).resolve().parents[2]
BAD = ROOT / "tests" / "data" / "bad"

SERVER = 'run: [app, "{port}"]\n'
WORKLOAD = "requests:\n  - path: /\n"
MATRIX = "servers: [one, two]\nworkloads: [small]\n"


def unsupported(profile: LoadProfile, workload: Workload) -> str | None:  # noqa: ARG001 - the callback's signature
    """A load tool's refusals, in words that no other module may change."""
    if profile.tool == "wrk" and profile.loop == "open":
        return "no rate control here: use tool: oha"
    if profile.tool == "wrk" and profile.duration_s % 1:
        return "the duration is not whole"
    return None


def split(load_count: int = 1) -> CpuSplit:
    """Server on CPU 0, load on the rest."""
    return CpuSplit(
        server=(0,),
        load=tuple(range(1, load_count + 1)),
        housekeeping=(0,),
        server_count=1,
        load_count=load_count,
        pinning=Pinning(state="pinned", reason=""),
    )


def write_project(
    root: Path, *, matrix: str = MATRIX, workload: str = WORKLOAD, server: str = SERVER
) -> Project:
    """A project with the servers one and two, the workload small and the matrix m."""
    (root / "configs" / "workloads").mkdir(parents=True)
    (root / "configs" / "m.yaml").write_text(matrix)
    (root / "configs" / "workloads" / "small.yaml").write_text(workload)
    for name in ("one", "two"):
        (root / "servers" / name).mkdir(parents=True)
        (root / "servers" / name / "server.yaml").write_text(server)
    return find_project(root)


def plan_of(
    project: Project, overrides: Overrides | None = None, *, load_count: int = 1
) -> tuple[Plan, dict[str, Workload]]:
    """The plan of the matrix m; the seed that is drawn is 7."""
    return make_plan(
        project,
        read_matrix(project.matrices["m"], project),
        overrides or Overrides(),
        cpus=split(load_count),
        unsupported=unsupported,
        draw_seed=lambda: 7,
    )


def said(problems: list[Problem] | tuple[Problem, ...]) -> str:
    """All problems, one a line."""
    return "\n".join(map(str, problems))
