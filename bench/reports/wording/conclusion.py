"""Conclusion: the verdicts in words, and the three sentences at the top of the report."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bench.reports.blocks import Bullets, Paragraph
from bench.reports.decisions import decisions
from bench.reports.view import by_workload, metric_of, rate, unlike, winner
from bench.reports.wording.baseline_difference import gap, one_gap
from bench.reports.wording.capacity_words import answer
from bench.reports.wording.notes import bare_phrase, verdict_phrase
from bench.reports.wording.phrases import count, join, named, tally
from bench.reports.wording.verdict_words import times_alone, times_bounded
from bench.units import format_rate

if TYPE_CHECKING:
    from bench.reports.blocks import Block, Text
    from bench.reports.decisions import Decision
    from bench.reports.view import Entry, Group, View


def in_short(view: View) -> str:
    """At most three sentences, "" where nothing was measured; only what is decided is counted."""
    groups = [group for group in view.groups if group.measured]
    if view.run.capacities:
        return _searched(view)
    if not groups:
        return ""
    found = decisions(view)
    if len(found) == 1 and len(groups) == 1 and (only := _only(found[0])):
        return only
    rated = [group for group in groups if group.by_rate]
    return " ".join(part for part in (_most(rated), *_decided(view, found)) if part)


def _only(found: Decision) -> str:
    """The one comparison of a run in full."""
    metric = metric_of(found.entry, found.lead.metric)
    said = one_gap(found.group, found.entry, metric) if metric else []
    return said[0] if said and isinstance(said[0], str) else ""


def _searched(view: View) -> str:
    found = view.run.capacities
    several = len({one.workload for one in found}) > 1
    said = [
        f"{view.titles.get(one.server, one.server)}{f' ({one.workload})' if several else ''} "
        f"{answer(one)}"
        for one in found
    ]
    return "; ".join(said) + "."


def _curves(view: View) -> str:
    points = sum(entry.measured for group in view.curves for entry in group.entries)
    return f"Load curves of {count(len(view.titles), 'server')} at {count(points, 'point')}."


def conclusion(view: View) -> tuple[Block, ...]:
    """Every verdict on throughput and response time, and what they rest on."""
    short = in_short(view)
    if not short and view.curves:
        return (Paragraph(f"{_curves(view)} {_basis(view)}"),)
    if not short:
        return (Paragraph("No server has a usable trial: nothing can be concluded."),)
    if view.run.capacities:
        return (Paragraph(f"{short} {_basis(view)}"),)
    if len(view.groups) == 1:
        sentences = gap(view)
        if len(sentences) > 1:
            return Paragraph(_basis(view)), Bullets(tuple(sentences))
        return (Paragraph(f"{short} {_basis(view)}"),)
    return Paragraph(f"{short} {_basis(view)}"), Bullets(tuple(_per_group(view)))


def _basis(view: View) -> str:
    usable = [trial for trial in view.run.trials if trial.usable]
    if view.run.info.imported:
        return f"This rests on {count(len(usable), 'imported result')}."
    plan = view.run.plan
    cost = plan.cost.profile.id if plan.cost else None
    duets = [trial for trial in usable if trial.profile == cost]
    ceilings = {group.ceiling.server for group in view.groups if group.ceiling}
    others = [trial for trial in usable if trial.profile != cost]
    own = [trial for trial in others if trial.server not in ceilings]
    parts = [
        f"{count(len(each), noun)} in {count(len({trial.round for trial in each}), 'round')}"
        for each, noun in ((own, "usable trial"), (duets, "usable duet"))
        if each
    ]
    yardstick = len(others) - len(own)
    beside = f", besides {count(yardstick, 'trial')} of the ceiling server" if yardstick else ""
    return f"This rests on {join(parts)} on one machine{beside}."


def _most(groups: list[Group]) -> str:
    """Who answered the most: said of a workload where its interval is above all others."""
    groups = [group for group in groups if not unlike(*group.rivals)]
    compared = [group for group in groups if len(group.rivals) > 1]
    if not compared:
        single = [entry for group in groups for entry in group.rivals]
        if len(single) != 1:
            return ""
        return f"{single[0].title} answered {format_rate(rate(single[0]))} requests/sec."
    if len(compared) == 1:
        return _most_of_one(compared[0])
    best = by_workload(compared, lambda group: winner(group, group.lead_metric))
    subjects = list(dict.fromkeys(group.subject for group in compared))
    wins = Counter(title for title in best if title)
    open_ones = [name for name, title in zip(subjects, best, strict=True) if not title]
    ranked = sorted(wins.items(), key=lambda item: (-item[1], item[0]))
    number = count(len(best), "workload")
    said = ", ".join(f"{title} in {times} of {number}" for title, times in ranked)
    undecided = f"in {named(open_ones)} the best cannot be told apart" if open_ones else ""
    parts = [f"Most requests/sec: {said}"] if said else []
    text = "; ".join([*parts, undecided] if undecided else parts)
    return f"{text[0].upper()}{text[1:]}."


def _most_of_one(group: Group) -> str:
    best, second = sorted(group.rivals, key=rate, reverse=True)[:2]
    most = format_rate(rate(best))
    if winner(group, group.lead_metric):
        return f"Most requests/sec: {best.title} with {most}."
    if _without_interval(best):
        return f"Highest measured rate, without an interval: {best.title}, {most}."
    figures = f"{most} and {format_rate(rate(second))}"
    return f"{best.title} and {second.title} cannot be told apart ({figures} requests/sec)."


def _without_interval(entry: Entry) -> bool:
    metric = entry.cell.metrics.throughput_rps
    return metric is None or metric.low is None


def _decided(view: View, found: tuple[Decision, ...]) -> list[str]:
    """A sentence on the comparisons of rates, and one on all others."""
    by_lead = [
        _of_lead(view, [each for each in found if each.lead.metric == metric])
        for metric in dict.fromkeys(each.lead.metric for each in found)
    ]
    if not by_lead:
        return []
    if not any(each.decided for each in found) and _too_few(found):
        return ["No comparison has a verdict: too few rounds."]
    first, *rest = by_lead
    said = f"Against {view.baseline}, {first}."
    return [said, f"{'; '.join(rest)}."] if rest else [said]


def _too_few(found: tuple[Decision, ...]) -> bool:
    return all(each.verdict.word == "too-few-rounds" for each in found)


def _of_lead(view: View, found: list[Decision]) -> str:
    """`throughput: 29 of 32 comparisons decided (29 slower), not Fastify in JSON medium`."""
    done = [each for each in found if each.decided]
    lead, total = found[0].lead, count(len(found), "comparison")
    words = tally(bare_phrase(each.verdict, lead) for each in done)
    text = f"{lead.short}: {len(done)} of {total} decided"
    text += f" ({words}{_range(view, done)})" if done else ""
    left = [_name(view, each) for each in found if not each.decided]
    return f"{text}, not {named(left)}" if left else text


def _name(view: View, each: Decision) -> str:
    several = len({group.subject for group in view.groups}) > 1
    return f"{each.entry.title} in {each.group.subject}" if several else each.entry.title


def _range(view: View, found: list[Decision]) -> str:
    """From the least ratio to the greatest: `, 0.12x for Spikard, to 0.46x for Fastify`."""
    known = [(each.verdict.ratio, each) for each in found if each.verdict.ratio is not None]
    if len(known) < 2:  # noqa: PLR2004 - a range needs two
        return ""
    (_, least), (_, most) = (pick(known, key=lambda pair: pair[0]) for pick in (min, max))
    low, high = (f"{times_alone(each.verdict)} for {_name(view, each)}" for each in (least, most))
    return f", {low}, to {high}"


def _verdict_words(group: Group) -> list[str]:
    found = (metric_of(entry, group.lead_metric) for entry in group.candidates)
    return [
        verdict_phrase(metric.verdict, group.lead) for metric in found if metric and metric.verdict
    ]


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
            ratio = times_bounded(metric.verdict)
            figure = f" ({ratio})" if ratio else ""
            said.setdefault(verdict_phrase(metric.verdict, group.lead), []).append(
                entry.title + figure
            )
    return "; ".join(f"{word}: {', '.join(titles)}" for word, titles in said.items())
