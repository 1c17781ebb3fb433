"""What `bench capacity` says at the end: the answers, and how each was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.reports.sections.searched_rates import steps_table
from bench.reports.terminal import table as terminal_table
from bench.reports.view import make_view
from bench.reports.wording.capacity_words import answer

if TYPE_CHECKING:
    from bench.model.summary import RunView


def text(view: RunView) -> str:
    """The answers, and how each was found."""
    titles = make_view(view).titles
    lines = [
        f"{titles.get(r.server, r.server)}, {r.workload}: {answer(r)}" for r in view.capacities
    ]
    lines += [
        f"{one.server}: not measured, {one.reason.splitlines()[0]}" for one in view.plan.skipped
    ]
    tables = [terminal_table(steps_table(one)) for one in view.capacities if one.steps]
    return "\n\n".join(["\n".join(lines), *tables]) + "\n"
