"""Whether a profiler saw enough of a server for anything to be concluded from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.units import format_percent

if TYPE_CHECKING:
    from bench.model.cpu_profile import Breakdown, Quality

_LEAST: Final = 50
"""With 50 samples a share of 10 % is known to about +-8 points: no order of categories."""
_SEEN: Final = 0.5
_COARSE: Final = 0.05
_ERRORS: Final = 0.2


def distrust(seen: Quality, method: str) -> str:
    """Why nothing may be concluded from what was seen, or "".

    Args:
        seen: what the profiler really saw.
        method: which profiler.
    """
    if method != "node" and seen.samples < _LEAST:
        return f"{method} saw {seen.samples} samples of threads at work, {_LEAST} are the least"
    if seen.seen_per_cpu_s is not None and seen.asked_per_cpu_s:
        reached = seen.seen_per_cpu_s / seen.asked_per_cpu_s
        # V8 weighs its samples by time: fewer of them are coarser, not wrong.
        if reached < (_COARSE if method == "node" else _SEEN):
            return (
                f"{method} saw {seen.seen_per_cpu_s:.0f} samples per CPU second where "
                f"{seen.asked_per_cpu_s:.0f} were to be expected: most of the work was not seen"
            )
    if seen.error_share > _ERRORS:
        return f"{method} could not read {format_percent(seen.error_share)} of its samples"
    return ""


def without_conclusions(breakdown: Breakdown, reason: str) -> Breakdown:
    """The same shares of what was seen, marked, and without microseconds per request."""
    slices = tuple(part.replace(us_per_request=None) for part in breakdown.slices)
    return breakdown.replace(slices=slices, refused=reason)
