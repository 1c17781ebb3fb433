"""Reads, checks and expands what users write: matrices, workloads, servers."""

from bench.matrix.matrices import load_matrix
from bench.matrix.overrides import Overrides
from bench.matrix.plans import make_plan, rounds_for
from bench.matrix.project import Project, find_matrix, find_project
from bench.matrix.servers import load_server
from bench.matrix.variants import variant_error
from bench.matrix.workloads import load_workload

__all__ = [
    "Overrides",
    "Project",
    "find_matrix",
    "find_project",
    "load_matrix",
    "load_server",
    "load_workload",
    "make_plan",
    "rounds_for",
    "variant_error",
]
