"""Conclusion: the verdicts in words, and the one sentence at the top of the report."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bench.reports.blocks import Bullets, Paragraph
from bench.reports.view import by_workload, metric_of, rate, unlike
from bench.reports.wording.baseline_difference import gap, one_gap, tallies
from bench.reports.wording.notes import verdict_phrase
from bench.reports.wording.phrases import count, tally
from bench.units import format_rate

if TYPE_CHECKING:
    from bench.reports.blocks import Block, Text
    from bench.reports.view import Group, View


def in_short(view: View) -> str:
    """One or two sentences, "" where nothing was measured."""
    groups = [group for group in view.groups if group.measured]
    if not groups:
        return ""
    if len(groups) == 1:
        return _one_group(groups[0])
    closed = [group for group in groups if group.by_rate]
    return " ".join(part for part in (_highest(closed), _tally(view)) if part)


def conclusion(view: View) -> tuple[Block, ...]:
    """Every verdict on throughput and response time, and what they rest on."""
    short = in_short(view)
    if not short:
        return (Paragraph("No server has a usable trial: nothing can be concluded."),)
    if len(view.groups) == 1:
        sentences = gap(view)
        if len(sentences) > 1:
            return Paragraph(_basis(view)), Bullets(tuple(sentences))
        return (Paragraph(f"{short} {_basis(view)}"),)
    return Paragraph(f"{short} {_basis(view)}"), Bullets(tuple(_per_group(view)))


def _basis(view: View) -> str:
    usable = sum(trial.usable for trial in view.run.trials)
    if view.run.info.imported:
        return f"This rests on {count(usable, 'imported result')}."
    rounds = len({trial.round for trial in view.run.trials if trial.usable})
    return (
        f"This rests on {count(usable, 'usable trial')} in {count(rounds, 'round')} on one machine."
    )


def _one_group(group: Group) -> str:
    found = [
        sentence
        for entry in group.candidates
        if (metric := metric_of(entry, group.lead_metric))
        for sentence in one_gap(group, entry, metric)
    ]
    if len(found) == 1 and isinstance(found[0], str):
        return found[0]
    words = _verdict_words(group)
    if not words or group.baseline is None:
        return _highest([group])
    said = f"Against {group.baseline.title}: {tally(words)}{_range(group)}."
    return f"{_highest([group])} {said}".strip()


def _range(group: Group) -> str:
    """From the least ratio to the greatest: `, 0.12x (Spikard) to 0.46x (Fastify)`."""
    found = sorted(
        (metric.verdict.ratio, entry.title)
        for entry in group.candidates
        if (metric := metric_of(entry, group.lead_metric))
        and metric.verdict
        and metric.verdict.ratio is not None
    )
    if len(found) < 2:  # noqa: PLR2004 - a range needs two
        return ""
    (low, least), (high, most) = found[0], found[-1]
    return f", {low:.2f}x ({least}) to {high:.2f}x ({most})"


def _highest(groups: list[Group]) -> str:
    """Who had the highest rate: measured, so no verdict is claimed."""
    groups = [group for group in groups if group.by_rate and not unlike(*group.measured)]
    compared = [group for group in groups if len(group.measured) > 1]
    best = [max(group.measured, key=rate) for group in groups if len(group.measured) > 1]
    if not best:
        single = [entry for group in groups for entry in group.measured]
        if len(single) != 1:
            return ""
        return f"{single[0].title} answered {format_rate(rate(single[0]))} requests/sec."
    if len(best) == 1:
        highest = format_rate(rate(best[0]))
        return f"Highest measured rate: {best[0].title} with {highest} requests/sec."
    winners = by_workload(compared, lambda group: max(group.measured, key=rate).title)
    wins = Counter(title for title in winners if title)
    ranked = sorted(wins.items(), key=lambda item: (-item[1], item[0]))
    noun = "workload" if len(winners) == 1 else "workloads"
    text = ", ".join(f"{title} in {number} of {len(winners)}" for title, number in ranked)
    return f"Highest measured rate: {text} {noun}." if text else ""


def _verdict_words(group: Group) -> list[str]:
    found = (metric_of(entry, group.lead_metric) for entry in group.candidates)
    return [
        verdict_phrase(metric.verdict, group.lead) for metric in found if metric and metric.verdict
    ]


def _tally(view: View) -> str:
    judged = [
        (group, metric.verdict)
        for group in view.groups
        for entry in group.candidates
        if (metric := metric_of(entry, group.lead_metric)) and metric.verdict
    ]
    words = "; ".join(text for _, text in tallies(judged))
    if not words:
        return ""
    return f"Of {count(len(judged), 'comparison')} with {view.baseline}: {words}."


def _per_group(view: View) -> list[Text]:
    lines: list[Text] = []
    for group in view.groups:
        words = _verdict_words(group)
        if group.baseline and words:
            lines.append(f"{group.title}, against {group.baseline.title}: {_by_word(group)}.")
    return lines


def _by_word(group: Group) -> str:
    said: dict[str, list[str]] = {}
    for entry in group.candidates:
        metric = metric_of(entry, group.lead_metric)
        if metric and metric.verdict:
            ratio = metric.verdict.ratio
            figure = "" if ratio is None else f" ({ratio:.2f}x)"
            said.setdefault(verdict_phrase(metric.verdict, group.lead), []).append(
                entry.title + figure
            )
    return "; ".join(f"{word}: {', '.join(titles)}" for word, titles in said.items())
