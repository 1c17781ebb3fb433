"""How a server scales, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.units import format_count, format_rate

if TYPE_CHECKING:
    from bench.model.scaling import Scaling, ScalingLaw, Within

_NOUNS: Final = {"connections": "connection", "server_cpus": "CPU"}
_ROUGH: Final = 0.10
"""Deviation from the law beyond which its coefficients are only a rough description."""


def scaling_text(one: Scaling) -> str:
    """Where it stops gaining, what of its work is serial, and how well that is known."""
    if one.gains_until is None:
        only = one.points[0]
        return (
            f"one point, {_levels(one, only.at)}: {format_rate(only.rate_rps)} requests/s. How it "
            "scales needs more of them"
        )
    return f"{_gain(one)}; {_law(one)}"


def _gain(one: Scaling) -> str:
    first, last = one.gains_until or (0, 0)
    top = one.points[-1].at
    best = max(one.points, key=lambda point: point.rate_rps)
    reached = f"at most {format_rate(best.rate_rps)} requests/s, at {_levels(one, best.at)}"
    if first == top:
        return f"still gains at {_levels(one, top)}, the most that was tried ({reached})"
    if first == last:
        return f"stops gaining at {_levels(one, first)} ({reached})"
    return f"stops gaining between {format_count(first)} and {_levels(one, last)} ({reached})"


def _law(one: Scaling) -> str:
    law = one.law
    if law is None:
        seen = len({point.at for point in one.points if not point.client_bound})
        if one.no_law == "no-fit":
            return "no law with shares above zero fits these rates"
        limited = " without the load tool as the limit" if seen < len(one.points) else ""
        return f"{seen} levels{limited}, and the law needs four: what is serial is not known"
    said = f"{_share(law.contention)} of the work is serial"
    return f"{said}; {_pairs(one, law)}{_peak(one, law)}{_doubt(law)}"


def _pairs(one: Scaling, law: ScalingLaw) -> str:
    if law.coherency.low <= 0:
        most = law.coherency.high
        high = "" if most is None else f" (at most {_percent(most)} % of a request's work a pair)"
        return f"no cost of keeping {_NOUNS[one.swept]}s agreed is shown{high}"
    found = law.coherency
    ends = f"[{_percent(found.low)}, {_percent(found.high or found.value)}]"
    return (
        f"{_percent(found.value)} % {ends} of a request's work more for each pair of "
        f"{_NOUNS[one.swept]}s to keep agreed"
    )


def _peak(one: Scaling, law: ScalingLaw) -> str:
    if law.peak is None:
        return ""
    high = "" if law.peak.high is None else f"{law.peak.high:,.0f}"
    ends = f"[{law.peak.low:,.0f}, {high}]"
    return f"; by the law more is less beyond {_levels(one, round(law.peak.value))} {ends}"


def _doubt(law: ScalingLaw) -> str:
    if law.sd <= _ROUGH:
        return ""
    return f"; the rates lie {law.sd:.0%} off the law: take these shares as rough ones"


def _share(found: Within) -> str:
    high = 1.0 if found.high is None else min(1.0, found.high)
    return f"{_percent(found.value)} % [{_percent(found.low)}, {_percent(high)}]"


def _percent(share: float) -> str:
    return f"{100 * share:.2g}" if share < _ROUGH else f"{100 * share:.0f}"


def _levels(one: Scaling, count: int) -> str:
    noun = _NOUNS[one.swept]
    return f"{format_count(count)} {noun}" if count == 1 else f"{format_count(count)} {noun}s"
