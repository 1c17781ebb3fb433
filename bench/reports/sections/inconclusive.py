"""What "inconclusive" leaves open: per comparison what is possible, and how many more rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.blocks import Bullets, Folded, Paragraph, strong
from bench.reports.decisions import Decision, verdict_by
from bench.reports.primary_metric import COST
from bench.reports.wording.phrases import count
from bench.reports.wording.verdict_words import verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.reports.blocks import Block, Text
    from bench.reports.view import View

WORD: Final = "inconclusive"
_SAID: Final = (
    "Inconclusive: the interval holds 1, or what it says does not hold after correction for the "
    "number of comparisons (Holm)."
)
_FOLD_ABOVE: Final = 12


def inconclusive(view: View) -> tuple[Block, ...]:
    """The word that tables have, explained where it stands; nothing where no verdict is that."""
    found = tuple(_undecided(view))
    if not found:
        return ()
    items = Bullets(tuple(_item(view, each) for each in found))
    if len(found) <= _FOLD_ABOVE:
        return Paragraph(_SAID), items
    folded = Folded(f"What each of the {len(found)} inconclusive comparisons may be", (items,))
    return Paragraph(f"{_SAID} {_in_all(found)}"), folded


def _undecided(view: View) -> Iterator[Decision]:
    """By what leads each group, copies too, and by cost once per server and workload."""
    costs: set[tuple[str, str]] = set()
    for group in view.groups:
        for entry in group.others:
            for lead in (group.lead, COST):
                verdict = verdict_by(entry, lead)
                if verdict is None or verdict.word != WORD:
                    continue
                key = (group.workload, entry.server)
                if lead is not COST or key not in costs:
                    yield Decision(group, entry, lead, verdict)
                costs |= {key} if lead is COST else set()


def _item(view: View, each: Decision) -> Text:
    """`Robyn (Python), JSON large, rate: probably slower (0.51x [0.32, 0.80]), but ...`."""
    several = len({group.subject for group in view.groups}) > 1
    leads = {lead.name for group in view.groups for lead in (group.lead, COST)}
    named = [each.entry.title, *([each.group.subject] if several else [])]
    named += [each.lead.name] if len(leads) > 1 else []
    return (strong(", ".join(named)), verdict_of(each.verdict, ""))


def _in_all(found: Sequence[Decision]) -> str:
    """Of many: `14 comparisons, settled by about 3 to 60 more rounds, 2 by more than 100`."""
    needed = [each.verdict.basis.more_rounds for each in found if each.verdict.basis]
    known = sorted(each for each in needed if each is not None)
    never = len(needed) - len(known)
    parts = [count(len(found), "comparison")]
    if known:
        least, most = known[0], known[-1]
        numbers = f"{least} to {most}" if most > least else f"{least}"
        parts.append(f"settled by about {numbers} more round{'s' if most > 1 else ''}")
    if never:
        parts.append(f"{never} by more than 100")
    return f"{', '.join(parts)}."
