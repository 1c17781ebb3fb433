"""What a chart is: a title that says what is seen, and panels with pure specifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bench.reports.escape import line

if TYPE_CHECKING:
    from collections.abc import Sequence

Spec = dict[str, Any]
"""A Vega-Lite specification or a part of one."""


class Panel(NamedTuple):
    """One plot of a chart.

    Attributes:
        title: what it is about, such as a workload; "" where the chart has one panel.
        spec: a Vega-Lite view without width, height, title and configuration.
        height: of the plot in pixels.
    """

    title: str
    spec: Spec
    height: int


class Chart(NamedTuple):
    """One picture of a report.

    Attributes:
        name: of its file, without suffix.
        title: a sentence that says what is seen.
        alt: the same figures in words, for readers who cannot see it.
    """

    name: str
    title: str
    alt: str
    panels: tuple[Panel, ...]


def made(name: str, title: str, alt: Sequence[str], panels: Sequence[Panel]) -> Chart | None:
    """A chart of panels with data; a single one needs no title of its own."""
    if not panels:
        return None
    shown = tuple(panels) if len(panels) > 1 else (panels[0]._replace(title=""),)
    return Chart(name, line(title), line(f"{title}. {' '.join(alt)}"), shown)


class Bar(NamedTuple):
    """An estimate of one server; low and high are its 95 % interval or None."""

    server: str
    value: float
    low: float | None
    high: float | None
    label: str


class Point(NamedTuple):
    """A point of one server's line; `mark` is "" or why the point is not a part of the figures."""

    server: str
    x: float
    y: float
    mark: str = ""
