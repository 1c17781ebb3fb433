"""By what the servers of a group are compared first, and how that is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.model.trial_record import cpu_us_per_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.model.summary import Word
    from bench.model.trial_record import TrialRecord


class PrimaryMetric(NamedTuple):
    """The metric that decides, and its words.

    Attributes:
        metric: its name in the summary.
        name: a word for it where verdicts by several metrics stand together.
        column: heading of a column.
        label: name of a row about its interval.
        what: the subject of a title.
        short: the same within a sentence.
        words: verdict words that are said in another way.
        bare: the same where the metric was named before.
    """

    metric: str
    name: str
    column: str
    label: str
    what: str
    short: str
    words: Mapping[Word, str]
    bare: Mapping[Word, str]


THROUGHPUT: Final = PrimaryMetric(
    "throughput_rps", "rate", "Requests/sec", "Requests/sec", "Throughput", "throughput", {}, {}
)
RESPONSE_TIME: Final = PrimaryMetric(
    "p99_us",
    "p99",
    "p99 of a trial",
    "p99 of a trial",
    "Response time at equal offered rate",
    "p99 at equal rate",
    {"less": "lower p99", "more": "higher p99"},
    {"less": "lower", "more": "higher"},
)
MEDIAN_TIME: Final = PrimaryMetric(
    "p50_us",
    "p50",
    "p50 of a trial",
    "p50 of a trial",
    "Median response time at equal offered rate",
    "p50 at equal rate",
    {"less": "lower p50", "more": "higher p50"},
    {"less": "lower", "more": "higher"},
)
"""In place of the p99 where that cannot be compared: the load tool was late in the tail alone."""
RESPONSE_TIMES: Final = (RESPONSE_TIME, MEDIAN_TIME)
PER_CPU: Final = PrimaryMetric(
    "requests_per_cpu_second",
    "per CPU",
    "Requests per CPU-second",
    "Requests per CPU-second",
    "Requests per CPU-second, each server beside the baseline on the same CPUs",
    "requests per CPU-second",
    {"faster": "more per CPU", "slower": "less per CPU"},
    {"faster": "more", "slower": "less"},
)
COST: Final = PrimaryMetric(
    "cost",
    "cost",
    "CPU per request against baseline",
    "CPU per request at equal rate",
    "CPU per request at an equal offered rate, each server beside the baseline",
    "CPU per request at equal rate",
    {"less": "costs less", "more": "costs more"},
    {"less": "less", "more": "more"},
)


def lead_of(design: str, loop: str) -> PrimaryMetric:
    """Duets compare by CPU, open loops by response time, all others by throughput."""
    if design == "duet":
        return PER_CPU
    return RESPONSE_TIME if loop == "open" else THROUGHPUT


def value_in(lead: PrimaryMetric, trial: TrialRecord) -> float | None:
    """The figure of one trial by this metric; None where it has none."""
    if trial.load is None:
        return None
    if lead in RESPONSE_TIMES:
        latency = trial.load.latency_us
        return latency.percentiles.get(lead.metric[1:3]) if latency else None
    if lead is PER_CPU:
        cost = cpu_us_per_request(trial)
        return 1e6 / cost if cost else None
    return trial.load.throughput_rps
