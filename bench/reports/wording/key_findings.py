"""Key Findings: what the data show, by rules; a rule without data says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.analysis.windows import TAIL
from bench.reports.blocks import Bullets, Heading
from bench.reports.rows import format_cost, format_throughput, format_us, latency_name
from bench.reports.view import metric_of, rate, unlike
from bench.reports.withheld import Percentile, cause, withheld
from bench.reports.wording.baseline_difference import gap, payload_gap
from bench.reports.wording.limiting import limiting
from bench.reports.wording.notes import WINDOW_SHORT
from bench.reports.wording.verdict_words import verdict_of
from bench.units import format_bytes, format_percent, format_rate, format_ratio

if TYPE_CHECKING:
    from bench.reports.blocks import Block, Text
    from bench.reports.view import Entry, Group, View

_DETAILED_GROUPS: Final = 2
_DIGITS_MAX: Final = 4
_PLATEAU_SHOWN_S: Final = 0.25
"""The series has one figure per quarter of a second: sooner is at once."""


def key_findings(view: View) -> tuple[Block, ...]:
    """Numbered headings as in the source report, each with its sentences."""
    parts = (
        ("Performance Gap", [*gap(view), *payload_gap(view)]),
        ("Latency Distribution", _latency(view)),
        ("Throughput", _throughput(view)),
        ("What Each Server Needs", _needs(view)),
        ("What Limits These Figures", limiting(view)),
    )
    blocks: list[Block] = []
    for title, sentences in parts:
        if sentences:
            number = len(blocks) // 2 + 1
            blocks += [Heading(f"{number}. {title}"), Bullets(tuple(sentences))]
    return tuple(blocks)


def _latency(view: View) -> list[Text]:
    """Open loops where there are some: only there is latency compared."""
    opened = [group for group in view.groups if group.is_open and group.measured]
    groups = opened or [group for group in view.groups if group.measured]
    if len(groups) > _DETAILED_GROUPS:
        return [sentence for group in groups for sentence in _latency_range(group)]
    return [
        sentence
        for group in groups
        for sentence in (
            *(part for entry in group.measured for part in _latency_of(view, group, entry)),
            *_slowest(group),
        )
    ]


def _slowest(group: Group) -> list[Text]:
    """Of two servers, how the slowest requests compare."""
    found = [(e.cell.latency_us.max, e.title) for e in group.measured if e.cell.latency_us]
    late = any(map(withheld, group.measured))
    if len(found) != 2 or late or unlike(*group.measured):  # noqa: PLR2004 - a sentence about a pair
        return []
    (less, quick), (more, slow) = sorted(found)
    figures = f"{format_us(more)} against {format_us(less)}"
    return [
        (
            f"The slowest request of {slow} took {format_ratio(more, less)} as long as that of "
            f"{quick} ({figures})."
        )
    ]


def _latency_of(view: View, group: Group, entry: Entry) -> list[Text]:
    latency = entry.cell.latency_us
    if latency is None:
        return []
    if withheld(entry):
        return _half(view, group, entry)
    where = f" ({group.title})" if len(view.groups) > 1 else ""
    facts = [] if latency.mean is None else [f"{format_us(latency.mean)} on average"]
    least = "" if latency.min is None else f"from {format_us(latency.min)} "
    facts.append(
        f"{least}to {format_us(latency.max)}" if least else f"at most {format_us(latency.max)}"
    )
    text = f"{entry.title}{where}: {latency_name(group).lower()} {', '.join(facts)}"
    p50, p99 = latency.percentiles.get("50"), latency.percentiles.get("99")
    if p50 and p99:
        text += f"; p99 of all requests {format_us(p99)} is {p99 / p50:.1f}x their median"
    if entry.detail.tail is not None:
        text += f"; its tail ({TAIL}x the median) begins at p{_percentile(entry.detail.tail)}"
    return [f"{text}."]


def _half(view: View, group: Group, entry: Entry) -> list[Text]:
    """Of a server whose p99 is not compared the median, and what is said of that."""
    latency, metric = entry.cell.latency_us, metric_of(entry, "p50_us")
    left_out = f"{cause([entry])} in trials of it: average, slowest and p99 are not compared"
    p50 = latency.percentiles.get("50") if latency else None
    where = f" ({group.title})" if len(view.groups) > 1 else ""
    if p50 is None or withheld(entry, "p50_us"):
        return [f"{entry.title}{where}: {left_out}, nor is p50."]
    text = (
        f"{entry.title}{where}: {latency_name(group).lower()}, p50 of all requests {format_us(p50)}"
    )
    verdict = metric.verdict if metric else None
    if verdict and verdict.low is not None and group.baseline:
        text += f"; against {group.baseline.title}, {verdict_of(verdict, entry.title)}"
    return [f"{text}; {left_out}."]


def _percentile(value: float) -> str:
    """As many digits as tell it from 100: `91.6`, `99.05`."""
    digits = 1
    while round(value, digits) >= 100 - 10.0 ** (1 - digits) and digits < _DIGITS_MAX:
        digits += 1
    return f"{value:.{digits}f}"


def _latency_range(group: Group) -> list[Text]:
    """From the least p99 to the greatest; p50 where the p99 of some server is not compared."""
    name: Percentile = "p50_us" if any(map(withheld, group.measured)) else "p99_us"
    key = name[1:3]
    found = [
        (us, entry)
        for entry in group.measured
        if entry.cell.latency_us
        and not withheld(entry, name)
        and (us := entry.cell.latency_us.percentiles.get(key))
    ]
    if len(found) < 2:  # noqa: PLR2004 - a range needs two
        return []
    (low, best), (high, worst) = (pick(found, key=lambda pair: pair[0]) for pick in (min, max))
    span = f"{format_us(low)} ({best.title}) to {format_us(high)} ({worst.title})"
    return [f"{group.title}: p{key} of all requests, {latency_name(group).lower()}, from {span}."]


def _throughput(view: View) -> list[Text]:
    sentences: list[Text] = [*_success(view)]
    closed = [group for group in view.groups if group.by_rate]
    for group in closed:
        found = [(e.cell.bytes_per_s, e) for e in group.measured if e.cell.bytes_per_s is not None]
        if len(found) > 1:
            (low, least), (high, most) = (pick(found, key=lambda p: p[0]) for pick in (min, max))
            sentences.append(
                f"{group.title}: response bodies from {format_throughput(low or 0)} "
                f"({least.title}) to {format_throughput(high or 0)} ({most.title})."
            )
    return sentences


def _success(view: View) -> list[Text]:
    measured = [(group, entry) for group in view.groups for entry in group.measured]
    known = [(g, e, e.cell.success_rate) for g, e in measured if e.cell.success_rate is not None]
    if not known:
        return []
    bad = [(g, e, share) for g, e, share in known if share < 1]
    if not bad:
        every = f" in all {len(known)} cells of this run" if len(known) > 1 else ""
        return [f"Success rate 100%{every}."]
    return [
        f"{entry.title}, {group.title}: success rate {format_percent(share)}."
        for group, entry, share in bad
    ]


def _needs(view: View) -> list[Text]:
    """CPU per request by load, memory and warm-up of each server, over all groups."""
    sentences: list[Text] = []
    for name, title in view.titles.items():
        pairs = [(g, e) for g in view.groups for e in g.measured if e.server == name]
        entries = [entry for _, entry in pairs]
        rated = [(g, e) for g, e in pairs if WINDOW_SHORT not in e.cell.findings]
        closed = [entry for group, entry in rated if group.by_rate]
        saturated = [entry for group, entry in rated if not group.is_open]
        equal = [entry for group, entry in pairs if group.is_open]
        facts = [
            fact
            for fact in (
                _rates(closed),
                _cpu(saturated, "saturated"),
                _cost(view, name) or _cpu(equal, f"in the open loop{_of(_offered(equal), 'at')}"),
                _memory(entries),
                _plateau(entries),
            )
            if fact
        ]
        if facts:
            sentences.append(f"{title}: {'; '.join(facts)}.")
    return sentences


def _span(values: list[float], low_high: list[str]) -> str:
    return low_high[0] if min(values) == max(values) else f"{low_high[0]} to {low_high[1]}"


def _rates(entries: list[Entry]) -> str:
    values = [rate(entry) for entry in entries]
    if not values:
        return ""
    return f"{_span(values, [format_rate(min(values)), format_rate(max(values))])} requests/sec"


def _cpu(entries: list[Entry], load: str) -> str:
    found = [m.value for e in entries if (m := metric_of(e, "cpu_us_per_request"))]
    if not found:
        return ""
    span = _span(found, [format_cost(min(found)), format_cost(max(found))])
    return f"{span} of CPU per request {load}"


def _cost(view: View, name: str) -> str:
    """What the duets say, which decide; of the baseline what it cost beside each other server."""
    costs = [(e.server, e.cell.cost) for g in view.groups for e in g.measured if e.cell.cost]
    base = name == view.run.plan.baseline
    own = [cost for server, cost in costs if base or server == name]
    found = [us for each in own if (us := each.baseline_cpu_us if base else each.cpu_us)]
    if not found:
        return ""
    span = _span(found, [format_cost(min(found)), format_cost(max(found))])
    beside = "each other server" if base else view.baseline
    rates = _of([each.rate_rps for each in own if each.rate_rps], "of")
    return f"{span} of CPU per request at an equal rate{rates} beside {beside}"


def _offered(entries: list[Entry]) -> list[float]:
    return [entry.cell.offered_rps for entry in entries if entry.cell.offered_rps]


def _of(rates: list[float], word: str) -> str:
    """` of 29.1/s to 7,259/s`: no cost stands without its load."""
    if not rates:
        return ""
    return f" {word} {_span(rates, [f'{format_rate(pick(rates))}/s' for pick in (min, max)])}"


def _memory(entries: list[Entry]) -> str:
    found = [m.value for e in entries if (m := metric_of(e, "rss_peak_bytes"))]
    most = ", where highest" if len(found) > 1 else ""
    return f"peak memory {format_bytes(max(found))} (mean over trials{most})" if found else ""


def _plateau(entries: list[Entry]) -> str:
    slowest = max((e.detail.plateau_s or 0.0 for e in entries), default=0.0)
    if slowest < _PLATEAU_SHOWN_S:
        return ""
    return f"98 % of its plateau after {slowest:.1f} s of warm-up"
