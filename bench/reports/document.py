"""Puts the sections of a report together, in the order of the source report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.reports.base import Document, Section
from bench.reports.sections.configuration import configuration
from bench.reports.sections.header import lead
from bench.reports.sections.method import method_blocks
from bench.reports.sections.next_steps import next_steps
from bench.reports.sections.raw_data import raw_data
from bench.reports.sections.results import results
from bench.reports.sections.servers import servers
from bench.reports.view import make_view
from bench.reports.wording.conclusion import conclusion
from bench.reports.wording.implications import implications
from bench.reports.wording.key_findings import key_findings

if TYPE_CHECKING:
    from bench.model.summary import RunView


def make_document(run: RunView, *, links: bool = True) -> Document:
    """Everything that a report says, before it has a form.

    Args:
        run: the run.
        links: whether the report stands in the run directory and may link into it.
    """
    view = make_view(run)
    sections = (
        configuration(view),
        servers(view),
        results(view),
        Section("Key Findings", key_findings(view)),
        Section("Implications", implications(view)),
        Section("Next Steps", next_steps(view)),
        raw_data(view, links=links),
        Section("Conclusion", (*conclusion(view), *method_blocks(view))),
    )
    return Document(run.plan.title, lead(view), tuple(s for s in sections if s.blocks))
