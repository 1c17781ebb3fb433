"""What `bench bisect` searches, and the duets that hold a commit against others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from bench.errors import UsageError
from bench.plans.ab import Contest, Duration, plan_ab
from bench.plans.arms import ArmOptions, repository_around
from bench.plans.duets import with_alone
from bench.plans.lengths import trials_s
from bench.servers.git import commit_of, commits_between
from bench.stats.bisection import CommitGraph
from bench.stats.intervals import MIN_ROUNDS

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.bisect import BisectAsked
    from bench.model.plan import Plan
    from bench.plans.project import Project

SHORT: Final = 12
"""Digits of a hash in names of arms."""
_ROUNDS_MOST: Final = 40
"""Of one look: what is not told by then is no difference that a bisect can go by."""


def commit_graph(repository: Path, good: str, bad: str) -> CommitGraph:
    """The commits that are searched.

    Raises:
        UsageError: a ref is not there, names two things, or good is no ancestor of bad.
    """
    first, last = commit_of(repository, good), commit_of(repository, bad)
    links = commits_between(repository, first, last)
    known = {first.commit, *(link.commit for link in links)}
    return CommitGraph(
        good=first.commit,
        order=tuple(link.commit for link in links),
        parents={
            link.commit: tuple(each for each in link.parents if each in known) for link in links
        },
        content={first.commit: first.tree, **{link.commit: link.tree for link in links}},
    )


def searched(project: Project, server: str, good: str, bad: str) -> tuple[Path, CommitGraph]:
    """The repository of a server and its commits from good to bad.

    Raises:
        UsageError: no such server, no repository, or refs that cannot be searched.
    """
    repository = repository_around(project, server)
    return repository, commit_graph(repository, good, bad)


def plan_look(
    project: Project, asked: BisectAsked, commit: str, against: tuple[str, ...], half_width: float
) -> Contest:
    """A saturated duet of a commit with each of the others, until its ratios are that narrow.

    There is no copy of the commit and nothing is measured alone: both would double the time and
    decide nothing here.

    Raises:
        UsageError: the server does not exist in the commit.
        BuildError: git refuses.
    """
    refs = tuple(each[:SHORT] for each in (commit, *against))
    effort = Duration(
        detect=asked.detect,
        max_time_s=asked.max_time_s,
        workloads=(asked.workload,),
        connections=asked.connections,
        duration=asked.duration,
        warmup=asked.warmup,
        paced=False,
    )
    contest = plan_ab(project, ArmOptions((asked.server,), refs), effort)
    plan = _without_copies(contest.planned.plan)
    update = {"precision": math.expm1(half_width), "max_rounds": _ROUNDS_MOST}
    plan = with_alone(plan.model_copy(update=update), 0)
    return contest._replace(planned=contest.planned._replace(plan=plan))


def _without_copies(plan: Plan) -> Plan:
    arms = tuple(arm for arm in plan.arms if arm.name not in plan.copies)
    cells = tuple(cell for cell in plan.cells if cell.server not in plan.copies)
    return plan.model_copy(update={"arms": arms, "cells": cells, "alone": ()})


def least_s(plan: Plan) -> float:
    """How long the rounds take that are measured in any case."""
    return trials_s(plan, (trial for trial in plan.trials if trial.round <= MIN_ROUNDS))


def workload_of(project: Project, server: str, named: str | None) -> str:
    """The workload that is searched with: the one named, or the only one.

    Raises:
        UsageError: there are several and none is named.
    """
    from bench.plans.server_files import load_server  # noqa: PLC0415 - only where none is named

    if named is not None:
        return named
    names = load_server(project.servers[server]).served(sorted(project.workloads))
    if len(names) != 1:
        raise UsageError(
            f"{server} serves {', '.join(names) or 'no workload'}", advice="name one: --workload W"
        )
    return names[0]
