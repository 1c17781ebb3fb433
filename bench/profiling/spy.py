"""What py-spy wrote, read: stacks of threads at work, those asleep, and who held the GIL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import ParseError
from bench.model.cpu_profile import Gil
from bench.profiling.asleep import sleeps
from bench.profiling.stacks import UNKNOWN, Frame, Profile, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROCESS: Final = re.compile(r'^process \d+:".*?";')
_THREAD: Final = re.compile(r"^thread \((?P<id>0x[0-9a-fA-F]+|\d+)\)(?:: (?P<name>[^;]*))?(?:;|$)")
_FRAME: Final = re.compile(r"^(?P<name>.*) \((?P<file>[^()]+?)(?::\d+)?\)$")
_ADDRESS: Final = re.compile(r"^0x[0-9a-f]+$")
_SUMMARY: Final = re.compile(r"Samples: (\d+) Errors: (\d+)")
_BEHIND: Final = re.compile(r"([\d.]+)s behind in sampling")
_SCRIPTS: Final = (".py", ".pyx")
_PARTS: Final = 3


class SpyReport(NamedTuple):
    """What py-spy says about itself.

    Attributes:
        samples: stacks that it wrote.
        errors: looks that failed.
        behind_s: by how much it fell behind its own pace, at worst.
    """

    samples: int = 0
    errors: int = 0
    behind_s: float = 0.0


def parse_told(text: str) -> SpyReport:
    """Read what py-spy prints at its end; zeros where it says nothing."""
    match = _SUMMARY.search(text)
    behind = max((float(found) for found in _BEHIND.findall(text)), default=0.0)
    return SpyReport(int(match[1]), int(match[2]), behind) if match else SpyReport(behind_s=behind)


def parse_collapsed(text: str, frequency: int, errors: int = 0) -> Profile:
    """Read py-spy's `--format raw`: `outer (file.py:3);inner (file.py:9) 12`.

    py-spy takes a thread that sleeps in native code for one at work: such stacks are counted
    as `waiting` and left out.

    Raises:
        ParseError: no line of it is a stack.
    """
    stacks = list(_stacks(text))
    if not stacks:
        raise ParseError("py-spy saw no sample")
    awake = tuple(stack for stack in stacks if not sleeps(stack.frames))
    waiting = sum(stack.samples for stack in stacks) - sum(stack.samples for stack in awake)
    if not awake:
        raise ParseError(f"py-spy saw only threads that sleep ({waiting} samples)")
    return Profile(awake, 1 / frequency, 0, errors, waiting)


def _stacks(text: str) -> Iterator[Stack]:
    for line in text.splitlines():
        names, _, count = line.rpartition(" ")
        if not names or not count.isdigit():
            continue
        rest = _PROCESS.sub("", names + ";").removesuffix(";")
        thread = _THREAD.match(rest)
        if thread:
            rest = rest[thread.end() :]
        frames = tuple(_frame(name) for name in reversed(rest.split(";")) if name)
        yield Stack(
            (thread["name"] or "") if thread else "",
            frames or (Frame(UNKNOWN, UNKNOWN, "native"),),
            int(count),
            frozenset({int(thread["id"], 0)}) if thread else frozenset(),
        )


def _frame(text: str) -> Frame:
    match = _FRAME.match(text)
    if not match:
        return Frame(text, UNKNOWN, "native")
    place, name = match["file"], match["name"]
    if place.endswith(_SCRIPTS) or place.startswith("<"):
        return Frame(name, place, "script")
    name = UNKNOWN if _ADDRESS.match(name) else name
    # A library is known by its name, a source file of C by the folders it lies in.
    parts = place.split("/")
    return Frame(name, "/".join(parts[-1:] if ".so" in parts[-1] else parts[-_PARTS:]), "native")


def parse_gil(text: str, told: SpyReport, looks: int) -> Gil:
    """Read `--gil --threads --format raw`: who held the GIL at how many of py-spy's looks.

    Args:
        text: the file; empty where nobody ever held it.
        told: what py-spy said; a look that failed says nothing about the GIL.
        looks: how often it was to look.
    """
    stacks = list(_stacks(text))
    seen = sum(stack.samples for stack in stacks)
    holders = {thread for stack in stacks for thread in stack.threads}
    good = max(looks - told.errors, seen)
    return Gil(
        held_on_cpu=None,
        taking_share=None,
        threads=len(holders),
        held=seen / good if good else None,
    )
