"""Where the time goes, in sentences by rules over the profiles; nothing is said without data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.profiles import UNKNOWN, differences, line_of, title_of
from bench.reports.rows import format_cost
from bench.reports.wording.phrases import join

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.model.cpu_profile import Conversion, Gil, ServerProfile
    from bench.reports.profiles import ProfileDifference
    from bench.reports.view import View
    from bench.stats.line import Coefficient

DOING: Final[Mapping[str, str]] = {
    "kernel and network": "in the kernel and network",
    "HTTP parsing": "parsing HTTP",
    "routing and middleware": "in routing and middleware",
    "JSON decode": "decoding JSON",
    "JSON encode": "encoding JSON",
    "crossing between Rust and Python": "crossing between Rust and Python",
    "crossing between C++ and JavaScript": "crossing between C++ and JavaScript",
    "native code called by Python": "in compiled code that Python called",
    "native framework code": "in compiled framework code without names",
    "interpreter and handler": "in the interpreter and the handler",
    "event loop": "in the event loop",
    "handing over between threads": "waking other threads and going to sleep",
    "waiting for the GIL": "taking and releasing the GIL",
    "allocator and GC": "managing memory",
    "compiler": "compiling JavaScript",
    UNKNOWN: "in no known category",
}
"""Category -> how a sentence says that time is spent there."""
_NAMED: Final = 3
_WORTH: Final = 0.05
"""A part below this share of the whole is not worth a word."""
_GROWN: Final = 1.5
"""CPU per request that grows by less over a larger body is not a finding."""
_GIL_SHARE: Final = 0.02


def percent(share: float) -> str:
    """A sampled share: one decimal says as much as some thousand samples know."""
    return f"{share:.1%}"


def shares_and_gaps(view: View, profiles: Sequence[ServerProfile]) -> list[str]:
    """Per server what its CPU time goes to, and where it needs more than the reference."""
    known = [item for item in profiles if item.cpu_us is not None]
    reference = reference_of(view, known)
    sentences = []
    for item in profiles:
        text = _composition(view, item)
        more = _gap(view, item, reference) if reference and item in known else ""
        sentences += [f"{text}{more}"] if text else []
    return sentences


def reference_of(view: View, known: Sequence[ServerProfile]) -> ServerProfile | None:
    """With what servers are compared: the run's baseline, else the one that needs the least."""
    if len(known) < 2:  # noqa: PLR2004 - nobody to compare with
        return None
    baseline = [item for item in known if item.server == view.run.plan.baseline]
    return baseline[0] if baseline else min(known, key=lambda item: item.cpu_us or 0.0)


def _composition(view: View, item: ServerProfile) -> str:
    if item.breakdown.refused:
        return f"{title_of(view, item)}: nothing is concluded, {item.breakdown.refused}."
    parts = sorted(item.breakdown.slices, key=lambda part: -part.share)
    named = [part for part in parts if part.share >= _WORTH][:_NAMED]
    said = [
        f"{DOING.get(part.category, part.category)} ({_amount(part.us_per_request, part.share)})"
        for part in named
    ]
    if not said:
        return ""
    if item.cpu_us is None:
        return f"{title_of(view, item)} spends its CPU time chiefly {join(said)}."
    cost = format_cost(item.cpu_us)
    return f"{title_of(view, item)} needs {cost} of CPU per request, chiefly {join(said)}."


def _amount(us: float | None, share: float) -> str:
    return percent(share) if us is None else f"{format_cost(us)}, {percent(share)}"


def _gap(view: View, item: ServerProfile, reference: ServerProfile) -> str:
    if item is reference:
        return ""
    said = gap_words(differences(item.breakdown, reference.breakdown))
    return f" {said.format(other=title_of(view, reference))}" if said else ""


