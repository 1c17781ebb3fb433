"""`bench capacity`: a plan that searches the highest rate at which a promise holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import UsageError, did_you_mean
from bench.loadtools import ranked
from bench.loadtools.install.find import choose
from bench.model.promise import parse_promise
from bench.plans.doctor_plans import digest_of, plan_document
from bench.plans.lengths import search_s
from bench.plans.matrix_files import load_matrix
from bench.plans.project import find_matrix
from bench.units import format_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Collection

    from bench.model.promise import Promise
    from bench.plans.matrix_plan import Planned
    from bench.plans.project import Project
    from bench.trial.remote.lab import Lab

_LEAST_TIMEOUT_S: Final = 2.0
_TIMES_LIMIT: Final = 4
_OPTIONS: Final = {
    "promise": "--promise",
    "tolerance": "--tolerance",
    "connections": "--connections",
    "duration": "--duration",
    "warmup": "--warmup",
    "seed": "--seed",
}
"""Key of the matrix -> the option that it came from."""


class CapacityAsked(NamedTuple):
    """What is searched, and how.

    Attributes:
        names: servers, then the workload.
        matrix: takes servers and workloads from there instead; a name or a path.
        max_time_s: for each server and workload.
        duration: window of a whole trial; a short one is a third of it.
    """

    names: tuple[str, ...]
    matrix: str | None
    promise: str
    tolerance: str = "5%"
    max_time_s: float = 300.0
    connections: int = 64
    duration: str = "6s"
    warmup: str = "1s"
    seed: int | None = None


def plan_capacity(project: Project, asked: CapacityAsked, lab: Lab | None = None) -> Planned:
    """Plan the search, on the machines of a lab where there is one.

    Raises:
        UsageError: no promise, no such server or workload, an option that cannot be meant.
        ConfigError: a file of a server or workload is wrong.
    """
    try:
        promise = parse_promise(asked.promise)
    except ValueError as error:
        raise UsageError(f"--promise {asked.promise!r}: {error}") from None
    servers, workloads = _subjects(project, asked)
    document: dict[str, Any] = {
        "title": f"The rate at which {promise.text} holds",
        "servers": servers,
        "workloads": workloads,
        "profiles": [_profile(asked, promise)],
        "promise": promise.text,
        "tolerance": asked.tolerance,
    }
    if asked.seed is not None:
        document["seed"] = asked.seed
    name = f"capacity-{digest_of(document)}"
    planned = plan_document(project, name, document, _OPTIONS, lab=lab)
    return with_max_time(planned, asked.max_time_s)


def with_max_time(planned: Planned, seconds: float) -> Planned:
    """The search with so much time for each server and workload."""
    plan = planned.plan.replace(max_time_s=seconds)
    return planned._replace(plan=plan.replace(estimated_s=search_s(plan)))


def _profile(asked: CapacityAsked, promise: Promise) -> dict[str, Any]:
    tool = choose("open", [_seconds(asked.duration), _seconds(asked.warmup)])
    timeout_s = max(_LEAST_TIMEOUT_S, math.ceil(_TIMES_LIMIT * promise.limit_us / 1e6))
    return {
        "tool": tool or ranked("open")[0],
        "loop": "open",
        "connections": asked.connections,
        "warmup": asked.warmup,
        "duration": asked.duration,
        "timeout": format_duration(timeout_s),
    }


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{text!r}: {error}") from None


def _subjects(project: Project, asked: CapacityAsked) -> tuple[list[Any], list[str]]:
    """Servers and workloads as a matrix has them."""
    if asked.matrix is not None:
        if asked.names:
            raise UsageError(
                f"{' '.join(asked.names)} and --matrix {asked.matrix}: one of them says what is "
                "searched",
                advice="`bench capacity SERVER WORKLOAD`, or `bench capacity --matrix NAME`",
            )
        config = load_matrix(find_matrix(project, asked.matrix))
        servers = [one.model_dump(mode="json", by_alias=True, exclude_defaults=True)
                   for one in config.servers]  # fmt: skip
        if config.variants:
            raise UsageError(
                f"--matrix {asked.matrix}: it has variants, which are searched with "
                "`promise:` in the matrix itself, by `bench run`"
            )
        return servers, list(config.workloads)
    if len(asked.names) < 2:  # noqa: PLR2004 - a server and a workload
        raise UsageError(
            "expected SERVER WORKLOAD, such as `bench capacity axum json-small`",
            advice="`bench list servers` and `bench list workloads` show them",
        )
    *named, workload = asked.names
    for name in named:
        _check_known("server", name, project.servers)
    _check_known("workload", workload, project.workloads)
    if twice := {name for name in named if named.count(name) > 1}:
        raise UsageError(f"{twice.pop()} is named twice")
    return list(named), [workload]


def _check_known(kind: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        advice = did_you_mean(name, known, f"`bench list {kind}s` shows them")
        raise UsageError(f"there is no {kind} {name!r}", advice=advice)
