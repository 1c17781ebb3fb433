"""What a request costs before any byte, and what each KB adds: CPU per request over body sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from bench.profiling.report import chart_files, table_section, with_chart
from bench.reports.blocks import Bullets, Document, Drawing, Figure, Section
from bench.reports.html import render_html
from bench.reports.markdown import render_markdown
from bench.reports.profile_figures import slope_chart
from bench.reports.profiles import line_of, mean_of
from bench.reports.wording.time_goes import interval

if TYPE_CHECKING:
    from bench.model.cpu_profile import Conversion
    from bench.reports.blocks import Block

SIZES: Final = (0, 1_000, 5_000, 10_000, 20_000, 40_000)
"""Bytes of the JSON object that is sent and that must come back; 0 = an empty object."""

_INTERVALS: Final = (
    "Intervals: 95 %, Student t over the residuals of all trials of a server, each weighted by the "
    "inverse square of the mean at its size; a line is a model, "
    "and where its cost bends with the size the interval is wide."
)
_INTERCEPT: Final = (
    "What a request costs before any byte holds the kernel, HTTP, routing and the handler."
)


def body_of(size: int) -> bytes:
    """A JSON object of about that many bytes: a list of small objects, as replies often are."""
    items: list[dict[str, Any]] = []
    length = len(b'{"items":[]}')
    while length < size:
        item = {"id": len(items), "name": f"item {len(items)}", "price": 12.5, "tags": ["a", "b"]}
        items.append(item)
        length += len(orjson.dumps(item)) + 1
    return orjson.dumps({"items": items}) if items else b"{}"


def render(found: Conversion) -> list[tuple[str, bytes]]:
    """The report of the experiment and its chart; the same bytes for the same figures."""
    chart = slope_chart("conversion", found, {})
    files = chart_files(chart)
    title = "Conversion cost: CPU per request over body sizes"
    first, *others = tables_of(found)
    said = Section("Findings", (Bullets((_INTERVALS, _INTERCEPT)),))

    def document(picture: Block) -> Document:
        return Document(title, (), (with_chart(first, picture), *others, said))

    drawing = Drawing(chart.name, files[0][1].decode())
    return [
        *files,
        ("report.md", render_markdown(document(Figure(chart.name, chart.title, chart.alt)))),
        ("report.html", render_html(document(drawing))),
    ]


def tables_of(found: Conversion) -> list[Section]:
    """Lines per server, and what was measured at each size."""
    return [
        table_section(
            "What a request costs, and what each KB adds",
            "CPU of the server per request = intercept + slope x size of the body in KB "
            "(1000 bytes), which is sent and comes back.",
            ("server", "before any byte", "each KB", "n"),
            [_row(found, server) for server in found.servers],
        ),
        table_section(
            "CPU per request at each size",
            "Mean over the rounds, in microseconds.",
            ("bytes", *found.servers),
            [
                (f"{size:,}", *(_mean(found, server, size) for server in found.servers))
                for size in sorted({p.body_bytes for p in found.points})
            ],
        ),
    ]


def _row(found: Conversion, server: str) -> tuple[str, ...]:
    line = line_of(found, server)
    if line is None:
        return (server, "-", "-", str(len(found.of(server))))
    return (server, interval(line.intercept), interval(line.slope), str(line.n))


def _mean(found: Conversion, server: str, size: int) -> str:
    value = mean_of(found, server, size)
    return "-" if value is None else f"{value:.1f}"
