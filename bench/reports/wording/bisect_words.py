"""The words of a bisect: what each commit was found to be, and the one line at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.wording.phrases import count
from bench.reports.wording.verdict_words import percent, percents, ratio_text
from bench.stats.bisection import UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.stats.bisection import BisectEnd, BisectProgress, BisectStep

_DIGITS: Final = 12
_HASH: Final = 40
_SHOWN: Final = 5
_UNDECIDED: Final = "nearer neither to good nor to bad by as many pairs as a step has"
_FOUND: Final = {
    "good": "as good",
    "bad": "costs more",
    "culprit": "costs more than its parent",
}


def short_hash(commit: str) -> str:
    """As much of a hash as people read; a version as a whole."""
    return commit[:_DIGITS] if len(commit) >= _HASH else commit


def progress_words(
    told: BisectProgress, good: str, bad: str, reason: str = "", what: str = "commit"
) -> str:
    """`a1b2c3d4e5f6 costs more: 1.052x [...] of good, 0.999x [...] of bad; 4 commits left`."""
    names = {good: "good", bad: "bad"}
    ratios = ", ".join(
        f"{_ratio(step)} of {names.get(step.against, short_hash(step.against))}"
        for step in told.steps
    )
    left = f"{count(told.left, what)} left"
    if told.found not in _FOUND:
        return f"{short_hash(told.commit)} passed over: {reason_words(reason)}; {left}"
    why = ratios or "the same content as one that is known"
    return f"{short_hash(told.commit)} {_FOUND[told.found]}: {why}; {left}"


def reason_words(reason: str) -> str:
    """Why a commit was passed over."""
    return _UNDECIDED if reason == UNDECIDED else reason or "it cannot be known"


def _ratio(step: BisectStep) -> str:
    return ratio_text(step.ratio, step.low, step.high)


def culprit_words(end: BisectEnd, authored: str, subject: str, files: Sequence[str]) -> str:
    """The answer in one line: commit, author date, subject, ratio with interval, files changed."""
    assert end.culprit is not None  # noqa: S101 - only called for those
    assert end.last is not None  # noqa: S101 - it is found by that comparison
    shown = ", ".join(files[:_SHOWN]) + (", ..." if len(files) > _SHOWN else "")
    changed = count(len(files), "file")
    return (
        f"{short_hash(end.culprit)} {authored} {subject}: a request costs {_ratio(end.last)} "
        f"of what it costs in the parent; {changed} changed: {shown}"
    )


def version_words(end: BisectEnd, dependency: str, older: str) -> str:
    """The answer in one line where versions of a dependency were searched."""
    assert end.last is not None  # noqa: S101 - it is found by that comparison
    return (
        f"{dependency} {end.culprit}: a request costs {_ratio(end.last)} of what it costs "
        f"with {older}"
    )


def ending_words(end: BisectEnd, detect: float, max_time: str, what: str = "commit") -> str:
    """Why there is no culprit, and what was proven, in one line."""
    if end.why == "same" and end.last is None:
        return "no difference: good and bad have the same content"
    if end.last is not None and end.why in {"same", "open"}:
        found = percents(end.last.low, end.last.high)
        if end.why == "same":
            return f"no difference of {percent(detect)}: bad costs {found}, compared with good"
        return f"not decided whether bad costs more: {found}, compared with good"
    if end.last is not None and end.why == "cheaper":
        return (
            f"bad costs less than good: {_ratio(end.last)}; only what became costlier can be "
            "searched for"
        )
    if end.why == "failed":
        return f"bad cannot be measured: {reason_words(end.skipped[-1][1])}"
    return f"{_why_open(end, max_time, what)}; {_range(end.candidates)}"


def _why_open(end: BisectEnd, max_time: str, what: str) -> str:
    if end.why == "time":
        return f"the time ({max_time}) is over"
    if end.why == "unconfirmed":
        assert end.last is not None or end.skipped  # noqa: S101 - one of both is the reason
        why = _ratio(end.last) if end.last else reason_words(end.skipped[-1][1])
        before = "its parent" if what == "commit" else "the one before it"
        return f"the last {what} left is not proven to cost more than {before}: {why}"
    return f"the {what}s that are left cannot be told apart"


def _range(candidates: Sequence[str]) -> str:
    if len(candidates) == 1:
        return f"only {short_hash(candidates[0])} is left"
    return (
        f"the first that costs more is one of {len(candidates)}: "
        f"{' '.join(short_hash(each) for each in candidates[:_SHOWN])}"
        + (f" ... {short_hash(candidates[-1])}" if len(candidates) > _SHOWN else "")
    )
