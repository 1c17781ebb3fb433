"""Puts the sections of a report together, in the order of the source report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.reports.blocks import Document, Section
from bench.reports.figures import NO_CHARTS
from bench.reports.sections.configuration import configuration
from bench.reports.sections.header import lead
from bench.reports.sections.method import method_blocks
from bench.reports.sections.next_steps import next_steps
from bench.reports.sections.raw_data import raw_data
from bench.reports.sections.results_summary import results
from bench.reports.sections.searched_rates import capacity_section, curve_section
from bench.reports.sections.servers_tested import servers
from bench.reports.sections.where_time_goes import where_time_goes
from bench.reports.wording.conclusion import conclusion
from bench.reports.wording.implications import implications
from bench.reports.wording.key_findings import key_findings

if TYPE_CHECKING:
    from bench.reports.figures import Charts
    from bench.reports.view import View


def make_document(view: View, charts: Charts = NO_CHARTS, *, links: bool = True) -> Document:
    """Everything that a report says, before it has a form.

    Args:
        view: the run.
        charts: those that this form shows.
        links: whether the report stands in the run directory and may link into it.
    """
    sections = (
        configuration(view),
        servers(view),
        capacity_section(view, charts),
        curve_section(view, charts),
        results(view, charts),
        where_time_goes(view, charts, links=links),
        Section("Key Findings", key_findings(view)),
        Section("Implications", implications(view)),
        Section("Next Steps", next_steps(view)),
        raw_data(view, links=links),
        Section("Conclusion", (*conclusion(view), *method_blocks(view))),
    )
    return Document(view.run.plan.title, lead(view), tuple(s for s in sections if s.blocks))
