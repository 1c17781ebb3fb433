"""The one table of findings: code -> sentence, advice; for terminal, Markdown, HTML and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from bench.reports.wording.host_words import HOST_WORDS
from bench.reports.wording.remote_words import REMOTE_WORDS
from bench.reports.wording.run_words import RUN_WORDS
from bench.reports.wording.template import Words, fill
from bench.reports.wording.trial_words import TRIAL_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.model.finding import Finding
    from bench.model.host_facts import Host
    from bench.model.trial_record import TrialRecord

Held = TypeVar("Held", "Host", "TrialRecord")
_SAID: Final = Words("{said}")
SAID_CODES: Final = frozenset(
    {
        "database-down",
        "database-missing",
        "memory-limit",
        "no-answer",
        "not-listener",
        "numa",
        "other-protocol",
        "port-busy",
        "load-machine-lost",
        "server-died",
        "server-machine-lost",
        "server-not-ready",
        "shared-core",
        "sweep-short",
        "tool-failed",
    }
)
"""Codes whose words are always those of an error or of a plan's CPU split."""
WORDS: Final[Mapping[str, Words]] = {**HOST_WORDS, **TRIAL_WORDS, **RUN_WORDS, **REMOTE_WORDS}
"""Code, or code/case where one code has several sentences -> its words.

The case `said` is left out: there the words are those of an error or of a plan, as they came."""


def told(item: Finding) -> Finding:
    """The finding with its sentences, as files, JSON and the reports have them.

    Findings of earlier versions have no figures for a sentence: theirs stays as it was read.
    """
    words = _words(item)
    if words is None:
        return item
    try:
        said = {name: fill(part, item.evidence) for name, part in words._asdict().items()}
        said["text"] = _placed(said["text"], item)
    except (LookupError, TypeError, ValueError):  # of a version with other figures
        return item
    return item.replace(
        text=said["text"], advice=said["advice"], why=said["why"], undo=said["undo"]
    )


def in_words(item: Finding) -> Finding:
    """The finding as a report shows it: its sentences, said of the trial that is its example."""
    said = told(item)
    if item.example is not None:
        said = said.replace(text=f"{_example(item)}: {said.text}")
    return said.replace(case=None, example=None)


def text_of(item: Finding) -> str:
    """What was seen, in words."""
    return in_words(item).text


def all_told(items: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings for a file of a run: figures, and their sentences for readers of the file."""
    return tuple(told(item) for item in items)


def with_text(holder: Held) -> Held:
    """A machine or a record with its `findings` as `all_told` makes them."""
    return holder.replace(findings=all_told(holder.findings))


def _placed(text: str, item: Finding) -> str:
    """The sentence with the machine that it is about, where another sentence does not name it."""
    machine = str(item.evidence.get("machine") or "")
    return text if machine in text else f"{machine}: {text}"


def _words(item: Finding) -> Words | None:
    if item.case is None:
        return None
    if item.case == "said":
        return _SAID
    return WORDS.get(f"{item.code}/{item.case}" if item.case else item.code)


def _example(item: Finding) -> str:
    example = item.example
    if example is None:
        return ""
    if example.seen == 1:
        return example.trial
    return f"{example.seen} of {example.trials} trials, such as {example.trial}"
