"""What the reader of a profile must know, by rules over its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.model.finding import finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.cpu_profile import Breakdown, ProfileRecord
    from bench.model.finding import Finding

_SLOW: Final = 0.20
"""A profiler that costs more than a fifth changes what it looks at."""
_UNKNOWN: Final = 0.15
_FEW: Final = 500
"""With 500 samples a share of 10 % is known to about +-2.6 points."""
_TOO_MANY: Final = 1.5
_BAD: Final = 0.05
_HEAVY: Final = 0.20


def judge_profile(record: ProfileRecord, refused: Sequence[str]) -> tuple[Finding, ...]:
    """Findings about how the profile was taken."""
    found = []
    slow = record.slowdown
    if slow is not None:
        found.append(_cost(record, slow))
    found += [finding("profile-method", record.server, reason=reason) for reason in refused]
    return tuple(found)


def _cost(record: ProfileRecord, slow: float) -> Finding:
    """What the profiler costs; nothing is said of it where two equal trials differ by more."""
    within = record.spread is not None and slow <= record.spread
    much = slow > _SLOW
    case = {
        (False, False): "cost",
        (False, True): "much",
        (True, False): "within",
        (True, True): "much-within",
    }[within, much]
    opened = record.profiled.offered_rps is not None
    return finding(
        "profiled",
        record.server,
        case,
        severity="warning" if much else "info",
        slowdown=slow,
        cost=max(0.0, slow),
        spread=record.spread,
        what="requests per CPU second" if opened else "throughput",
    )


def judge_breakdown(record: ProfileRecord, breakdown: Breakdown) -> tuple[Finding, ...]:
    """Findings about what was seen: quality first, then what stands out."""
    seen, server = breakdown.quality, record.server
    shares = {item.category: item.share for item in breakdown.slices}
    found = []

    if breakdown.refused:
        found.append(finding("profile-refused", server, reason=breakdown.refused))
    elif seen.seen_per_cpu_s is not None and seen.asked_per_cpu_s:
        reached = seen.seen_per_cpu_s / seen.asked_per_cpu_s
        if reached > _TOO_MANY:
            found.append(finding("profile-quality", server, "too-many", share=reached))
    if record.method != "node" and not breakdown.refused and seen.samples < _FEW:
        points = 196 * (0.09 / seen.samples) ** 0.5
        found.append(finding("profile-quality", server, "few", samples=seen.samples, points=points))
    for share, case in (
        (seen.lost_share, "lost"),
        (seen.error_share, "unreadable"),
    ):
        if share > _BAD:
            found.append(finding("profile-quality", server, case, share=share))
    if (unknown := shares.get("unknown", 0.0)) > _UNKNOWN:
        found.append(finding("profile-quality", server, "unknown", share=unknown))
    if not breakdown.refused:
        found += _standing_out(server, shares)
    return tuple(found)


_TELLING: Final = (
    "waiting for the GIL",
    "handing over between threads",
    "native framework code",
    "allocator and GC",
    "routing and middleware",
    "kernel and network",
)
"""Categories that say something by themselves where they are large."""
_LEVELS: Final = {"routing and middleware": 0.4, "kernel and network": 0.5}


def _standing_out(server: str, shares: dict[str, float]) -> list[Finding]:
    return [
        finding("profile-hot", server, name, share=shares[name])
        for name in _TELLING
        if shares.get(name, 0.0) >= _LEVELS.get(name, _HEAVY)
    ]
