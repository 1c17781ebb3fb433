"""What a search for the rate that keeps a promise says: its steps, its end, its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.model.promise import parse_promise
from bench.reports.rows import format_us
from bench.units import format_rate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.model.capacity import CapacityResult, CapacityStep

_BEYOND: Final = "the load tool, not the server, was the limit"


def asked_words(result: CapacityResult, rate: float, *, whole: bool) -> str:
    """What is being tried: `axum json-small: p99<10ms at 2,000/s (whole trial)`."""
    kind = "whole trial" if whole else "short trial"
    return f"{_subject(result)}: {result.promise} at {format_rate(rate)}/s ({kind})"


def step_words(result: CapacityResult, step: CapacityStep) -> str:
    """One line for a finished step."""
    word = "holds" if step.holds else "no answer" if step.cause in _OF_LOAD else "fails"
    kind = "whole" if step.whole else "short"
    return (
        f"{_subject(result)} {format_rate(step.rate_rps):>9}/s {kind} {word:<9} "
        f"{step_why(step, result.promise)}"
    )


def step_why(step: CapacityStep, promise: str) -> str:
    """What decided about a step."""
    name = parse_promise(promise).measure
    value = "no time" if step.value_us is None else format_us(step.value_us)
    said: Mapping[str, str] = {
        "kept": f"{name} {value}",
        "broken": f"{name} {value}",
        "behind": f"{name} {value}; the server fell behind: {step.share:.0%} of the rate",
        "errors": "too many requests failed",
        "died": "the server died",
        "client": f"{name} {value}; the load tool used up its CPU",
        "pacer": f"{name} {value}; the load tool sent late",
        "disturbed": f"{name} {value}; something else had the CPUs",
    }
    return said[step.cause]


_OF_LOAD: Final = frozenset({"client", "pacer", "disturbed"})


def ended_words(result: CapacityResult, *, out_of_time: bool = False) -> str:
    """One line for the end of a search."""
    cut = "; the time was over before it was confirmed" if out_of_time else ""
    return f"{_subject(result)}: {answer(result)}{cut}"


def answer(result: CapacityResult) -> str:
    """The answer in words, without the server."""
    promise, rate = result.promise, f"{format_rate(result.rate_rps)} requests/s"
    if result.end == "never":
        return f"no rate keeps {promise}: {_at_lowest(result)}"
    if result.end == "unusable":
        return f"{promise}: no answer, two trials in a row showed nothing ({result.reason})"
    if not result.rate_rps:
        return f"{promise}: no answer, it was not seen to hold at any rate{_whose(result)}"
    if result.at_least:
        return f"keeps {promise} at {rate} at least{_whose(result)}"
    span = f"[{format_rate(result.low)}, {format_rate(result.high or 0.0)}]"
    doubt = "" if result.confirmed else ", not confirmed"
    return f"keeps {promise} up to {rate} {span}{doubt}"


def _at_lowest(result: CapacityResult) -> str:
    lowest = min((step.rate_rps for step in result.steps), default=0.0)
    values = sorted(step.value_us or 0.0 for step in result.steps if step.rate_rps == lowest)
    name = parse_promise(result.promise).measure
    seen = f"its {name} is {format_us(values[len(values) // 2])}" if values else "it fails"
    return f"at {format_rate(lowest)}/s, the lowest that is tried, {seen}"


def _whose(result: CapacityResult) -> str:
    if result.end == "bound":
        kind = "sent late" if result.limit == "pacer" else "used up its CPU"
        return f"; {_BEYOND}: it {kind} above that"
    if result.end == "disturbed":
        return "; something else had the CPUs whenever it failed"
    if result.end == "most":
        return "; no higher rate is tried"
    return ", not confirmed" if result.end == "cut" else ""


def _subject(result: CapacityResult) -> str:
    return f"{result.server} {result.workload}"


def capacity_in_words(result: CapacityResult) -> CapacityResult:
    """The result with the words of its steps, as JSON has it."""
    steps = tuple(step.replace(why=step_why(step, result.promise)) for step in result.steps)
    return result.replace(steps=steps)
