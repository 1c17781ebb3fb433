"""The cells of a sweep as one course per server: rates by level, and the law through them; pure."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from bench.model.scaling import Scaling, ScalingLaw, ScalingPoint, Within
from bench.stats.intervals import geometric
from bench.stats.scalability import MIN_LEVELS, fit_scalability

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.analysis.trials import CellTrials
    from bench.model.plan import LoadProfile
    from bench.model.scaling import NoLaw
    from bench.model.summary import CellSummary
    from bench.stats.scalability import Coefficients, Scalability

_LEVEL: Final = {
    "connections": re.compile(r"-c\d+(?=-|$)"),
    "server_cpus": re.compile(r"-s\d+$"),
}


def scalings(
    cells: Sequence[CellTrials], summaries: Sequence[CellSummary], margin: float
) -> tuple[Scaling, ...]:
    """What every sweep of a run shows, in the order of its cells."""
    limits = {(one.server, one.workload, one.profile): one.bound for one in summaries}
    found: dict[tuple[str, str, str], list[CellTrials]] = {}
    for cell in cells:
        if cell.profile.swept and cell.profile.loop == "closed":
            key = (cell.cell.workload, _load(cell.profile), cell.cell.server)
            found.setdefault(key, []).append(cell)
    return tuple(
        one for course in found.values() if (one := _scaling(course, limits, margin)) is not None
    )


def _load(profile: LoadProfile) -> str:
    """The name of a swept profile without its level: `wrk`, `mine`, `wrk-c50`."""
    assert profile.swept is not None  # noqa: S101 - only such are asked about
    kind = "" if profile.keepalive else ", a connection per request"
    return _LEVEL[profile.swept].sub("", profile.id) + kind


def _level(profile: LoadProfile) -> int:
    """What is swept, at this point."""
    by_cpus = profile.swept == "server_cpus"
    return (profile.server_cpus or 0) if by_cpus else profile.connections


def _scaling(
    course: Sequence[CellTrials], limits: Mapping[tuple[str, str, str], str], margin: float
) -> Scaling | None:
    profile = course[0].profile
    levels: list[float] = []
    rates: list[float] = []
    points = []
    for cell in sorted(course, key=lambda cell: _level(cell.profile)):
        seen = list(cell.values("throughput_rps").values())
        if not seen:
            continue
        key = (cell.cell.server, cell.cell.workload, cell.cell.profile)
        point = _point(cell.profile, seen, client=limits.get(key) == "client")
        points.append(point)
        if not point.client_bound:
            levels += [float(point.at)] * len(seen)
            rates += seen
    if not points or profile.swept is None:
        return None
    law = fit_scalability(levels, rates) if levels else None
    return Scaling(
        server=course[0].cell.server,
        workload=course[0].cell.workload,
        swept=profile.swept,
        load=_load(profile),
        points=tuple(points),
        gains_until=_gains_until(points, margin),
        law=_law(law) if law else None,
        no_law="" if law else _why(len(set(levels))),
    )


def _point(profile: LoadProfile, rates: Sequence[float], *, client: bool) -> ScalingPoint:
    mean = geometric(rates)
    return ScalingPoint(
        at=_level(profile),
        profile=profile.id,
        rate_rps=mean.value,
        low=mean.low,
        high=mean.high,
        n=mean.n,
        client_bound=client,
    )


def _gains_until(points: Sequence[ScalingPoint], margin: float) -> tuple[int, int] | None:
    """The levels that may be the first one that reaches the most, but for the margin.

    The first whose interval holds that, and the first whose interval leaves no doubt of it.
    """
    if len(points) < 2:  # noqa: PLR2004 - one level gains nothing over none
        return None
    best = max(points, key=lambda point: point.rate_rps)
    most = [best.low or best.rate_rps, best.high or best.rate_rps]
    first = next(p.at for p in points if (p.high or p.rate_rps) >= most[0] * (1 - margin))
    sure = (p.at for p in points if (p.low or p.rate_rps) >= most[1] * (1 - margin))
    return first, max(first, next(sure, best.at))


def _why(levels: int) -> NoLaw:
    if levels == 1:
        return "one-point"
    return "few-levels" if levels < MIN_LEVELS else "no-fit"


def _law(found: Scalability) -> ScalingLaw:
    coherency = found.coherency
    peak = None
    if found.peak is not None and coherency.low > 0:
        room = 1 - found.contention.value
        ends = (math.sqrt(room / coherency.high), math.sqrt(room / coherency.low))
        peak = Within(value=found.peak, low=ends[0], high=ends[1])
    return ScalingLaw(
        single=_within(found.single),
        contention=_within(found.contention),
        coherency=_within(coherency),
        peak=peak,
        sd=found.sd,
    )


def _within(one: Coefficients) -> Within:
    return Within(value=one.value, low=one.low, high=one.high if math.isfinite(one.high) else None)
