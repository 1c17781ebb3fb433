"""Stacks: what each profiler wrote, read into one form; pure, nothing here runs a profiler."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

UNKNOWN: Final = "[unknown]"
_HEAD: Final = re.compile(r"^(?P<comm>\S.*?)\s+(?P<pid>\d+)/(?P<tid>\d+)\s+(?P<at>[\d.]+):")
_FRAME: Final = re.compile(
    r"^\s+(?P<ip>[0-9a-f]+)\s+(?P<symbol>.*) \((?P<dso>[^()]*(?:\([^()]*\))?)\)$"
)
_PY: Final = re.compile(r"^py::(?P<name>.+?):(?P<file>[^:]*)$")


class Frame(NamedTuple):
    """One frame.

    Attributes:
        symbol: function, "[unknown]" where the file has no symbols.
        place: file of the code: a library, a source file of the script, "[kernel]".
        kind: whose code: "kernel", "native", or "script" (Python, JavaScript).
    """

    symbol: str
    place: str
    kind: str


class Stack(NamedTuple):
    """Equal samples of one thread name; frames from the innermost outwards.

    Attributes:
        samples: how many of them.
        threads: ids of the threads that were seen in it.
    """

    thread: str
    frames: tuple[Frame, ...]
    samples: int
    threads: frozenset[int] = frozenset()


class Profile(NamedTuple):
    """All stacks of one profile.

    Attributes:
        weight_s: seconds that one sample stands for.
        lost: samples that the profiler says it lost.
        errors: samples that the profiler could not read.
        waiting: samples of sleeping threads, which are not among the stacks.
        taken: how many samples there were, where `samples` is a sum of their lengths.
    """

    stacks: tuple[Stack, ...]
    weight_s: float
    lost: int = 0
    errors: int = 0
    waiting: int = 0
    taken: int | None = None

    @property
    def samples(self) -> int:
        """How many samples all stacks hold; for V8's profiler microseconds."""
        return sum(stack.samples for stack in self.stacks)


Names = Mapping[str, Mapping[str, str]]
"""Library -> place in it (hexadecimal, as perf prints it) -> name, for those without symbols."""


def parse_perf(text: str, frequency: int, lost: int = 0, names: Names | None = None) -> Profile:
    """Read `perf script -F comm,pid,tid,time,ip,sym,dso`.

    Args:
        text: what it printed.
        frequency: samples per CPU second that were asked for.
        lost: samples that perf reported as lost.
        names: of functions that perf could not name.

    Raises:
        ParseError: it holds no sample at all.
    """
    found: dict[tuple[str, tuple[Frame, ...]], list[int]] = {}
    errors = 0
    for thread, tid, frames in _perf_samples(text, names or {}):
        errors += not frames
        known = frames or (Frame(UNKNOWN, UNKNOWN, "native"),)
        found.setdefault((thread, known), []).append(tid)
    stacks = tuple(
        Stack(thread, frames, len(tids), frozenset(tids))
        for (thread, frames), tids in found.items()
    )
    if not stacks:
        raise ParseError("perf saw no sample: the server used no CPU, or perf may not look at it")
    return Profile(stacks, 1 / frequency, lost, errors)


def _perf_samples(text: str, names: Names) -> Iterator[tuple[str, int, tuple[Frame, ...]]]:
    head: re.Match[str] | None = None
    frames: list[Frame] = []
    for line in text.split("\n"):
        if match := _HEAD.match(line):
            if head:
                yield head["comm"], int(head["tid"]), tuple(frames)
            head, frames = match, []
        elif match := _FRAME.match(line):
            symbol = match["symbol"]
            if symbol == UNKNOWN and match["dso"] in names:
                symbol = names[match["dso"]].get(match["ip"], symbol)
            frames.append(_perf_frame(symbol, match["dso"]))
    if head:
        yield head["comm"], int(head["tid"]), tuple(frames)


