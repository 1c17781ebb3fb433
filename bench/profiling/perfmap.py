"""The map of generated code that V8 and Python write for perf; the last of overlaps counts."""

from __future__ import annotations

from bisect import bisect_right

_FIELDS = 3


def without_overlaps(text: str) -> str:
    """Keep, of entries that overlap, the one that was written last.

    V8 writes a line for every piece of code and none when its memory is used again; perf then
    takes any of them, which gives a hot function the name of a module that ran once.

    Args:
        text: lines of `start size name`, both numbers hexadecimal.
    """
    starts: list[int] = []
    ends: list[int] = []
    lines: list[str] = []
    for line in reversed(text.split("\n")):
        fields = line.split(" ", 2)
        try:
            start = int(fields[0], 16)
            end = start + int(fields[1], 16)
        except (ValueError, IndexError):
            continue
        if len(fields) < _FIELDS or end <= start:
            continue
        at = bisect_right(starts, start)
        before = at > 0 and ends[at - 1] > start
        after = at < len(starts) and starts[at] < end
        if not before and not after:
            starts.insert(at, start)
            ends.insert(at, end)
            lines.insert(at, line)
    return "".join(f"{line}\n" for line in lines)
