"""What a load tool is: it writes a command line and reads what the command left behind."""

from __future__ import annotations

import codecs
import os
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from bench.errors import ParseError

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from bench.model.load_result import LoadResult, Loop
    from bench.model.plan import LoadProfile, Workload
    from bench.model.target import Target
    from bench.process.command import Command

STDOUT: Final = "stdout.txt"
STDERR: Final = "stderr.txt"
_READ_MAX: Final = 2**28


class ToolOutput(NamedTuple):
    """What one load process left behind.

    Attributes:
        folder: where the tool was told to write its files.
    """

    rc: int
    stdout: Path
    stderr: Path
    folder: Path


class Recorded(NamedTuple):
    """What there is of a run that was not ours, besides the tool's printed output.

    Attributes:
        detail: the JSON of bench.lua (wrk).
        db: the SQLite file (oha).
        csv: the CSV (oha).
        connections: of that process, where the output does not tell.
        loop: which kind of loop it was, where the output does not tell.
    """

    detail: Path | None = None
    db: Path | None = None
    csv: Path | None = None
    connections: int | None = None
    loop: Loop | None = None


class LoadTool(Protocol):
    """One load tool; stateless, so that one object serves all trials."""

    name: str
    executable: str

    def unsupported(self, profile: LoadProfile, workload: Workload) -> str | None:
        """Why this tool cannot do it, as a clause for a planning error; None = it can."""
        ...

    def prepare(
        self,
        workload: Workload,
        profile: LoadProfile,
        target: Target,
        folder: Path,
        rng: random.Random,
    ) -> None:
        """Write what all processes of a trial read (pool files) into `folder`; outside timing."""
        ...

    def command(
        self,
        target: Target,
        workload: Workload,
        profile: LoadProfile,
        out: Path,
        *,
        index: int,
        seed: int,
        folder: Path,
        duration_s: float,
    ) -> Command:
        """The command of one process.

        Args:
            target: where the load goes.
            workload: what is sent.
            profile: this process's own share, see `shares`.
            out: an existing folder for this process alone; its working directory.
            index: number of the process, from 0.
            seed: decides the order of requests; unlike in every process.
            folder: what `prepare` wrote.
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

    def version(self) -> str | None:
        """The version that the executable on PATH prints, None where there is none."""
        ...

    def outdated(self, version: str) -> str | None:
        """Why that version cannot be used, None = it can."""
        ...


def tool_env(**extra: str) -> dict[str, str]:
    """The whole environment of a load tool: PATH, a fixed locale and `extra`."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **extra}


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
        ParseError: it is not there, or too large to be a result.
    """
    try:
        if path.stat().st_size > _READ_MAX:
            raise ParseError(f"{path.name} is too large to be a result")
        return path.read_bytes()
    except OSError as error:
        raise ParseError(f"{path.name} cannot be read", excerpt=error.strerror or "") from error


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
