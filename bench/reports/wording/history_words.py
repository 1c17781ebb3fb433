"""The words of a history: what shifted, by how much, since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bench.model.history import Series, SeriesChange

METRIC_WORDS: Final = {
    "throughput_rps": ("requests/s", "faster", "slower"),
    "p50_us": ("p50", "higher p50", "lower p50"),
    "p99_us": ("p99", "higher p99", "lower p99"),
    "cpu_us_per_request": ("CPU per request", "more CPU per request", "less CPU per request"),
    "rss_peak_bytes": ("peak memory", "more memory", "less memory"),
}
"""Metric -> its name, and what a ratio above 1 and below 1 is called."""
_CAUSES: Final = {
    "server": "against the reference of the same runs",
    "machine": "the reference shifted with it: the machine or what is common to all servers",
    "unknown": "no reference in these runs: server or machine",
}


def metric_name(metric: str) -> str:
    """The metric as a reader knows it."""
    return METRIC_WORDS.get(metric, (metric,))[0]


def change_words(change: SeriesChange, metric: str) -> str:
    """The shift in words: `slower: 0.95x [0.94, 0.96]`."""
    _, up, down = METRIC_WORDS.get(metric, (metric, f"more {metric}", f"less {metric}"))
    word = up if change.ratio > 1 else down
    return f"{word}: {change.ratio:.3g}x [{change.low:.3g}, {change.high:.3g}]"


def where_words(change: SeriesChange, series: Series) -> str:
    """Since which commit, and in which range the cause lies."""
    first = series.points[max(0, change.first_index - 1)].commit
    last = series.points[min(change.last_index, len(series.points) - 1)].commit
    since = f"since {change.commit[:12]}"
    if change.first_index == change.index == change.last_index:
        return f"{since}, after {change.after[:12]}"
    return f"{since}; the cause lies after {first[:12]}, at the latest in {last[:12]}"


def cause_words(change: SeriesChange) -> str:
    """What it shows against, and how sure it is."""
    return f"{_CAUSES[change.cause]}; p {change.p:.2g}"


def short_history(points: int, least: int) -> str:
    """Why nothing can be seen yet."""
    return f"the longest series has {points} runs; from {least} on a shift can be seen"
