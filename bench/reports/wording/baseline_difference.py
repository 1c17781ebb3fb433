"""Who is faster than the baseline, by how much, and how that changes with payload size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.view import metric_of, rate
from bench.reports.wording.notes import bare_phrase, is_short
from bench.reports.wording.phrases import join, tally, verdict_sentence
from bench.reports.wording.verdict_words import times_alone
from bench.units import format_bytes, format_rate, format_ratio

if TYPE_CHECKING:
    from bench.model.summary import Metric, Verdict
    from bench.reports.blocks import Text
    from bench.reports.primary_metric import PrimaryMetric
    from bench.reports.view import Entry, Group, View

_CHANGE: Final = 1.1
"""A ratio that changes by less is called steady."""
_SIZE_STEP: Final = 2.0
"""Payloads that differ by less say nothing about size."""


def gap(view: View) -> list[Text]:
    """One sentence per server: the verdict itself, or over several groups the tally of them."""
    judged = [group for group in view.groups if group.baseline]
    sentences: list[Text] = []
    for name in view.titles:
        pairs = [(group, e) for group in judged for e in group.candidates if e.server == name]
        found = [(g, e, m) for g, e in pairs if (m := metric_of(e, g.lead_metric))]
        if len(found) == 1:
            sentences += one_gap(*found[0])
        elif found:
            sentences.append(_many_gaps(view, found))
    return sentences


def one_gap(group: Group, entry: Entry, metric: Metric) -> list[Text]:
    """The verdict in words; without an interval, the two figures and how many trials they are."""
    verdict = metric.verdict
    if verdict is None or verdict.ratio is None or group.baseline is None:
        return []
    if verdict.low is None and is_short(group, entry):  # then the figures are no rates
        return []
    if verdict.low is not None or verdict.word == "not-comparable" or not group.by_rate:
        return [f"Against {group.baseline.title}, {verdict_sentence(entry, verdict)}"]
    less, more = sorted((entry, group.baseline), key=rate)
    times = format_ratio(rate(more), rate(less))
    return [
        (
            f"{more.title} answered {times} as many requests/sec as {less.title} "
            f"({format_rate(rate(more))} against {format_rate(rate(less))}), "
            f"without an interval ({_samples(metric.n)})."
        )
    ]


def _samples(n: int) -> str:
    return "one trial each" if n == 1 else f"{n} trials each, 3 are needed"


def _many_gaps(view: View, found: list[tuple[Group, Entry, Metric]]) -> Text:
    judged = [(group, metric.verdict) for group, _, metric in found if metric.verdict]
    known = [(g, m.verdict) for g, e, m in found if m.verdict and not is_short(g, e)]
    parts = [
        f"{words}{_range([pair for pair in known if pair[0].lead is lead])}"
        for lead, words in tallies(judged)
    ]
    return f"{found[0][1].title} against {view.baseline}: {'; '.join(parts)}."


def tallies(judged: list[tuple[Group, Verdict]]) -> list[tuple[PrimaryMetric, str]]:
    """How often each word was said, apart for each metric that leads some group."""
    leads = dict.fromkeys(group.lead.metric for group, _ in judged)
    return [_tally_of([(g, v) for g, v in judged if g.lead.metric == metric]) for metric in leads]


def _tally_of(judged: list[tuple[Group, Verdict]]) -> tuple[PrimaryMetric, str]:
    lead = judged[0][0].lead
    # the metric stands before the tally: "p99 at equal rate 2 higher"
    return lead, f"{lead.short} {tally(bare_phrase(verdict, lead) for _, verdict in judged)}"


def _range(judged: list[tuple[Group, Verdict]]) -> str:
    """From the least ratio to the greatest, with the groups in which they were seen."""
    ratios = [(v.ratio, times_alone(v), group) for group, v in judged if v.ratio is not None]
    if not ratios:
        return ""
    (_, low, least), (_, high, most) = (
        pick(ratios, key=lambda each: each[0]) for pick in (min, max)
    )
    if low == high:
        return f" ({low})"
    names = (least.subject, most.subject)
    if least.subject == most.subject:
        names = (least.title, most.title)
    return f" ({low} in {names[0]} to {high} in {names[1]})"


def payload_gap(view: View) -> list[Text]:
    """How the ratio to the baseline changes from the smallest payload to the largest."""
    sized = by_payload(view)
    if len(sized) < 2:  # noqa: PLR2004 - a change needs two
        return []
    (small, first), (large, last) = sized[0], sized[-1]
    span = f"From {format_bytes(small)} to {format_bytes(large)} per request"
    steady: list[str] = []
    sentences: list[Text] = []
    for entry in first.candidates:
        before, after = _ratio(first, entry.server), _ratio(last, entry.server)
        if before is None or after is None or not before.ratio or not after.ratio:
            continue
        change = before.ratio / after.ratio
        if max(change, 1 / change) < _CHANGE:
            steady.append(f"{entry.title} ({times_alone(after)})")
        else:
            said = f"goes from {times_alone(before)} to {times_alone(after)}"
            sentences.append(f"{span}, the ratio of {entry.title} to {view.baseline} {said}.")
    if steady:
        much = f"changes by less than {_CHANGE - 1:.0%}: {join(steady)}"
        sentences.append(f"{span}, the ratio to {view.baseline} {much}.")
    return sentences


def by_payload(view: View) -> list[tuple[float, Group]]:
    """Closed groups of one request kind with a body, by size, each at least twice the last."""
    sized = [
        (size, group)
        for group in view.groups
        if not group.is_open and (size := payload_bytes(group)) is not None
    ]
    sized.sort(key=lambda pair: (pair[0], pair[1].title))
    kept: list[tuple[float, Group]] = []
    for size, group in sized:
        same_profile = not kept or kept[0][1].profile.id == group.profile.id
        if same_profile and (not kept or size >= _SIZE_STEP * kept[-1][0]):
            kept.append((size, group))
    return kept


def payload_bytes(group: Group) -> float | None:
    """Request body size of a workload with one kind of request, None for all others."""
    for entry in group.entries:
        if len(entry.detail.exchanges) == 1 and entry.detail.request_bytes:
            return entry.detail.request_bytes
    return None


def _ratio(group: Group, server: str) -> Verdict | None:
    entry = next((entry for entry in group.candidates if entry.server == server), None)
    if entry and is_short(group, entry):
        return None
    metric = metric_of(entry, "throughput_rps") if entry else None
    return metric.verdict if metric else None
