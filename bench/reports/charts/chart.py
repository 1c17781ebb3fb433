"""What a chart is: a title that says what is seen, and panels with pure specifications."""

from __future__ import annotations

from typing import Any, NamedTuple

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
        alt: the same figures in words, for whoever cannot see it.
    """

    name: str
    title: str
    alt: str
    panels: tuple[Panel, ...]


class Bar(NamedTuple):
    """An estimate of one server; low and high are its 95 % interval or None."""

    server: str
    value: float
    low: float | None
    high: float | None
    label: str


class Point(NamedTuple):
    """A point of one server's line; `mark` is "" or why the point is no part of the figures."""

    server: str
    x: float
    y: float
    mark: str = ""
