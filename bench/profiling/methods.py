"""Which profiler can be used here, how it is called, and what to do where it may not look."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.model.cpu_profile import Method

FREQUENCY: Final = 499
"""Samples per CPU second; a prime, so that nothing periodic keeps step with it."""
_SPY_FREQUENCY: Final = 97
_STACK_BYTES: Final = 16384
TRAMPOLINE: Final = (3, 12)
"""The first Python whose functions perf can see."""
PRELOAD: Final = Path(__file__).with_name("node_preload.cjs")
PRELOAD_OUT: Final = "NODE_PROFILE_OUT"
_WRAPPER: Final = re.compile(r"perf not found for kernel|linux-(perf|tools)\S* is not installed")
_PACKAGES: Final = re.compile(r"linux-(?:[a-z]+-)*(?:tools|perf)-\S*\w")
_LOST: Final = re.compile(r"Total Lost Samples:\s*(\d+)")


class ProfilerFacts(NamedTuple):
    """What this machine has and allows.

    Attributes:
        perf: perf is installed.
        perf_says: why perf failed when it was tried on itself, "" where it worked.
        paranoid: kernel.perf_event_paranoid, None where there is no such setting.
        spy: py-spy is installed.
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
    perf_says: str = ""


def runtime_of(language: str) -> str:
    """Which rules a server of that language needs: python, node or native."""
    name = language.lower()
    if name.startswith("python"):
        return "python"
    return "node" if name in ("javascript", "typescript", "node", "node.js") else "native"


