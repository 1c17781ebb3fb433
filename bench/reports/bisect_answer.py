"""The answer of a bisect as the object of `--json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.model.bisect import BisectAnswer, BisectRow, BisectSkip
from bench.reports.wording.bisect_words import reason_words

if TYPE_CHECKING:
    from bench.stats.bisection import BisectEnd


def bisect_answer(end: BisectEnd) -> BisectAnswer:
    """What was found, figures and hashes whole."""
    last = end.last
    rows = (step._asdict() for step in end.steps)
    return BisectAnswer(
        culprit=end.culprit,
        candidates=end.candidates,
        ratio=last.ratio if last else None,
        low=last.low if last else None,
        high=last.high if last else None,
        steps=tuple(
            BisectRow(**{name: row[name] for name in BisectRow.model_fields}) for row in rows
        ),
        skipped=tuple(
            BisectSkip(commit=commit, reason=reason_words(reason)) for commit, reason in end.skipped
        ),
    )
