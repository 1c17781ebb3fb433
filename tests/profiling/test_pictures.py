"""Flame graphs and speedscope files: whole, harmless, the same each time."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import orjson
import pytest

from bench.profiling.pictures import flame_svg, speedscope, tree
from bench.profiling.stacks import Frame, Profile, Stack

EVIL = Frame('</text><script>alert("1")</script>&\x1b', "a.py", "script")
LOOP = Frame("run", "loop.py", "script")
SEND = Frame("tcp_sendmsg", "[kernel]", "kernel")
PROFILE = Profile(
    (
        Stack("t", (SEND, EVIL, LOOP), 60),
        Stack("t", (EVIL, LOOP), 39),
        Stack("t", (Frame("never", "x.so", "native"), LOOP), 1),
    ),
    weight_s=0.002,
)
SVG = "{http://www.w3.org/2000/svg}"


def test_widths_are_shares_of_the_samples() -> None:
    """The outermost frame is as wide as the picture, a callee as wide as its share."""
    picture = ET.fromstring(flame_svg(PROFILE, "a title"))  # noqa: S314 - our own output
    widths = {
        title.text: float(group.find(f"{SVG}rect").get("width", ""))  # type: ignore[union-attr] # each group has one
        for group in picture.iter(f"{SVG}g")
        if (title := group.find(f"{SVG}title")) is not None
    }

    assert widths["all samples: 100.0%"] == 1200
    by_share = {name.rpartition(": ")[2]: width for name, width in widths.items() if name}
    assert by_share["60.0%"] == 720
    assert by_share["99.0%"] == 1188
    assert by_share["1.0%"] == 12


def test_foreign_names_stay_text() -> None:
    """A function's name ends no element and starts none; control characters are visible."""
    picture = flame_svg(PROFILE, "<b>&").decode()

    ET.fromstring(picture)  # noqa: S314 - our own output
    assert "<script" not in picture
    assert "\x1b" not in picture
    assert "\\x1b" in picture
    assert "<title>&lt;b&gt;&amp;</title>" in picture


def test_equal_stacks_make_equal_bytes() -> None:
    """The order in which stacks were read does not show."""
    other = Profile(PROFILE.stacks[::-1], PROFILE.weight_s)

    assert flame_svg(PROFILE, "t") == flame_svg(other, "t")
    assert speedscope(PROFILE, "t") == speedscope(other, "t")


def test_speedscope_gets_every_stack_from_outside_in() -> None:
    """Weights in seconds that add up to the end; frames by index."""
    data = orjson.loads(speedscope(PROFILE, "spikard"))
    (profile,) = data["profiles"]
    names = [frame["name"] for frame in data["shared"]["frames"]]

    assert sum(profile["weights"]) == pytest.approx(0.2) == profile["endValue"]
    assert {names[sample[0]] for sample in profile["samples"]} == {"run (loop.py)"}
    assert len(profile["samples"]) == len(profile["weights"]) == 3
    assert data["$schema"].endswith("file-format-schema.json")


def test_the_tree_merges_from_the_outermost_frame() -> None:
    """Equal callers are one node; its depth is that of the longest stack."""
    root = tree(PROFILE)

    assert (root.count, root.depth) == (100, 4)
    (only,) = root.children.values()
    assert only.count == 100
    assert sorted(child.count for child in only.children.values()) == [1, 99]
