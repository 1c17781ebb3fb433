"""What a load tool is: it writes a command line and reads what the command left behind."""

from __future__ import annotations

import codecs
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import bench
from bench.errors import ParseError, ToolMissingError, UsageError
from bench.process.command import Command

if TYPE_CHECKING:
    import random
    import re
    from collections.abc import Mapping

    from bench.model.http_protocol import HttpProtocol
    from bench.model.load_result import LoadResult, Loop
    from bench.model.pacing import Arrivals
    from bench.model.plan import LoadProfile, Workload
    from bench.model.target import Target

STDOUT: Final = "stdout.txt"
STDERR: Final = "stderr.txt"
_READ_MAX: Final = 2**28


class ToolOutput(NamedTuple):
    """What one load process left behind.

    Attributes:
        folder: where the tool was asked to write its files.
    """

    rc: int
    stdout: Path
    stderr: Path
    folder: Path


class Recorded(NamedTuple):
    """What there is of a run that was not ours, besides the tool's printed output.

    Attributes:
        files: more files of that run, by the names in the tool's `extras`.
        connections: of that process, where the output does not tell.
        loop: which kind of loop it was, where the output does not tell.
    """

    files: Mapping[str, Path] = {}
    connections: int | None = None
    loop: Loop | None = None


class CrateBuild(NamedTuple):
    """A Rust crate that cargo builds: its version, the oldest compiler, CPU seconds it takes."""

    name: str
    version: str
    rustc: tuple[int, ...]
    cpu_s: float


class SourceBuild(NamedTuple):
    """C sources that come with bench; `cc` builds them into the cache in a few seconds.

    Attributes:
        headers: what the files include; a change of them is a change of the program.
    """

    files: tuple[Path, ...]
    flags: tuple[str, ...] = ("-O2", "-pthread")
    libraries: tuple[str, ...] = ()
    headers: tuple[Path, ...] = ()


class Installation(NamedTuple):
    """The ways in which a load tool gets onto a machine; None = not in that way.

    Attributes:
        brew: Homebrew's name for it.
        apt: the name of the Debian package.
        crate: built by cargo.
        sources: built from sources that come with bench; goes before all others.
    """

    brew: str | None = None
    apt: str | None = None
    crate: CrateBuild | None = None
    sources: SourceBuild | None = None


@dataclass(frozen=True)
class Share:
    """Which part of the load one process sends.

    Attributes:
        index: number of the process, from 0.
        count: how many processes send together.
        seed: decides the order of requests; unlike in every process.
        start_at: when all of them begin, in seconds of the system's monotonic clock (Linux:
            CLOCK_MONOTONIC, macOS: CLOCK_UPTIME_RAW), which all processes read alike; `lead_s`
            of the tool after the first process is started.
        schedule: decides when requests are due where arrivals are random: the same for all
            processes, and for all servers that are measured in one round.
        own_cpu: no other load process is meant to run on its CPU, so that it may spin there.
        lead_in_s: before `start_at` it already sends so long, which does not count.
    """

    index: int = 0
    count: int = 1
    seed: int = 0
    start_at: float = 0.0
    schedule: int = 0
    own_cpu: bool = False
    lead_in_s: float = 0.0


class LoadJob(NamedTuple):
    """What a load tool is to do.

    Attributes:
        profile: of the whole trial for `prepare`; for `command` the process's own share of
            connections and rate, see `shares`.
        folder: for what `prepare` writes and all processes of the trial read.
    """

    target: Target
    workload: Workload
    profile: LoadProfile
    folder: Path


class LoadTool(Protocol):
    """One load tool; stateless, so that one object serves all trials.

    Attributes:
        name: the id in a matrix, and the name of the executable and of the tool's module.
        minimum: the oldest version whose output is understood.
        version_argv: what makes it print its version.
        version: the pattern of the version in what it then prints.
        installation: how it gets here.
        loops: the kinds of loop that it can do -> how much it is preferred for it; of those that
            are installed, the highest is taken where the user names none.
        prints: what it prints, in words: `text`, `JSON`.
        extras: further files that it can leave: option of `bench parse` -> help for it.
        purpose: what is lost without it, a sentence.
        essential: nothing can be measured without it.
        optional: `bench setup` brings it only where it is named, or a matrix that is named uses it.
        whole_seconds: windows and timeouts are whole seconds.
        one_kind: a process sends one kind of request; a workload of several takes several.
        plain_only: it miscounts answers with interim ones before them, or without a length.
        overrun_s: how much longer than asked for a window of its closed loop may be.
        reconnects: it can open a new connection for each request.
        times_connecting: its latencies then hold the time of connecting.
        protocols: what it can speak.
        late_counted: answers after the timeout are among its complete responses.
        lead_s: time that its processes need from their start to `Share.start_at`.
        lead_in_s: how long it can send before a window what does not count: a server that is
            compiled while it runs pays for new connections with their first requests.
        arrivals: the kinds of arrivals that its open loop can do, the default first; empty where
            there is no choice.
    """

    name: str
    minimum: tuple[int, ...]
    version_argv: tuple[str, ...]
    version: re.Pattern[str]
    installation: Installation
    loops: Mapping[Loop, int]
    prints: str
    purpose: str
    extras: Mapping[str, str] = {}
    essential: bool = False
    optional: bool = False
    whole_seconds: bool = False
    one_kind: bool = False
    plain_only: bool = False
    overrun_s: float = 0.0
    lead_s: float = 0.0
    lead_in_s: float = 0.0
    reconnects: bool = False
    times_connecting: bool = False
    late_counted: bool = False
    protocols: tuple[HttpProtocol, ...] = ("http",)
    arrivals: tuple[Arrivals, ...] = ()

    def unsupported(self, profile: LoadProfile, workload: Workload) -> str | None:  # noqa: ARG002 - the protocol's signature
        """Why this tool cannot do it, beyond what its attributes say; None = it can."""
        return None

    def lead(self, profile: LoadProfile) -> float:  # noqa: ARG002 - the protocol's signature
        """Seconds from the start of its processes to `Share.start_at`, for this profile."""
        return self.lead_s

    def prepare(self, job: LoadJob, rng: random.Random) -> None:
        """Write what all processes of a trial read (pool files); outside timing."""
        ...

    def command(self, job: LoadJob, share: Share, out: Path, duration_s: float) -> Command:
        """The command of one process, which starts with the tool's name.

        Args:
            job: what is sent where.
            share: which of the processes it is, and when they begin.
            out: an existing folder for this process alone; its working directory.
            duration_s: length of the window or of the warm-up.
        """
        ...

    def parse(self, output: ToolOutput, profile: LoadProfile) -> LoadResult:
        """Read the result of one process, with its histogram and findings.

        Raises:
            ParseError: the tool failed, or what it left is not a result.
        """
        ...

    def read(self, file: Path, recorded: Recorded) -> LoadResult:
        """Read output that was kept from any run, ours or not (`bench parse`).

        Raises:
            ParseError: it is not a result, or its parts are not of one run.
            UsageError: something was given that this tool does not write.
        """
        ...

    def conditions(self, file: Path) -> dict[str, str]:  # noqa: ARG002 - most outputs tell none
        """What a recorded output tells of how it was measured, by name."""
        return {}

    def connections(self, file: Path) -> int | None:  # noqa: ARG002 - the protocol's signature
        """Connections that kept output tells, None where it does not."""
        return None


