"""How this was measured: the method in a few lines, folded at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.reports.blocks import Bullets, Folded
from bench.units import format_percent

if TYPE_CHECKING:
    from bench.reports.blocks import Block, Text
    from bench.reports.view import View

_IMPORTED: tuple[Text, ...] = (
    (
        "The figures come from the output of a load tool that was run elsewhere; how the trials "
        "were made is not known."
    ),
    "One sample per server carries no interval and no verdict.",
)


_DUET: tuple[Text, ...] = (
    (
        "Each trial is a duet: the server and the baseline run at the same time on the same CPUs, "
        "each with its own load, so that what disturbs the machine disturbs both. Compared is the "
        "CPU time per successful request over the very same window; how the scheduler shares a "
        "CPU decides the rates, which are shown and not judged. A copy of the baseline against "
        "the baseline gives the noise floor."
    ),
)


def method_blocks(view: View) -> tuple[Block, ...]:
    """Only what was done in this run."""
    items = _IMPORTED if view.run.info.imported else tuple(_items(view))
    return (Folded("How this was measured", (Bullets(items),)),)


def _items(view: View) -> list[Text]:
    closed = any(not group.is_open for group in view.groups)
    opened = any(group.is_open for group in view.groups)
    items: list[Text] = [
        (
            "A trial is a fresh server process, a check of its answers, a warm-up, one measured "
            "window, and the check again. Trials are the n of every estimate; seconds are not."
        ),
        (
            "Each round holds every cell once, in an order drawn from the recorded seed, so that "
            "slow changes of the machine hit all servers alike."
        ),
        *(_DUET if view.run.plan.design == "duet" else ()),
        *_estimates(view),
        (
            "Trials are left out only for a cause declared beforehand (a crash, wrong answers, "
            "errors above 0.1 %, a window off by 5 %), never because a number looks odd."
        ),
        (
            "Requests/sec counts successful responses in the real window. Average and percentiles "
            "come from the merged histograms of all usable trials; percentiles are never averaged, "
            "and shown only where at least ten requests lie beyond them."
        ),
    ]
    if closed:
        items.append(
            "In the closed loop every connection waits for its answer: its latency is service "
            "time at saturation and says little more than the rate does."
        )
    if opened:
        items.append(
            "In the open loop all servers get the same offered rate, and response time counts "
            "from the moment a request was due: only there are latencies compared."
        )
    return items


def _estimates(view: View) -> list[Text]:
    metrics = [
        entry.cell.metrics.throughput_rps for group in view.groups for entry in group.entries
    ]
    if not any(metric and metric.low is not None for metric in metrics):
        return ["With fewer than 3 rounds no interval and no verdict is given."]
    margin = format_percent(view.run.plan.margin).replace(".00", "")
    return [
        (
            "Estimates are geometric means with 95 % Student intervals on logarithms. A ratio to "
            "the baseline pairs the trials of each round; its interval is of that one comparison."
        ),
        (
            f"Verdicts hold the interval against 1 and against a margin of {margin} that is too "
            "small to matter, with p corrected by Holm within workload and profile."
        ),
    ]
