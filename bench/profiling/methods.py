"""Which profiler can be used here, how it is called, and what to do where it may not look."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.model.profile import Method

FREQUENCY: Final = 499
"""Samples per CPU second; a prime, so that nothing periodic keeps step with it."""
_SPY_FREQUENCY: Final = 97
_STACK_BYTES: Final = 16384
TRAMPOLINE: Final = (3, 12)
"""The first Python whose functions perf can see."""
PRELOAD: Final = Path(__file__).with_name("node_preload.cjs")
PRELOAD_OUT: Final = "NODE_PROFILE_OUT"
_LOST: Final = re.compile(r"Total Lost Samples:\s*(\d+)")
_SPY_ERRORS: Final = re.compile(r"(?:Samples: (\d+) )?Errors: (\d+)")


class Facts(NamedTuple):
    """What this machine has and allows.

    Attributes:
        paranoid: kernel.perf_event_paranoid, None where there is no such setting.
        ptrace: kernel.yama.ptrace_scope, None likewise.
        python: a Python of at least 3.12 that the server accepts was found.
    """

    system: str
    root: bool
    perf: bool
    paranoid: int | None
    spy: bool
    ptrace: int | None
    python: bool


def runtime_of(language: str) -> str:
    """Which rules a server of that language needs: python, node or native."""
    name = language.lower()
    if name.startswith("python"):
        return "python"
    return "node" if name in ("javascript", "typescript", "node", "node.js") else "native"


def choose_method(asked: str, runtime: str, facts: Facts) -> tuple[Method, tuple[str, ...]]:
    """The method to use, and why better ones were passed over.

    Raises:
        UsageError: what was asked for cannot be done here, or nothing can; the message holds
            the command that allows it.
    """
    wanted: Mapping[str, Sequence[Method]] = {
        "python": ("perf", "py-spy"),
        "node": ("perf", "node"),
        "native": ("perf",),
    }
    order = wanted[runtime]
    if asked != "auto" and asked not in order:
        raise UsageError(
            f"the method {asked} cannot look into a {runtime} server",
            advice=f"use --method {' or '.join(order)}",
        )
    refused: list[str] = []
    for method in order if asked == "auto" else [item for item in order if item == asked]:
        reason = refusal(method, runtime, facts)
        if reason is None:
            return method, tuple(refused)
        refused.append(f"{method}: {reason}")
    raise UsageError("no profiler can be used here: " + "; ".join(refused))


def refusal(method: Method, runtime: str, facts: Facts) -> str | None:
    """Why a method cannot be used here, with the command that mends it; None where it can."""
    if method == "perf":
        return _no_perf(runtime, facts)
    if method == "py-spy":
        return _no_spy(facts)
    return None


def _no_perf(runtime: str, facts: Facts) -> str | None:
    if facts.system != "linux":
        return "perf is for Linux (on macOS `py-spy` or, for Node, --method node)"
    if not facts.perf:
        return "it is not installed (Debian: `apt install linux-perf`; Ubuntu: linux-tools)"
    if facts.paranoid is not None and facts.paranoid > 1 and not facts.root:
        return (
            f"kernel.perf_event_paranoid is {facts.paranoid}; "
            "`sudo sysctl kernel.perf_event_paranoid=1` allows it until the next start"
        )
    if runtime == "python" and not facts.python:
        return "it needs Python 3.12 or later for the server and none was found"
    return None


def _no_spy(facts: Facts) -> str | None:
    if not facts.spy:
        return "it is not installed (`uv pip install py-spy`)"
    if facts.system == "darwin" and not facts.root:
        return "macOS allows it to root only: start `bench` with sudo"
    if facts.ptrace and not facts.root:
        return (
            f"kernel.yama.ptrace_scope is {facts.ptrace}; "
            "`sudo sysctl kernel.yama.ptrace_scope=0` allows it until the next start"
        )
    return None


def frequency(method: Method) -> int:
    """Samples per CPU second (perf) or per second (py-spy) that a method is asked for."""
    return {"perf": FREQUENCY, "py-spy": _SPY_FREQUENCY, "node": 1000}[method]


def perf_record(pids: Sequence[int], out: Path, seconds: float, runtime: str) -> tuple[str, ...]:
    """The perf command: cpu-clock works in a virtual machine too.

    V8 keeps frame pointers; CPython and Rust libraries do not, so their stacks are unwound
    from a copy. Unwinding ends at the innermost Python function, whose trampoline has no
    unwinding data.
    """
    graph = "fp" if runtime == "node" else f"dwarf,{_STACK_BYTES}"
    return (
        "perf", "record", "-q", "-e", "cpu-clock", "-F", str(FREQUENCY), "--call-graph", graph,
        "-o", str(out), "-p", ",".join(str(pid) for pid in pids), "--", "sleep", f"{seconds:g}",
    )  # fmt: skip


def perf_script(data: Path) -> tuple[str, ...]:
    """The command that prints what perf recorded, stack by stack."""
    fields = "comm,pid,tid,time,ip,sym,dso"
    return ("perf", "script", "--no-inline", "-i", str(data), "-F", fields)


def perf_lost(data: Path) -> tuple[str, ...]:
    """The command whose output says how many samples were lost."""
    return ("perf", "report", "--stdio", "--no-inline", "-g", "none", "--sort", "comm",
            "-i", str(data))  # fmt: skip


def lost_samples(text: str) -> int:
    """Lost samples from what `perf_lost` prints."""
    match = _LOST.search(text)
    return int(match[1]) if match else 0


def spy_record(pid: int, out: Path, seconds: float, *, native: bool, gil: bool) -> tuple[str, ...]:
    """The py-spy command; `gil` keeps to samples of the thread that holds it."""
    extra = (*(("--native",) if native else ()), *(("--gil",) if gil else ()))
    return (
        "py-spy", "record", "--pid", str(pid), "--duration", str(max(1, round(seconds))),
        "--rate", str(_SPY_FREQUENCY), "--format", "raw", "--output", str(out),
        "--subprocesses", *extra,
    )  # fmt: skip


def spy_errors(text: str) -> int:
    """Samples that py-spy could not read, from what it prints at the end."""
    match = _SPY_ERRORS.search(text)
    return int(match[2]) if match else 0


def node_argv(argv: Sequence[str], method: Method) -> tuple[str, ...] | None:
    """The server's command with what the profiler needs; None where it does not start node."""
    if not argv or Path(argv[0]).name not in ("node", "nodejs"):
        return None
    flags = (
        ("--perf-basic-prof", "--interpreted-frames-native-stack", "--no-logfile-per-isolate")
        if method == "perf"
        else ("--require", str(PRELOAD))
    )
    return (argv[0], *flags, *argv[1:])
