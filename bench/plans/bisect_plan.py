"""What `bench bisect` searches, and the duets that hold a commit against others."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import UsageError
from bench.model.fields import DEPENDENCY
from bench.plans.ab import Contest, Duration, plan_ab
from bench.plans.arms import ArmOptions, repository_around, versions_between
from bench.plans.duets import with_alone
from bench.plans.lengths import trials_s
from bench.servers.git import commit_of, commits_between, described
from bench.stats.intervals import MIN_ROUNDS
from bench.stats.suspects import CommitGraph

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.model.bisect import BisectAsked
    from bench.model.plan import Plan
    from bench.plans.project import Project

SHORT: Final = 12
"""Digits of a hash in names of arms."""


class Searched(NamedTuple):
    """What is searched: commits of a repository, or versions of a dependency.

    Attributes:
        graph: from good to bad.
        repository: where its commits are, None where versions are searched.
    """

    graph: CommitGraph
    repository: Path | None = None


def commit_graph(repository: Path, good: str, bad: str) -> CommitGraph:
    """The commits that are searched.

    Raises:
        UsageError: a ref is not there, names two things, or good is not an ancestor of bad.
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


def version_line(versions: Sequence[str]) -> CommitGraph:
    """Versions one after the other, the first known to be good."""
    return CommitGraph(
        good=versions[0],
        order=tuple(versions[1:]),
        parents={later: (older,) for older, later in itertools.pairwise(versions)},
        content={version: version for version in versions},
    )


def searched(
    project: Project, server: str, good: str, bad: str, dependency: str | None = None
) -> Searched:
    """The commits of a server's repository, or the versions of a dependency, from good to bad.

    Raises:
        UsageError: no such server, no repository, or refs or versions that cannot be searched.
    """
    if dependency is not None:
        _check_name(dependency)
        return Searched(version_line(versions_between(project, server, dependency, good, bad)))
    repository = repository_around(project, server)
    return Searched(commit_graph(repository, good, bad), repository)


def _check_name(dependency: str) -> None:
    match = DEPENDENCY.fullmatch(dependency)
    if match is not None:
        raise UsageError(
            f"--with {dependency!r}: expected a name alone",
            advice=f"--with {match[1]} --good VERSION --bad {match[2]}",
        )


def searched_again(project: Project, asked: BisectAsked) -> Searched:
    """What a bisect on disk searches: its versions as they were, no registry is asked.

    Raises:
        UsageError: no such server any more, or its commits are gone.
    """
    if asked.dependency:
        return Searched(version_line(asked.versions))
    repository = repository_around(project, asked.server)
    for named, commit in zip(asked.named, (asked.good, asked.bad), strict=True):
        if described(repository, commit) is None:
            raise UsageError(
                f"{named} was {commit[:SHORT]} when this bisect began; the repository has no such "
                "commit any more",
                advice="was it rebased away? start a new bisect",
            )
    return Searched(commit_graph(repository, asked.good, asked.bad), repository)


def arm_of(asked: BisectAsked, commit: str) -> str:
    """A commit or version as its arm is called: the ref, or `name==version`."""
    return f"{asked.dependency}=={commit}" if asked.dependency else commit[:SHORT]


def plan_look(
    project: Project, asked: BisectAsked, commit: str, against: tuple[str, ...], pairs: int
) -> Contest:
    """Saturated duets of a commit with each of the others: so many pairs of processes.

    No copy of the commit is measured and nothing is measured alone: both would double the time and
    decide nothing here.

    Raises:
        UsageError: the server does not exist in the commit.
        BuildError: git refuses.
    """
    texts = tuple(arm_of(asked, each) for each in (commit, *against))
    arms = ArmOptions((asked.server,), () if asked.dependency else texts)
    arms = arms._replace(dependencies=texts if asked.dependency else ())
    effort = Duration(
        detect=asked.detect,
        max_time_s=asked.max_time_s,
        workloads=(asked.workload,),
        connections=asked.connections,
        duration=asked.duration,
        warmup=asked.warmup,
        paced=False,
    )
    contest = plan_ab(project, arms, effort)
    plan = _without_copies(contest.planned.plan)
    update = {"precision": None, "rounds": pairs, "max_rounds": pairs}
    plan = with_alone(plan.model_copy(update=update), 0)
    return contest._replace(planned=contest.planned._replace(plan=plan))


def _without_copies(plan: Plan) -> Plan:
    arms = tuple(arm for arm in plan.arms if arm.name not in plan.copies)
    cells = tuple(cell for cell in plan.cells if cell.server not in plan.copies)
    return plan.replace(arms=arms, cells=cells, alone=())


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
