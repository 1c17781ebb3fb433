"""A run on its way into reports: view, charts and document, each made once for all forms."""

from __future__ import annotations

from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bench.reports.blocks import Document, Section
from bench.reports.charts.rendering import render_svg
from bench.reports.figures import NO_CHARTS, make_charts
from bench.reports.sections.answer import answer
from bench.reports.sections.configuration import configuration
from bench.reports.sections.header import doubts
from bench.reports.sections.how_it_scales import scaling_section
from bench.reports.sections.machines_used import machines_section
from bench.reports.sections.method import method_blocks
from bench.reports.sections.next_steps import next_steps
from bench.reports.sections.raw_data import raw_data
from bench.reports.sections.results_summary import results
from bench.reports.sections.searched_rates import capacity_section, curve_section
from bench.reports.sections.servers_tested import servers
from bench.reports.sections.where_time_goes import where_time_goes
from bench.reports.view import make_view
from bench.reports.wording.conclusion import conclusion
from bench.reports.wording.implications import implications
from bench.reports.wording.key_findings import key_findings

if TYPE_CHECKING:
    from bench.model.summary import RunView
    from bench.reports.figures import Charts
    from bench.reports.view import View


class Rendering:
    """What every form of report is made from."""

    def __init__(self, run: RunView) -> None:
        self.run = run
        self._documents: dict[bool, Document] = {}

    @cached_property
    def view(self) -> View:
        """The run as sections look at it."""
        return make_view(self.run)

    @cached_property
    def charts(self) -> Charts:
        """Every chart that the run has data for."""
        return make_charts(self.view)

    @cached_property
    def pictures(self) -> dict[PurePosixPath, bytes]:
        """The charts of a text, each for a light and for a dark page."""
        files = {}
        for chart in self.charts.in_text:
            drawn = render_svg(chart)
            files[PurePosixPath(f"charts/{chart.name}.svg")] = drawn["light"]
            files[PurePosixPath(f"charts/{chart.name}.dark.svg")] = drawn["dark"]
        return files

    def document(self, *, links: bool = True) -> Document:
        """The report before it has a form.

        Args:
            links: whether it stands in the run directory and may link into it.
        """
        if links not in self._documents:
            self._documents[links] = make_document(self.view, self.charts, links=links)
        return self._documents[links]


def make_document(view: View, charts: Charts = NO_CHARTS, *, links: bool = True) -> Document:
    """Everything that a report says, before it has a form.

    Args:
        view: the run.
        charts: those that this form shows.
        links: whether the report stands in the run directory and may link into it.
    """
    sections = (
        configuration(view),
        machines_section(view),
        servers(view),
        capacity_section(view, charts),
        curve_section(view, charts),
        scaling_section(view, charts),
        results(view, charts),
        where_time_goes(view, charts, links=links),
        Section("Key Findings", key_findings(view)),
        Section("Implications", implications(view)),
        Section("Next Steps", next_steps(view)),
        raw_data(view, links=links),
        Section("Conclusion", (*conclusion(view), *method_blocks(view))),
    )
    lead = (*doubts(view), *answer(view, charts))
    return Document(view.run.plan.title, lead, tuple(s for s in sections if s.blocks))
