"""Profiles as reports look at them: which one counts, differences, lines over body sizes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.stats.line import MIN_POINTS, fit_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.model.cpu_profile import Breakdown, Conversion, ServerProfile
    from bench.reports.view import View
    from bench.stats.line import FittedLine

UNKNOWN: Final = "unknown"
_SIGMAS: Final = 2.0


class ProfileDifference(NamedTuple):
    """One category of two profiles, microseconds of CPU per request.

    Attributes:
        ours: of the first profile.
        theirs: of the second one.
        noise: what a difference may be by the sampling alone (two standard errors).
    """

    category: str
    ours: float
    theirs: float
    noise: float = 0.0

    @property
    def extra(self) -> float:
        """What the first one needs more."""
        return self.ours - self.theirs


def differences(ours: Breakdown, theirs: Breakdown) -> tuple[ProfileDifference, ...]:
    """Where one profile's extra CPU per request is, largest first.

    A category that only one of them has counts 0 for the other.

    Raises:
        ValueError: CPU per request of one is not known.
    """
    left, right = _per_request(ours), _per_request(theirs)
    found = []
    for name in dict.fromkeys([*left, *right]):
        (a, noise_a), (b, noise_b) = left.get(name, (0.0, 0.0)), right.get(name, (0.0, 0.0))
        found.append(ProfileDifference(name, a, b, math.hypot(noise_a, noise_b)))
    return tuple(sorted(found, key=lambda item: -item.extra))


def _per_request(breakdown: Breakdown) -> dict[str, tuple[float, float]]:
    """Category -> microseconds per request, and two standard errors of the sampled share."""
    if any(item.us_per_request is None for item in breakdown.slices):
        raise ValueError("CPU per request is not known")
    total = sum(item.us_per_request or 0.0 for item in breakdown.slices)
    samples = max(1, sum(item.samples for item in breakdown.slices))
    return {
        item.category: (
            item.us_per_request or 0.0,
            _SIGMAS * total * math.sqrt(item.share * (1 - item.share) / samples),
        )
        for item in breakdown.slices
    }


def chosen(profiles: Sequence[ServerProfile]) -> tuple[ServerProfile, ...]:
    """The latest profile of each server and workload, in the order in which they were made."""
    latest = {item.key: item for item in sorted(profiles, key=lambda item: item.started)}
    return tuple(sorted(latest.values(), key=lambda item: item.started))


def by_workload(view: View) -> Mapping[str, tuple[ServerProfile, ...]]:
    """The profiles to show, workloads and servers in the order of the run's plan.

    Those of which nothing may be concluded are not among them, see `refused`.
    """
    plan = view.run.plan
    servers = {arm.name: index for index, arm in enumerate(plan.arms)}
    workloads = {name: index for index, name in enumerate(plan.workloads)}
    found = sorted(
        (item for item in chosen(view.run.breakdowns) if not item.breakdown.refused),
        key=lambda item: (
            workloads.get(item.workload, len(workloads)),
            item.workload,
            servers.get(item.server, len(servers)),
            item.started,
        ),
    )
    return {
        name: tuple(item for item in found if item.workload == name)
        for name in dict.fromkeys(item.workload for item in found)
    }


def refused(view: View) -> tuple[ServerProfile, ...]:
    """Profiles in which the profiler saw too little for any conclusion."""
    return tuple(item for item in chosen(view.run.breakdowns) if item.breakdown.refused)


def categories(profiles: Sequence[ServerProfile]) -> tuple[str, ...]:
    """All categories with samples as the rules order them, "unknown" last."""
    names = dict.fromkeys(
        part.category for item in profiles for part in item.breakdown.slices if part.samples
    )
    return (*(name for name in names if name != UNKNOWN), *([UNKNOWN] if UNKNOWN in names else []))


def title_of(view: View, item: ServerProfile) -> str:
    """The title that the run gives the server, or the profile's own."""
    return view.titles.get(item.server, item.title)


def unknown_share(breakdown: Breakdown) -> float:
    """The share of samples that is in no category."""
    return sum(part.share for part in breakdown.slices if part.category == UNKNOWN)


def line_of(found: Conversion, server: str) -> FittedLine | None:
    """Microseconds over KB (1000 bytes); None with too few points or one size only.

    What disturbs a trial multiplies its cost, so that the spread grows with the cost: each point
    weighs 1 / (mean at its size) squared, or the largest body would decide the intercept.
    """
    points = found.of(server)
    if len(points) < MIN_POINTS or len({point.body_bytes for point in points}) == 1:
        return None
    means = [mean_of(found, server, point.body_bytes) or 1.0 for point in points]
    return fit_line(
        [point.body_bytes / 1000 for point in points],
        [point.us or 0.0 for point in points],
        weights=[1 / mean**2 for mean in means],
    )


def mean_of(found: Conversion, server: str, size: int) -> float | None:
    """CPU per request at one size: the mean over the rounds, None where there is none."""
    values = [p.us for p in found.of(server) if p.body_bytes == size and p.us is not None]
    return sum(values) / len(values) if values else None