def gap_words(found: Sequence[ProfileDifference]) -> str:
    """What one server spends more than `{other}`, the largest parts by name.

    Parts within the noise of sampling, or below a twentieth of the whole, are not named.
    """
    extra = sum(item.extra for item in found)
    if extra <= 0:
        return ""
    named = [item for item in found if item.extra > max(item.noise, _WORTH * extra)][:_NAMED]
    if not named:
        return ""
    parts = join([f"{format_cost(p.extra)} {DOING.get(p.category, p.category)}" for p in named])
    saved = [item for item in found if -item.extra > max(item.noise, _WORTH * extra)]
    less = ""
    if saved:
        most = min(saved, key=lambda item: item.extra)
        less = (
            f"; it spends {format_cost(-most.extra)} less {DOING.get(most.category, most.category)}"
        )
    return f"That is {format_cost(extra)} more than {{other}}: {parts}{less}."


def gil_words(view: View, profiles: Sequence[ServerProfile]) -> list[str]:
    """What the lock costs, where it costs something or several threads wait for it."""
    return [
        f"{title_of(view, item)}: {text}"
        for item in profiles
        if item.breakdown.gil and (text := _lock(item, item.breakdown.gil))
    ]


def _lock(item: ServerProfile, gil: Gil) -> str:
    """What the lock of one server costs, "" where it costs nothing worth a word."""
    taking = gil.taking_share or 0.0
    if taking < _GIL_SHARE and gil.threads < 2:  # noqa: PLR2004 - one thread waits for nobody
        return ""
    threads = "1 thread was" if gil.threads == 1 else f"{gil.threads} threads were"
    said = [f"{threads} seen taking the GIL"]
    if gil.taking_share is not None:
        cost = "" if item.cpu_us is None else f" ({format_cost(item.cpu_us * taking)} per request)"
        said.append(f"taking and releasing it is {percent(taking)} of the CPU time{cost}")
    if gil.held_on_cpu is not None:
        said.append(f"its holder ran on a CPU for {percent(gil.held_on_cpu)} of the window")
    if gil.held is not None:
        said.append(f"it was held for {percent(gil.held)} of the window")
    return f"{join(said)}."


def growth(view: View, groups: Mapping[str, Sequence[ServerProfile]]) -> list[str]:
    """What a larger body adds, between the cheapest and the costliest workload of each server."""
    servers = list(dict.fromkeys(item.server for found in groups.values() for item in found))
    sentences = []
    for server in servers:
        mine = [
            item
            for found in groups.values()
            for item in found
            if item.server == server and item.cpu_us is not None
        ]
        if len(mine) > 1:
            least, most = (pick(mine, key=lambda p: p.cpu_us or 0.0) for pick in (min, max))
            sentences += _growth_of(view, least, most)
    return sentences


def _growth_of(view: View, least: ServerProfile, most: ServerProfile) -> list[str]:
    low, high = least.cpu_us or 0.0, most.cpu_us or 0.0
    if low <= 0 or high / low < _GROWN:
        return []
    extra = high - low
    found = differences(most.breakdown, least.breakdown)
    named = [item for item in found if item.extra > max(item.noise, _WORTH * extra)][:_NAMED]
    parts = join(
        [
            f"{DOING.get(p.category, p.category)} ({format_cost(p.extra)}, {p.extra / extra:.0%})"
            for p in named
        ]
    )
    names = view.run.plan.workload_titles
    first = names.get(least.workload, least.workload)
    second = names.get(most.workload, most.workload)
    head = f"{title_of(view, most)}: {second} costs {format_cost(extra)} more CPU than {first}"
    return [f"{head}, spent {parts}." if parts else f"{head}."]


def slope_words(view: View, found: Conversion) -> list[str]:
    """What a request costs before any byte, and what each KB adds, with intervals."""
    sentences = []
    for server in found.servers:
        line = line_of(found, server)
        if line is None:
            continue
        title = view.titles.get(server, server)
        start = f"{title}: each KB of body, sent and returned, adds {interval(line.slope)}"
        if line.intercept.low <= 0:
            rest = (
                "; what a request costs before any byte cannot be distinguished from 0 by the line "
                f"({interval(line.intercept)})"
            )
        else:
            rest = f" to {interval(line.intercept)} before any byte"
        sentences.append(f"{start}{rest}.")
    return sentences


def interval(value: Coefficient) -> str:
    """`28.5 us [27.2, 29.8]`."""
    return f"{format_cost(value.value)} [{value.low:,.1f}, {value.high:,.1f}]"
