"""What the command line says otherwise than a matrix, checked and applied; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import Problem
from bench.model.config import ProfileConfig, ServerRef, Variant
from bench.plans.yaml.spelling import shown, spelling
from bench.units import DAY_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bench.model.config import MatrixConfig
    from bench.plans.project import Project

_ROUNDS_MAX: Final = 100
_CONNECTIONS_MAX: Final = 100_000


class Overrides(NamedTuple):
    """What the command line says otherwise than the matrix; empty or None = as in the matrix.

    Attributes:
        servers: names of arms of the matrix, or ids of other servers of the project.
        workloads: ids of workloads of the project.
        profiles: ids of profiles of the matrix.
        duration_s: seconds above 0.
        warmup_s: seconds from 0.
        max_time_s: seconds above 0.
    """

    servers: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    rounds: int | None = None
    duration_s: float | None = None
    warmup_s: float | None = None
    connections: int | None = None
    seed: int | None = None
    max_time_s: float | None = None


def override_problems(
    config: MatrixConfig, overrides: Overrides, project: Project
) -> Iterator[Problem]:
    """Everything that cannot be meant, under the name of its option."""
    arms = {ref.arm for ref in config.arms} | project.servers.keys()
    yield from _unknown("--servers", "server", overrides.servers, arms)
    yield from _unknown("--workloads", "workload", overrides.workloads, project.workloads)
    profiles = [profile.name for profile in config.profiles]
    yield from _unknown("--profiles", "profile", overrides.profiles, profiles)
    yield from _out_of_range("--rounds", overrides.rounds, 1, _ROUNDS_MAX)
    yield from _out_of_range("--connections", overrides.connections, 1, _CONNECTIONS_MAX)
    yield from _out_of_range("--seed", overrides.seed, 0, 2**53)
    if overrides.duration_s is not None and not 0 < overrides.duration_s <= DAY_S:
        yield Problem("--duration", 0, "", _some_time(overrides.duration_s))
    if overrides.max_time_s is not None and not 0 < overrides.max_time_s <= DAY_S:
        yield Problem("--max-time", 0, "", _some_time(overrides.max_time_s))
    if overrides.warmup_s is not None and not 0 <= overrides.warmup_s <= DAY_S:
        yield Problem("--warmup", 0, "", "expected a duration from 0s to 24h")
    yield from _clashes(config, overrides)


def _some_time(seconds: float) -> str:
    limit = "of at most 24h" if seconds > DAY_S else "above 0s"
    return f"expected a duration {limit}"


def _unknown(
    option: str, what: str, words: Sequence[str], known: Iterable[str]
) -> Iterator[Problem]:
    known = list(known)
    for index, word in enumerate(words):
        if word not in known:
            message = f"there is no {what} {shown(word)}"
            yield Problem(option, 0, "", message, spelling(word, known))
        elif word in words[:index]:
            yield Problem(option, 0, "", f"{word} is named twice")


def _out_of_range(option: str, value: int | None, low: int, high: int) -> Iterator[Problem]:
    if value is not None and not low <= value <= high:
        yield Problem(option, 0, "", f"expected a whole number from {low} to {high}, got {value}")


def _clashes(config: MatrixConfig, overrides: Overrides) -> Iterator[Problem]:
    """Profiles that --connections makes equal in name, or leaves without work for a process."""
    if overrides.connections is None:
        return
    seen: set[str] = set()
    for profile in selected_profiles(config, overrides):
        if profile.name in seen:
            message = f"it makes two profiles {profile.name}"
            yield Problem("--connections", 0, "", message, "choose one with --profiles")
        seen.add(profile.name)
        if (profile.processes or 1) > overrides.connections:
            message = f"profile {profile.name} has {profile.processes} processes"
            yield Problem("--connections", 0, "", message, f"at least {profile.processes}")


def selected_profiles(config: MatrixConfig, overrides: Overrides) -> tuple[ProfileConfig, ...]:
    """The profiles that are asked for, with the command line's numbers in them."""
    update: dict[str, Any] = {
        "duration": overrides.duration_s,
        "warmup": overrides.warmup_s,
        "connections": overrides.connections,
    }
    changed = {key: value for key, value in update.items() if value is not None}
    return tuple(
        profile.replace(**changed)
        for profile in config.profiles
        if not overrides.profiles or profile.name in overrides.profiles
    )


def selected_servers(config: MatrixConfig, overrides: Overrides) -> tuple[ServerRef | Variant, ...]:
    """What is asked for, variants too, in the order of the command line where it names some."""
    if not overrides.servers:
        return config.arms
    arms = {ref.arm: ref for ref in config.arms}
    return tuple(arms.get(name) or ServerRef(id=name) for name in overrides.servers)


def selected_workloads(config: MatrixConfig, overrides: Overrides) -> tuple[str, ...]:
    """The ids of the workloads that are asked for."""
    return overrides.workloads or tuple(config.workloads)
