"""Rendered pictures: not empty, labels not cut, the same bytes each time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import vl_convert

from bench.reports.charts.chart import Bar, Chart
from bench.reports.charts.rendering import javascript, page_panels, render_svg
from bench.reports.charts.specs import bars
from bench.reports.figures import make_charts
from bench.reports.view import make_view
from tests.reports import samples

if TYPE_CHECKING:
    from pathlib import Path

LONG = "A server whose title is rather long"
SVG = "{http://www.w3.org/2000/svg}"


def _chart(*servers: str) -> Chart:
    found = [
        Bar(name, 1000.0 * (n + 1), 900.0, 1100.0 * (n + 1), f"{n + 1},000")
        for n, name in enumerate(servers)
    ]
    return Chart("t", "A title", "A title.", (bars("", found, servers, "requests/sec"),))


def test_picture_is_not_empty() -> None:
    """The title, every label and every bar are in it, in the color of its server."""
    root = ET.fromstring(render_svg(_chart("axum", LONG))["light"])  # noqa: S314 - made here
    texts = {"".join(node.itertext()) for node in root.iter(f"{SVG}text")}
    fills = {node.get("fill") for node in root.iter(f"{SVG}path")}

    assert {"A title", "axum", LONG, "1,000", "2,000", "requests/sec"} <= texts
    assert {"#0072B2", "#D55E00"} <= fills


def test_labels_are_not_cut() -> None:
    """Rendered to pixels, the frame of the picture holds background only."""
    width, height, pixels = _pixels(render_svg(_chart("axum", LONG))["light"])
    edge = [pixels[y * width + x] for y in range(height) for x in (0, 1, width - 2, width - 1)]
    inside = set(pixels)

    assert set(edge) == {(255, 255, 255)}
    assert len(inside) > 10


def _pixels(svg: bytes) -> tuple[int, int, list[tuple[int, int, int]]]:
    """Decode the PNG that vl-convert makes of an SVG: 8-bit RGBA, all five filters."""
    import struct  # noqa: PLC0415 - only here
    import zlib  # noqa: PLC0415 - only here

    data = vl_convert.svg_to_png(svg.decode())
    width, height = struct.unpack(">II", data[16:24])
    chunks, at = b"", 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            chunks += data[at + 8 : at + 8 + size]
        at += size + 12
    raw, stride, before, pixels = zlib.decompress(chunks), width * 4, bytes(width * 4), []
    for y in range(height):
        begin = y * (stride + 1)
        row = _unfilter(raw[begin], bytearray(raw[begin + 1 : begin + 1 + stride]), before)
        pixels += [(row[i], row[i + 1], row[i + 2]) for i in range(0, stride, 4)]
        before = bytes(row)
    return width, height, pixels


def _unfilter(kind: int, row: bytearray, up: bytes) -> bytearray:
    for i in range(len(row)):
        left = row[i - 4] if i >= 4 else 0
        corner = up[i - 4] if i >= 4 else 0
        row[i] = (row[i] + _predicted(kind, left, up[i], corner)) % 256
    return row


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda value: abs(guess - value))
    return (0, left, up, (left + up) // 2)[kind]


@pytest.mark.parametrize("name", ["against", "throughput", "latency", "cpu", "payload", "trials"])
def test_same_bytes_each_time(name: str) -> None:
    """The engine's running numbers do not show."""
    charts = {c.name: c for c in make_charts(make_view(samples.five_servers())).all}

    assert render_svg(charts[name]) == render_svg(charts[name])


def test_dark_differs_by_its_frame_only() -> None:
    """The dark picture has its own background and text, and the servers' same colors."""
    pictures = render_svg(_chart("axum", "spikard"))
    light, dark = pictures["light"].decode(), pictures["dark"].decode()

    assert 'fill="#0d1117"' in dark
    assert "#ffffff" not in dark
    assert "#1f2328" not in dark
    assert re.sub("#[0-9a-f]{6}", "", light) == re.sub("#[0-9a-f]{6}", "", dark)


def test_hostile_titles_stay_text() -> None:
    """A title cannot add an element to the picture."""
    svg = render_svg(_chart("<script>alert(1)</script>", "&quot;'\"]]>"))["light"]
    root = ET.fromstring(svg)  # noqa: S314 - made here

    assert not list(root.iter(f"{SVG}script"))
    assert "<script>alert(1)</script>" in {"".join(n.itertext()) for n in root.iter(f"{SVG}text")}


def test_script_cannot_end_its_element() -> None:
    """The bundle holds neither the end of a script nor the start of a comment."""
    script = javascript()

    assert "</script" not in script
    assert "<!--" not in script
    assert "vegaEmbed" in script


def test_page_panels_take_the_width_of_their_place() -> None:
    """Each panel is a specification of its own, without colors of a theme."""
    chart = _chart("axum")

    assert [panel["width"] for panel in page_panels(chart)] == ["container"]
    assert all("config" not in panel for panel in page_panels(chart))


def test_script_of_a_page_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a second to bundle is bundled once, and is the same from the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    javascript.cache_clear()
    first = javascript()
    javascript.cache_clear()
    monkeypatch.setattr(vl_convert, "javascript_bundle", None)
    again = javascript()
    javascript.cache_clear()

    assert again == first
    assert "</script" not in first
