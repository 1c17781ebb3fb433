"""How long servers were really warmed: by work until a request costs what it did before."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from bench.stats.settling import JUDGED_FROM_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.plan import LoadProfile
    from bench.reports.view import View

_LONGER: Final = 1.1
"""Of what was asked for: starting and ending a load tool takes so much anyway."""


def warmed(view: View, profile: LoadProfile) -> str:
    """What the warm-ups under a profile, and those like it, took; servers are not warmed equally.

    Returns:
        "" where they lasted as long as was asked for: too short a warm-up is not judged, nor is
        that of a server that runs already.
    """
    seen = dict[str, list[float]]()
    for server, took_s in _warm_ups(view, profile):
        seen.setdefault(server, []).append(took_s)
    lengths = [took_s for each in seen.values() for took_s in each]
    if profile.warmup_s < JUDGED_FROM_S or max(lengths, default=0.0) < _LONGER * profile.warmup_s:
        return ""
    said = "until a request costs no less than before"
    said = f"{said} ({_seconds(min(lengths), max(lengths))} here"
    middles = sorted(
        (median(each), view.titles.get(server, server)) for server, each in seen.items()
    )
    if len(middles) > 1:
        (least, first), (most, last) = middles[0], middles[-1]
        said += f"; the median from {least:.1f} s for {first} to {most:.1f} s for {last}"
    return f"{said})"


def _warm_ups(view: View, profile: LoadProfile) -> Iterator[tuple[str, float]]:
    """Arm and seconds of each usable trial; duets of the cost are warmed in the same way."""
    plan = view.run.plan
    like = {
        one.id
        for one in plan.loads
        if (one.warmup_s, one.duration_s) == (profile.warmup_s, profile.duration_s)
    }
    tested = {arm.name for arm in plan.arms if arm.url is None}
    for trial in view.run.trials:
        if (
            trial.usable
            and trial.warmup_series
            and trial.profile in like
            and trial.server in tested
        ):
            yield trial.server, trial.phases_s.warmup


def _seconds(least: float, most: float) -> str:
    return f"{least:.1f} to {most:.1f} s"
