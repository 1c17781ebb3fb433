"""What the reader of a profile must know, by rules over its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.model.finding import finding
from bench.units import format_percent

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
        text = _slowdown(slow, record.spread, opened=record.profiled.offered_rps is not None)
        advice = "trust the order of the categories more than their shares" if slow > _SLOW else ""
        note = finding(
            "profiled",
            record.server,
            text,
            advice=advice,
            severity="warning" if slow > _SLOW else "info",
            slowdown=slow,
        )
        found.append(note)
    found += [
        finding("profile-method", record.server, f"another method was passed over: {reason}")
        for reason in refused
    ]
    return tuple(found)


def _slowdown(slow: float, spread: float | None, *, opened: bool) -> str:
    """What the profiler costs, in words; nothing where two equal trials differ by more."""
    if spread is not None and slow <= spread:
        return (
            "what the profiler costs is not more than two trials without it differ by "
            f"({format_percent(spread)})"
        )
    what = "requests per CPU second" if opened else "throughput"
    return f"the profiler took {format_percent(max(0.0, slow))} of the {what}"


def judge_breakdown(record: ProfileRecord, breakdown: Breakdown) -> tuple[Finding, ...]:
    """Findings about what was seen: quality first, then what stands out."""
    seen, server = breakdown.quality, record.server
    shares = {item.category: item.share for item in breakdown.slices}
    found = []

    def note(code: str, text: str, advice: str = "") -> None:
        found.append(finding(code, server, text, advice=advice))

    if breakdown.refused:
        note("profile-refused", f"nothing is concluded: {breakdown.refused}")
    elif seen.seen_per_cpu_s is not None and seen.asked_per_cpu_s:
        reached = seen.seen_per_cpu_s / seen.asked_per_cpu_s
        if reached > _TOO_MANY:
            note(
                "profile-quality",
                f"{format_percent(reached)} of the samples that its CPU time asks for came: "
                "time in which a thread could run and had no CPU is among them",
            )
    if record.method != "node" and not breakdown.refused and seen.samples < _FEW:
        note(
            "profile-quality",
            f"{seen.samples} samples: a share of 10 % is known to "
            f"+-{196 * (0.09 / seen.samples) ** 0.5:.1f} points",
            "use a longer --seconds",
        )
    for share, what in ((seen.lost_share, "lost"), (seen.error_share, "not readable")):
        if share > _BAD:
            note("profile-quality", f"{format_percent(share)} of the samples were {what}")
    if shares.get("unknown", 0.0) > _UNKNOWN:
        note(
            "profile-quality",
            f"{format_percent(shares['unknown'])} of the CPU time is in no category",
        )
    if not breakdown.refused:
        found += _standing_out(server, shares)
    return tuple(found)


_WORDS: Final = {
    "waiting for the GIL": "taking and releasing the GIL costs {share} of its CPU time",
    "handing over between threads": "waking other threads costs {share} of its CPU time",
    "native framework code": "{share} is in a compiled library that names no functions: "
    "its parts cannot be told apart",
    "allocator and GC": "memory management costs {share} of its CPU time",
    "routing and middleware": "the framework's own code costs {share} of its CPU time",
    "kernel and network": "the kernel costs {share} of its CPU time",
}
_LEVELS: Final = {"routing and middleware": 0.4, "kernel and network": 0.5}


def _standing_out(server: str, shares: dict[str, float]) -> list[Finding]:
    return [
        finding("profile-hot", server, words.format(share=format_percent(shares[name])))
        for name, words in _WORDS.items()
        if shares.get(name, 0.0) >= _LEVELS.get(name, _HEAVY)
    ]