def choose_method(asked: str, runtime: str, facts: ProfilerFacts) -> tuple[Method, tuple[str, ...]]:
    """The method to use, and why better ones were passed over.

    Raises:
        UsageError: what was asked for cannot be done here, or nothing can; the message holds
            the command that allows it.
    """
    wanted: Mapping[str, Sequence[Method]] = {
        "python": ("perf", "py-spy", "sample"),
        "node": ("perf", "node", "sample"),
        "native": ("perf", "sample"),
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
    if asked == "auto":
        raise UsageError("no profiler can be used here: " + "; ".join(refused))
    raise UsageError(
        f"the profiler {asked} cannot be used here: {refused[0].partition(': ')[2]}",
        advice="without --method another one is used where there is one",
    )


def refusal(method: Method, runtime: str, facts: ProfilerFacts) -> str | None:
    """Why a method cannot be used here, with the command that fixes it; None where it can."""
    if method == "perf":
        return _no_perf(runtime, facts)
    if method == "py-spy":
        return _no_spy(facts)
    if method == "sample" and facts.system != "darwin":
        return "it is a part of macOS"
    return None


def _no_perf(runtime: str, facts: ProfilerFacts) -> str | None:
    if facts.system != "linux":
        return "it is for Linux"
    if not facts.perf:
        return "it is not installed (Debian: `apt install linux-perf`; Ubuntu: linux-tools)"
    if facts.perf_says:
        return _perf_forbidden(facts)
    if runtime == "python" and not facts.python:
        return "it needs Python 3.12 or later for the server and none was found"
    return None


def _perf_forbidden(facts: ProfilerFacts) -> str:
    """Why perf may not look, with the command that allows it."""
    if is_wrapper(facts.perf_says):
        return _no_kernel_perf(facts.perf_says)
    if facts.paranoid is not None and facts.paranoid > 1 and not facts.root:
        return (
            f"kernel.perf_event_paranoid is {facts.paranoid}; "
            "`sudo sysctl kernel.perf_event_paranoid=1` allows it until the next start"
        )
    return (
        f"it failed when it was tried ({facts.perf_says}); in a container "
        "`--cap-add PERFMON --security-opt seccomp=unconfined` allows it"
    )


def is_wrapper(said: str) -> bool:
    """Whether these are the words of a script named perf that looks for the kernel's own perf."""
    return _WRAPPER.search(said) is not None


def _no_kernel_perf(said: str) -> str:
    """What a distribution's wrapper lacks; its words hold the package, WSL's kernel has none."""
    packages = list(dict.fromkeys(_PACKAGES.findall(said))) or ["linux-tools-generic"]
    return (
        f"it is only a script that finds no perf for the running kernel ({said[:300]}); "
        f"`sudo apt install {packages[0]}` brings it; where there is no such package (WSL, a "
        "container): `linux-tools-generic`, with its /usr/lib/linux-tools/*/ first on PATH"
    )


def _no_spy(facts: ProfilerFacts) -> str | None:
    if not facts.spy:
        return "it is not installed (`.venv/bin/uv pip install py-spy` brings it)"
    if facts.system == "darwin" and not facts.root:
        return "macOS allows it to root only: start `bench` with sudo"
    if facts.ptrace and not facts.root:
        return (
            f"kernel.yama.ptrace_scope is {facts.ptrace}; "
            "`sudo sysctl kernel.yama.ptrace_scope=0` allows it until the next start"
        )
    return None


def frequency(method: Method) -> int:
    """Samples per CPU second that a method is asked for: of each thread at work."""
    return {"perf": FREQUENCY, "py-spy": _SPY_FREQUENCY, "node": 1000, "sample": 1000}[method]


PERF_TRY: Final = ("perf", "record", "-q", "-e", "cpu-clock", "-F", "99", "-o", "/dev/null",
                   "--", "true")  # fmt: skip
"""The command that shows whether perf may look at anything: it looks at its own child."""


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


def spy_record(pid: int, out: Path, seconds: float, *, gil: bool) -> tuple[str, ...]:
    """The py-spy command; `gil` keeps to samples of the thread that holds it.

    Two of them at once would stop the process under each other's hands. For the GIL the
    process is not stopped at all: stopping thread after thread lets the holder run on.
    """
    mode = ("--gil", "--nonblocking") if gil else ("--native",)
    return (
        "py-spy", "record", "--pid", str(pid), "--duration", str(looks(seconds) // _SPY_FREQUENCY),
        "--rate", str(_SPY_FREQUENCY), "--format", "raw", "--full-filenames", "--threads",
        "--subprocesses", *mode, "--output", str(out),
    )  # fmt: skip


def looking_s(method: Method, seconds: float) -> float:
    """For how long a method looks in a window of that length.

    py-spy and `sample` take whole seconds and need up to one to begin; what they saw after the
    load has ended would be of an idle server.
    """
    return float(max(1, int(seconds - 1))) if method in ("py-spy", "sample") else seconds


def looks(seconds: float) -> int:
    """How often py-spy looks in a window of that length."""
    return int(looking_s("py-spy", seconds)) * _SPY_FREQUENCY


def sample_record(pid: int, out: Path, seconds: float) -> tuple[str, ...]:
    """The `sample` command of macOS: a look each millisecond, whole seconds."""
    duration = str(int(looking_s("sample", seconds)))
    return ("sample", str(pid), duration, "1", "-mayDie", "-file", str(out))


def failed(tool: str, text: str) -> str:
    """Why a profiler failed, with what to do about it where its words tell."""
    said = " ".join(text.split())[-500:]
    for words, advice in _CURES.items():
        if words in said:
            return f"{tool} failed: {said}; {advice}"
    return f"{tool} failed: {said or 'it said nothing'}"


_CURES: Final[Mapping[str, str]] = {
    "Operation not permitted": "the system forbids it to look at another process: "
    "`sudo sysctl kernel.yama.ptrace_scope=0 kernel.perf_event_paranoid=1` allows it, "
    "in a container `--cap-add SYS_PTRACE --cap-add PERFMON`",
    "Permission denied": "start `bench` with sudo",
    "cannot examine process": "System Integrity Protection guards the programs of macOS: use "
    "an interpreter of your own, from Homebrew or python.org, or start `bench` with sudo",
    "No python processes found": "only a server that runs Python can be looked into",
}


def node_argv(argv: Sequence[str], method: Method) -> tuple[str, ...] | None:
    """The server's command with what the profiler needs; None where it does not start node."""
    if not argv or Path(argv[0]).name not in ("node", "nodejs"):
        return None
    flags = (
        ("--perf-basic-prof", "--interpreted-frames-native-stack", "--no-logfile-per-isolate")
        if method == "perf"
        else ("--require", str(PRELOAD))
        if method == "node"
        else ()
    )
    return (argv[0], *flags, *argv[1:])
