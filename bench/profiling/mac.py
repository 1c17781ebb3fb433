"""What macOS's `sample` printed, read; pure, and tried on texts only."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from bench.errors import ParseError
from bench.profiling.asleep import sleeps
from bench.profiling.stacks import UNKNOWN, Frame, Profile, Stack

_ROW: Final = re.compile(
    r"^(?P<bars>[\s+!:|]*)(?P<count>\d+)\s+(?P<name>.+?)"
    r"(?:\s+\(in (?P<dso>[^)]+)\)(?:\s+.*)?)?$"
)
_THREAD: Final = re.compile(r"^Thread_(?P<id>\d+|<multiple>)(?::\s*(?P<name>.*)|\s.*)?$")


class _Node(NamedTuple):
    depth: int
    samples: int
    thread: tuple[str, int]
    frames: tuple[Frame, ...]


def parse_sample(text: str, interval_s: float = 0.001) -> Profile:
    """Read the call graph that `sample` prints.

    A row's count holds those of the rows below it: only the rest is its own. `sample` looks at
    sleeping threads too; they are counted as `waiting` and left out.

    Args:
        text: what it wrote.
        interval_s: seconds between two looks.

    Raises:
        ParseError: there is no call graph in it, or only sleeping threads.
    """
    nodes = _nodes(text.partition("Call graph:")[2].partition("\n\n")[0])
    stacks: list[Stack] = []
    waiting = 0
    for at, node in enumerate(nodes):
        own = node.samples - _below(nodes, at)
        if own <= 0 or not node.frames:
            continue
        if sleeps(node.frames):
            waiting += own
            continue
        name, number = node.thread
        stacks.append(Stack(name, node.frames, own, frozenset({number})))
    if not stacks:
        raise ParseError(
            "`sample` printed no call graph"
            if not nodes
            else f"`sample` saw only threads that sleep ({waiting} samples)"
        )
    return Profile(tuple(stacks), interval_s, waiting=waiting)


def _nodes(body: str) -> list[_Node]:
    nodes: list[_Node] = []
    path: list[tuple[int, Frame]] = []
    thread = ("", 0)
    for line in body.splitlines():
        match = _ROW.match(line)
        if not match:
            continue
        depth, count = len(match["bars"]), int(match["count"])
        head = _THREAD.match(match["name"]) if match["dso"] is None else None
        if head:
            path, number = [], head["id"]
            thread = (head["name"] or "", int(number) if number.isdigit() else 0)
        else:
            path = [item for item in path if item[0] < depth]
            name = UNKNOWN if match["name"] == "???" else match["name"]
            path.append((depth, Frame(name, match["dso"] or UNKNOWN, "native")))
        frames = tuple(frame for _, frame in reversed(path))
        nodes.append(_Node(depth, count, thread, frames))
    return nodes


def _below(nodes: list[_Node], at: int) -> int:
    """Samples of the rows right below one."""
    depth, total, child = nodes[at].depth, 0, None
    for node in nodes[at + 1 :]:
        if node.depth <= depth:
            break
        child = node.depth if child is None else child
        total += node.samples if node.depth == child else 0
    return total