def _perf_frame(symbol: str, dso: str) -> Frame:
    if dso.startswith(("[kernel", "[guest.kernel")) or dso.endswith((".ko", ".ko.xz")):
        return Frame(symbol, "[kernel]", "kernel")
    if match := _PY.match(symbol):
        return Frame(match["name"], match["file"], "script")
    if dso.startswith(("/tmp/perf-", "[JIT]")) or "/perf-" in dso:  # noqa: S108 - where perf looks
        return _v8_frame(symbol)
    return Frame(symbol, dso.rpartition("/")[2] if dso != UNKNOWN else UNKNOWN, "native")


_V8: Final = re.compile(
    r"^(?P<tag>[A-Za-z]+):(?P<mark>[~*^+]*)(?P<name>\S*)(?: (?P<file>.+?))?(?::\d+:\d+)?$"
)


def _v8_frame(symbol: str) -> Frame:
    """A frame of V8's perf map: `JS:*echo /app/server.js:3:9`, `Builtin:JsonStringify`."""
    match = _V8.match(symbol)
    if not match:
        return Frame(symbol, "[jit]", "native")
    if match["file"] and match["tag"] in ("JS", "LazyCompile", "Function", "Script", "Eval"):
        if not match["name"] and match["mark"] == "~":
            # A map entry of a module's first run whose memory was used again since.
            return Frame("(module)", "[v8]", "native")
        return Frame(match["name"] or "(anonymous)", match["file"], "script")
    return Frame(f"{match['tag']}:{match['name']}", "[v8]", "native")


def parse_cpuprofile(data: Mapping[str, Any]) -> Profile:
    """Read a .cpuprofile of V8: every sample weighs the time since the one before.

    `(idle)` is not CPU time and is left out.

    Raises:
        ParseError: it is not such a profile, or has no sample.
    """
    try:
        nodes = {node["id"]: node for node in data["nodes"]}
        parents = {
            child: node["id"] for node in data["nodes"] for child in node.get("children", ())
        }
        deltas = Counter[int]()
        times = Counter[int](data["samples"])
        for node, delta in zip(data["samples"], data["timeDeltas"], strict=True):
            deltas[node] += max(0, delta)
        found = {node: (_v8_stack(node, nodes, parents), micros) for node, micros in deltas.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise ParseError(f"not a V8 CPU profile: {error}") from None
    busy = {n: (f, us) for n, (f, us) in found.items() if f[0].symbol != "(idle)" and us}
    if not busy:
        raise ParseError("V8's profile holds no sample of work")
    idle = sum(times[node] for node in found if node not in busy)
    stacks = tuple(Stack("main", frames, micros) for frames, micros in busy.values())
    return Profile(stacks, 1e-6, waiting=idle, taken=sum(times[node] for node in busy))


def _v8_stack(
    node: int, nodes: Mapping[int, Mapping[str, Any]], parents: Mapping[int, int]
) -> tuple[Frame, ...]:
    frames = []
    at: int | None = node
    while at is not None:
        call = nodes[at]["callFrame"]
        place = str(call.get("url", "")).removeprefix("file://")
        name = str(call["functionName"]) or "(anonymous)"
        if name != "(root)":
            frames.append(Frame(name, place or "[v8]", "script" if place else "native"))
        at = parents.get(at)
    return tuple(frames) or (Frame("(root)", "[v8]", "native"),)


def folded(stacks: Iterable[Stack]) -> str:
    """Collapsed stacks, outermost first, one line each, sorted: equal data are equal bytes."""
    lines = Counter[str]()
    for stack in stacks:
        names = [stack.thread or "all threads", *(label(frame) for frame in reversed(stack.frames))]
        lines[";".join(name.replace(";", ":") for name in names)] += stack.samples
    return "".join(f"{line} {count}\n" for line, count in sorted(lines.items()))


def label(frame: Frame) -> str:
    """One frame in words."""
    if frame.kind == "kernel":
        return f"{frame.symbol} [kernel]"
    if frame.kind == "script":
        return f"{frame.symbol} ({'/'.join(frame.place.split('/')[-2:])})"
    return frame.symbol if frame.symbol != UNKNOWN else f"{UNKNOWN} in {frame.place}"
