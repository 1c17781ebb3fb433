"""What results measured elsewhere must have in common before they are compared."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from bench.errors import UsageError
from bench.model.finding import Finding, finding
from bench.trial.thresholds import ERRORS_MAX, WINDOW_OFF_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.load_result import LoadResult
    from bench.run.importing.sources import ImportOptions, ResultFile

_REDIRECTS: Final = range(300, 400)
_WORDS_MAX: Final = 500
_UNPRINTED: Final = frozenset({"Cc", "Cs"})
"""Control characters, and what Python makes of bytes that are no UTF-8."""


def check_words(sources: Sequence[ResultFile], facts: ImportOptions) -> None:
    """Refuse words that no file or table can hold.

    Raises:
        UsageError: too long, a line break or another control character, no UTF-8; says which.
    """
    told = {"--title": facts.title, "--workload": facts.workload, "--hardware": facts.hardware}
    for option, text in told.items():
        check_name(option, text)
    for source in sources:
        check_name("label", source.label)
        check_name("file name", source.name)


def check_name(what: str, text: str) -> None:
    """Refuse a text as `check_words` does.

    Args:
        what: what it is, for the message.
        text: the words.

    Raises:
        UsageError: see `check_words`.
    """
    if len(text) > _WORDS_MAX:
        raise UsageError(f"{what}: expected at most {_WORDS_MAX} characters, got {len(text)}")
    if any(unicodedata.category(char) in _UNPRINTED for char in text):
        raise UsageError(f"{what} {text!r}: expected UTF-8 without line breaks or control codes")


def refuse_copies(sources: Sequence[ResultFile]) -> None:
    """Refuse one result given as several rounds of one server.

    Raises:
        UsageError: with the names of both files.
    """
    for number, source in enumerate(sources):
        for other in sources[:number]:
            if other.label == source.label and other.load == source.load:
                raise UsageError(
                    f"{source.label}: {source.name} holds the same result as {other.name}",
                    advice="a copy is not a second round: measure again",
                )


def unlike(source: ResultFile, first: ResultFile, trial: str) -> tuple[Finding, ...]:
    """In what a result was measured otherwise than the first one, as far as the files tell."""
    names = dict.fromkeys((*first.conditions, *source.conditions))
    found = [
        f"{name} {source.conditions.get(name, 'not reported')}, not {first.conditions.get(name)}"
        for name in names
        if source.conditions.get(name) != first.conditions.get(name)
    ]
    mine, theirs = source.load.duration_s, first.load.duration_s
    if theirs and abs(mine / theirs - 1) > WINDOW_OFF_MAX:
        found.append(f"a window of {mine:.3g} s, not {theirs:.3g} s")
    if not found:
        return ()
    other = first.label if first.label != source.label else f"its first result ({first.name})"
    return (finding("unlike-conditions", trial, other=other, differences="; ".join(found)),)


def redirects(load: LoadResult, trial: str) -> tuple[Finding, ...]:
    """Redirects among the successes: a redirect has done none of the work."""
    counts = {int(status): count for status, count in (load.status or {}).items()}
    found = {status: count for status, count in counts.items() if status in _REDIRECTS and count}
    total = sum(found.values())
    if not total or total <= ERRORS_MAX * load.requests:
        return ()
    statuses = ", ".join(map(str, found))
    if total < load.ok:
        return (
            finding(
                "only-redirects",
                trial,
                "some",
                severity="warning",
                redirects=total,
                requests=load.requests,
                statuses=statuses,
            ),
        )
    return (
        finding(
            "only-redirects", trial, redirects=total, statuses=statuses, first=next(iter(found))
        ),
    )
