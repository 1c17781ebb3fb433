"""What a request costs before any byte, and what each KB adds: CPU per request over body sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from bench.charts import Chart, render_svg
from bench.charts.base import Point
from bench.charts.specs import lines
from bench.model.base import SCHEMA_VERSION, Model
from bench.profiling.report import Table, html_page, markdown_tables
from bench.stats.line import MIN_POINTS, fit_line

if TYPE_CHECKING:
    from bench.stats.line import Coefficient, Line

SIZES: Final = (0, 1_000, 5_000, 10_000, 20_000, 40_000)
"""Bytes of the JSON object that is sent and that must come back; 0 = an empty object."""

_INTERVALS: Final = (
    "Intervals: 95 %, Student t over the residuals of all trials of a server; a line is a model, "
    "and where its cost bends with the size the interval is wide."
)
_INTERCEPT: Final = (
    "What a request costs before any byte holds the kernel, HTTP, routing and the handler."
)


class ConversionPoint(Model):
    """One trial: CPU per request at one size; `us` is None where the trial is of no use."""

    server: str
    body_bytes: int
    round: int
    us: float | None
    status: str


class Conversion(Model):
    """All trials of one experiment, in the order in which they ran."""

    schema_version: int = SCHEMA_VERSION
    bench_version: str
    started: str
    seed: int
    servers: tuple[str, ...]
    points: tuple[ConversionPoint, ...]

    def of(self, server: str) -> tuple[ConversionPoint, ...]:
        """The usable points of one server."""
        return tuple(p for p in self.points if p.server == server and p.us is not None)

    def line(self, server: str) -> Line | None:
        """Microseconds over KB (1000 bytes); None with too few points or one size only."""
        points = self.of(server)
        if len(points) < MIN_POINTS or len({p.body_bytes for p in points}) == 1:
            return None
        return fit_line([p.body_bytes / 1000 for p in points], [p.us or 0.0 for p in points])


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
    chart = slopes(found)
    pictures = render_svg(chart)
    title = "Conversion cost: CPU per request over body sizes"
    tables = tables_of(found)
    note = [_INTERVALS, _INTERCEPT]
    page = html_page(title, tables, note, pictures["light"].decode(), [])
    text = markdown_tables(title, tables, note, f"![{chart.alt}](charts/{chart.name}.light.svg)")
    files = [(f"charts/{chart.name}.{theme}.svg", data) for theme, data in pictures.items()]
    return [*files, ("report.md", text.encode()), ("report.html", page.encode())]


def tables_of(found: Conversion) -> list[Table]:
    """Lines per server, and what was measured at each size."""
    return [
        Table(
            "What a request costs, and what each KB adds",
            "CPU of the server per request = intercept + slope x size of the body in KB "
            "(1000 bytes), which is sent and comes back.",
            ("server", "before any byte", "each KB", "n"),
            [_row(found, server) for server in found.servers],
        ),
        Table(
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
    line = found.line(server)
    if line is None:
        return (server, "-", "-", str(len(found.of(server))))
    return (server, _interval(line.intercept), _interval(line.slope), str(line.n))


def _interval(value: Coefficient) -> str:
    return f"{value.value:.1f} us [{value.low:.1f}, {value.high:.1f}]"


def _mean(found: Conversion, server: str, size: int) -> str:
    values = [p.us for p in found.of(server) if p.body_bytes == size and p.us is not None]
    return f"{sum(values) / len(values):.1f}" if values else "-"


def slopes(found: Conversion) -> Chart:
    """Every trial as a dot, one line per server through its means."""
    points = [
        Point(p.server, p.body_bytes / 1000, p.us)
        for server in found.servers
        for p in sorted(found.of(server), key=lambda p: (p.body_bytes, p.round))
        if p.us is not None
    ]
    x = {"title": "KB of the body", "scale": {"zero": True}}
    y = {"title": "microseconds of CPU per request", "scale": {"zero": True}}
    panel = lines("", points, found.servers, x, y, dots=True)
    alt = "; ".join(
        f"{server}: {line.intercept.value:.0f} us and {line.slope.value:.1f} us for each KB"
        for server in found.servers
        if (line := found.line(server))
    )
    return Chart("conversion", "CPU per request over the size of the body", alt, (panel,))
