"""A command to run, and `capture` for short ones whose output is read; never a shell."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_END_S: Final = 2.0
"""After SIGKILL."""


class Command(NamedTuple):
    """A command as the supervisor starts it.

    Attributes:
        argv: the argument list; argv[0] is looked up on env's PATH.
        env: the whole environment of the process.
        cwd: working directory.
        cpus: logical CPUs to hold it on, None = not held.
        stdout: file that receives stdout.
        stderr: file that receives stderr; None = the same as stdout.
        space: process whose network namespace it is started in; 0 = the machine's network.
        user: user and group id that it runs as, for root; argv[0] is then a whole path. None =
            those of `bench`.
        start_at: monotonic time at which it becomes the program; until then it is there and
            waits, so that several begin together. 0 = at once.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    cpus: tuple[int, ...] | None
    stdout: Path
    stderr: Path | None = None
    space: int = 0
    user: tuple[int, int] | None = None
    start_at: float = 0.0


class Completed(NamedTuple):
    """What a captured command said."""

    rc: int
    stdout: str
    stderr: str


def capture(
    argv: Sequence[str],
    *,
    timeout_s: float = 10.0,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Completed | None:
    """Run a short command and read what it prints; locale C unless `env` is given.

    Returns:
        None where the command does not exist, may not be run, or takes longer than the limit.
    """
    try:
        process = subprocess.Popen(
            list(argv),
            env=dict(env) if env is not None else {**os.environ, "LC_ALL": "C"},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError:
        return None
    try:
        stdout, stderr = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)
    return Completed(
        process.returncode, stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace")
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what still runs and let go of it.

    Not by `subprocess.run` or `with`: interrupted by what is not KeyboardInterrupt itself, those
    wait without a limit, for a lock too that `Popen.wait` may have left held (`_waitpid_lock`).
    """
    if process.returncode is None:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_S)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
