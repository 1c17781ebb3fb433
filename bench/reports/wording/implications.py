"""Implications: thresholds from the data - rate reached, p99 at equal load, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.reports.blocks import Bullets, Paragraph
from bench.reports.rows import format_us
from bench.reports.view import apart, metric_of, rate
from bench.reports.withheld import cause, lost, usable, withheld
from bench.reports.wording.phrases import join
from bench.units import format_bytes, format_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.reports.blocks import Block, Text
    from bench.reports.view import Entry, Group, View
    from bench.reports.withheld import Percentile


def implications(view: View) -> tuple[Block, ...]:
    """Nothing without at least two servers in a group."""
    sentences: list[Text] = []
    for group in view.groups:
        sentences += [*_latency(group), *_rates(group)]
    sentences += _memory(view)
    if not sentences:
        return ()
    return Paragraph(_scope(view)), Bullets(tuple(sentences))


def _scope(view: View) -> str:
    if view.run.info.imported:
        return "Thresholds seen in this run, on the machine that measured it:"
    cpus = view.run.plan.cpus.server_count
    noun = "CPU" if cpus == 1 else "CPUs"
    return f"Thresholds seen in this run, on this machine, each server with {cpus} {noun}:"


def _rates(group: Group) -> list[Text]:
    if not group.by_rate:
        return []
    ranked = sorted(group.measured, key=lambda entry: (-rate(entry), entry.title))
    if len(ranked) < 2:  # noqa: PLR2004 - a threshold divides at least two
        return []
    best, second, last = ranked[0], ranked[1], ranked[-1]
    number = "both" if len(ranked) == 2 else f"all {len(ranked)}"  # noqa: PLR2004 - both is two
    least, next_best, top = (format_rate(rate(entry)) for entry in (last, second, best))
    most = f"the most was {top} ({best.title})"
    if apart(second, best, "throughput_rps"):
        most = f"above {next_best} only {best.title}, with {top}"
    reached = f"{number} servers reached {least} requests/sec (the least: {last.title})"
    return [f"{group.title}{_on_average(ranked)}: {reached}; {most}."]


def _on_average(entries: Sequence[Entry]) -> str:
    """Rates are means: single trials of most servers lie below theirs."""
    found = (metric_of(entry, "throughput_rps") for entry in entries)
    return ", on average over trials" if any(each and each.n > 1 for each in found) else ""


def _latency(group: Group) -> list[Text]:
    if not group.is_open:
        return []
    late = [entry for entry in group.measured if withheld(entry)]
    if not late:
        return _within(group, "p99_us", "99 of 100")
    which = join([entry.title for entry in late])
    return [
        *_within(group, "p50_us", "half of all"),
        *_within(group, "p99_us", "99 of 100"),
        f"{group.title}: no p99 is given of {which}, since {cause(late)} in {_some(group, late)}.",
    ]


def _within(group: Group, name: Percentile, how_many: str) -> list[Text]:
    """Of the servers whose percentile is their own in every trial."""
    found = sorted(
        (us, entry.title)
        for entry in group.measured
        if entry.cell.latency_us
        and not withheld(entry, name)
        and (us := entry.cell.latency_us.percentiles.get(name[1:3]))
    )
    if not found:
        return []
    texts = [f"{title} within {format_us(value)}" for value, title in found]
    return [f"{group.title}: {how_many} responses came from {join(texts)}."]


def _some(group: Group, late: Sequence[Entry]) -> str:
    """`10 of 20 trials`."""
    return f"{lost(late)} of {sum(map(usable, group.measured))} trials"


def _memory(view: View) -> list[Text]:
    peaks: dict[str, float] = {}
    for group in view.groups:
        for entry in group.measured:
            metric = metric_of(entry, "rss_peak_bytes")
            if metric:
                peaks[entry.title] = max(peaks.get(entry.title, 0.0), metric.value)
    if len(peaks) < 2:  # noqa: PLR2004 - a comparison needs two
        return []
    ranked = sorted(peaks.items(), key=lambda item: (item[1], item[0]))
    said = join([f"{name} {format_bytes(value)}" for name, value in ranked])
    most = ", where it was highest" if len(view.groups) > 1 else ""
    return [f"Peak memory under load, mean over trials{most}: {said}."]
