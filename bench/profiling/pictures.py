"""Pictures of stacks: a flame graph as SVG and speedscope's JSON; equal stacks, equal bytes.

No kept Python library draws flame graphs without Perl or a browser, and one is forty lines.
Speedscope's format: https://github.com/jlfwong/speedscope/wiki/Importing-from-custom-sources
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from xml.sax.saxutils import escape

import orjson

from bench.profiling.stacks import label
from bench.reports.escape import line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.profiling.stacks import Profile

_WIDTH: Final = 1200
_ROW: Final = 17
_LEAST: Final = 0.6
"""Frames narrower than this many pixels are left out."""
_CHAR: Final = 6.6
_HUES: Final = {"kernel": (8, 24), "native": (28, 50), "script": (190, 225), "": (0, 0)}


class Node:
    """A frame in the tree of all stacks, with the samples in it and below."""

    def __init__(self, kind: str = "") -> None:
        self.kind = kind
        self.count = 0
        self.children: dict[str, Node] = {}

    @property
    def depth(self) -> int:
        """Levels below and including this one."""
        return 1 + max((child.depth for child in self.children.values()), default=0)


def tree(profile: Profile) -> Node:
    """All stacks merged from the outermost frame on."""
    root = Node()
    for stack in profile.stacks:
        root.count += stack.samples
        node = root
        for frame in reversed(stack.frames):
            node = node.children.setdefault(label(frame), Node(frame.kind))
            node.count += stack.samples
    return root


def flame_svg(profile: Profile, title: str) -> bytes:
    """The flame graph: width is the share of samples, outermost frames at the bottom.

    Hover over a frame for its name and share. Blue: script, yellow: native, red: kernel.
    """
    root = tree(profile)
    height = root.depth * _ROW + 50
    size = f'width="{_WIDTH}" height="{height}"'
    shown = escape(line(title))
    middle = f'<text x="{_WIDTH // 2}" y="20" text-anchor="middle" font-size="14">{shown}</text>'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-size="11">',
        f"<title>{shown}</title>",
        "<style>text{font-family:Verdana,sans-serif}</style>",
        f'<rect {size} fill="#fff"/>',
        middle,
    ]
    _draw(_Canvas(parts, root.count), root, "all samples", 0.0, height - 10 - _ROW)
    return "\n".join([*parts, "</svg>", ""]).encode()


class _Canvas(NamedTuple):
    """What is drawn already, and how many samples the whole width stands for."""

    parts: list[str]
    total: int


def _draw(canvas: _Canvas, node: Node, name: str, x: float, y: int) -> None:
    width = node.count / canvas.total * _WIDTH
    if width < _LEAST:
        return
    share = f"{node.count / canvas.total:.1%}"
    clean = line(name)
    shown = clean if len(clean) * _CHAR < width else clean[: max(0, int(width / _CHAR) - 2)]
    text = f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(shown)}</text>' if len(shown) > 1 else ""
    box = f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_ROW - 1}"'
    fill = f'fill="{_color(node.kind, name)}"/>'
    canvas.parts.append(f"<g><title>{escape(clean)}: {share}</title>{box} {fill}{text}</g>")
    for child, below in sorted(node.children.items()):
        _draw(canvas, below, child, x, y - _ROW)
        x += below.count / canvas.total * _WIDTH


def _color(kind: str, name: str) -> str:
    """A steady color per name within the hue of its kind."""
    low, high = _HUES.get(kind, _HUES[""])
    number = zlib.crc32(name.encode())
    hue = low + number % max(1, high - low)
    light = 68 + number // 256 % 14
    return f"hsl({hue},{0 if not kind else 75}%,{light}%)"


def speedscope(profile: Profile, name: str) -> bytes:
    """The stacks for speedscope: weights in seconds, outermost frame first."""
    index: dict[str, int] = {}
    samples, weights = [], []
    for stack in sorted(
        profile.stacks, key=lambda s: (s.thread, [label(f) for f in s.frames][::-1])
    ):
        samples.append([index.setdefault(label(f), len(index)) for f in reversed(stack.frames)])
        weights.append(round(stack.samples * profile.weight_s, 9))
    data: Mapping[str, Any] = {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": "bench",
        "name": name,
        "shared": {"frames": [{"name": frame} for frame in index]},
        "profiles": [
            {
                "type": "sampled",
                "name": name,
                "unit": "seconds",
                "startValue": 0,
                "endValue": round(sum(weights), 9),
                "samples": samples,
                "weights": weights,
            }
        ],
    }
    return orjson.dumps(data)