def too_old(tool: LoadTool, version: str | None) -> str | None:
    """Why that version cannot be used, None = it can.

    A build of one's own may tell no version, and is trusted.
    """
    if version is None or at_least(version, tool.minimum):
        return None
    return f"{tool.name} {version} is too old: {dotted(tool.minimum)} or newer is needed"


def at_least(version: str | None, minimum: tuple[int, ...]) -> bool:
    """Whether a dotted version is `minimum` or newer; None is not."""
    if version is None:
        return False
    parts = tuple(int(part) for part in version.split("."))
    return (*parts, 0, 0)[: len(minimum)] >= minimum


def dotted(version: tuple[int, ...]) -> str:
    """A version as it is written."""
    return ".".join(map(str, version))


def refuse_extras(tool: LoadTool, recorded: Recorded) -> None:
    """Refuse files that this tool does not write.

    Raises:
        UsageError: which option, and what the tool does write.
    """
    for name in recorded.files:
        if name not in tool.extras:
            known = " or ".join(f"--{extra}" for extra in tool.extras) or "nothing besides"
            raise UsageError(f"--{name} is not for {tool.name}, which has {known}")


def shipped(*parts: str) -> Path:
    """Find a file that comes with bench: in scripts/ of a checkout, or inside the package.

    Raises:
        ToolMissingError: it is in neither place.
    """
    package = Path(bench.__file__).resolve().parent
    for place in (package / "_data", package.parent / "scripts"):
        if place.joinpath(*parts).is_file():
            return place.joinpath(*parts)
    raise ToolMissingError(f"{parts[-1]} is not there", advice="Install bench again.")


def tool_command(out: Path, *argv: str, **env: str) -> Command:
    """A process in `out`, in an environment of PATH, a fixed locale and `env` alone."""
    whole = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **env}
    return Command(argv, whole, out, None, out / STDOUT, out / STDERR)


def read_text(path: Path) -> str:
    """Read a file that a load tool wrote; undecodable bytes become U+FFFD.

    A byte order mark is obeyed: PowerShell's `>` writes UTF-16.

    Raises:
        ParseError: it is not there, or too large to be a result.
    """
    data = read_bytes(path)
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if wide else "utf-8-sig", "replace").replace("\r\n", "\n")


def read_bytes(path: Path) -> bytes:
    """Read a file that a load tool wrote.

    Raises:
        ParseError: it is not there, is a device, or too large to be a result.
    """
    try:
        there = path.stat()
        if stat.S_ISCHR(there.st_mode) or stat.S_ISBLK(there.st_mode):
            raise ParseError(f"{path} is a device, not a file that a load tool wrote")
        with path.open("rb") as file:  # a pipe has no size before it is read
            data = b"" if there.st_size > _READ_MAX else file.read(_READ_MAX + 1)
    except OSError as error:
        raise ParseError(f"{path.name} cannot be read", excerpt=error.strerror or "") from error
    if max(there.st_size, len(data)) > _READ_MAX:
        raise ParseError(f"{path.name} is too large to be a result")
    return data


def refuse_failure(output: ToolOutput, tool: str, *, harmless: tuple[str, ...] = ()) -> None:
    """Refuse a process that failed or complained: load tools exit 0 after many a failure.

    Args:
        output: what the process left behind.
        tool: its name, for the message.
        harmless: beginnings of lines on stderr that are no complaint.

    Raises:
        ParseError: with what it wrote to stderr.
    """
    lines = read_text(output.stderr).splitlines() if output.stderr.exists() else []
    complaints = [line for line in lines if line.strip() and not line.startswith(harmless or "\0")]
    said = "; ".join(dict.fromkeys(complaints))
    if output.rc != 0:
        raise ParseError(f"{tool} exited with {output.rc}", excerpt=said)
    if said:
        raise ParseError(f"{tool} complained and its result is not believed", excerpt=said)
