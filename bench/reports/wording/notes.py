"""Short remarks beside a number: a verdict in few words, and what limits it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.analysis.trials import LATENESS
from bench.reports.primary_metric import PER_CPU

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.model.summary import Verdict, Word
    from bench.reports.primary_metric import PrimaryMetric
    from bench.reports.view import Entry, Group, View

_PHRASES: Final = {
    "faster": "faster",
    "slower": "slower",
    "less": "less",
    "more": "more",
    "equivalent": "equivalent",
    "inconclusive": "inconclusive",
    "too-few-rounds": "too few rounds",
    "not-comparable": "not comparable",
    "baseline": "baseline",
}
_CODE_NOTES: Final = {
    "window-short": "too few responses per connection: a lower bound",
    "client-bound": "the load tool was the limit: a lower bound",
    "near-ceiling": "near the ceiling: a lower bound",
    "saturated": "saturated at this rate",
    "drift": "rate drifts inside the window",
    "timeouts": "timeouts",
    "little": "latency and rate disagree (Little)",
    "late-pacer": "the load tool sent late: part of its response times",
    "pacer-late": "the load tool sent late: response times not compared where it did",
    "arrivals-off": "requests not sent as scheduled: response times not compared where so",
    "not-stationary": "response times had not settled: not compared where so",
    "connections-short": "fewer connections than asked",
    "wrong-response": "wrong answers",
    "unlike-conditions": "measured under unlike conditions",
    "only-redirects": "redirects among its answers",
    "bytes-mismatch": "bytes disagree with responses",
    "histogram-mismatch": "histogram disagrees with counts",
    "database-idle": "answers from elsewhere than its database",
}
UNTIMED: Final = (
    " {tool} leaves {what} out of its latencies; rate and CPU per request have all of it."
)
"""Beside latencies of a profile that opens a connection per request."""
_OWN_FIRST: Final = (
    "; oha's own percentiles of the first byte, from when a request was sent, are in oha.json of "
    "each trial"
)
_LOWER_BOUNDS: Final = frozenset({"client-bound", "near-ceiling", "window-short"})
WINDOW_SHORT: Final = "window-short"
_PLATEAU_SHOWN_S: Final = 0.5


def first_event(tool: str) -> str:
    """Beside the times of a stream: when it began, or that the load tool does not tell."""
    if tool == "paced":
        return (
            " An answer is a stream: first byte is from when a request was due to its first "
            "event, all other times are to its last one."
        )
    return (
        f" An answer is a stream: all times are to its last event. When the first one came is not "
        f"in the figures of {tool}; loop: open with tool: paced has it"
        f"{_OWN_FIRST if tool == 'oha' else ''}."
    )


def verdict_phrase(verdict: Verdict, lead: PrimaryMetric) -> str:
    """The word of a verdict as it stands in a table: `slower`, `higher p99`."""
    return _phrase(verdict, lead.words)


def bare_phrase(verdict: Verdict, lead: PrimaryMetric) -> str:
    """The same after the metric was named: `slower`, `higher`."""
    return _phrase(verdict, lead.bare)


def _phrase(verdict: Verdict, words: Mapping[Word, str]) -> str:
    word = words.get(verdict.word, _PHRASES[verdict.word])
    if verdict.word in ("faster", "slower", "less", "more") and not verdict.beyond_margin:
        return f"{word}, possibly within the margin"
    return word


def notes(view: View, group: Group, entry: Entry) -> str:
    """What limits a cell's number, or "": left-out trials, bound, findings, warm-up."""
    found = [
        *_trials(view, entry),
        *_copy(view, entry),
        *_codes(group, entry),
        *_bound(group, entry),
        *_handshakes(entry),
        *_warmup(entry),
    ]
    return "; ".join(dict.fromkeys(found))


def _copy(view: View, entry: Entry) -> list[str]:
    """Says so where the arm is a copy of another one: what they differ by is noise."""
    floor = view.run.summary.noise_floor
    if entry.copy_of is None or floor is None:
        return []
    return [f"a copy of {entry.copy_of}: noise floor {floor:.1%}"]


def is_lower_bound(group: Group, entry: Entry) -> bool:
    """Whether the server could have answered more than was measured; rates are, latencies not."""
    if not group.by_rate:
        return False
    return entry.cell.bound == "client" or bool(_LOWER_BOUNDS & set(entry.cell.findings))


def is_short(group: Group, entry: Entry) -> bool:
    """Whether too many requests were under way at the end for a rate or cost of it, or beside it.

    Its own, or those of the baseline that it is compared with.
    """
    sides = (entry, group.baseline) if group.baseline else (entry,)
    return any(WINDOW_SHORT in side.cell.findings for side in sides)


def _trials(view: View, entry: Entry) -> list[str]:
    counts = entry.cell.trials
    lost = {
        "invalid": counts.invalid,
        "failed": counts.failed,
        "interrupted": counts.interrupted,
    }
    found = {**lost, "suspect": counts.suspect}
    return [
        f"{count} of {counts.planned} trials {status}{_reasons(view, entry, status)}"
        for status, count in found.items()
        if count
    ]


def _reasons(view: View, entry: Entry, status: str) -> str:
    trials = [trial for trial in view.trials_of(entry) if trial.status == status]
    codes = sorted({code for trial in trials for code in trial.reasons})
    return f" ({', '.join(codes)})" if codes else ""


def _codes(group: Group, entry: Entry) -> list[str]:
    """The remarks that concern what is compared here."""
    spared = LATENESS if group.lead is PER_CPU else frozenset()
    found = set(entry.cell.findings) - spared
    return [text for name, text in _CODE_NOTES.items() if name in found]


def _bound(group: Group, entry: Entry) -> list[str]:
    if not group.by_rate:
        return []
    if entry.cell.bound == "client" and "client-bound" not in entry.cell.findings:
        return [_CODE_NOTES["client-bound"]]
    return []


def _handshakes(entry: Entry) -> list[str]:
    """Whole and resumed handshakes cost a server unlike much: which they were, or that."""
    seen = entry.cell.handshakes
    if seen is None:
        return []
    if seen.whole is not None and seen.resumed is not None:
        return [f"TLS handshakes, counted: {seen.whole:,} whole, {seen.resumed:,} resumed"]
    if not seen.resumes:
        return ["all TLS handshakes were whole: it takes up no session again"]
    return ["TLS handshakes: resumption unknown"]


def _warmup(entry: Entry) -> list[str]:
    seconds = entry.detail.plateau_s
    if seconds is None or seconds < _PLATEAU_SHOWN_S:
        return []
    return [f"warm-up {seconds:.1f} s"]
