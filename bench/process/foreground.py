"""Runs a command that the user watches, such as an installer; it may ask for a password."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_GRACE_S: Final = 5.0
_STDERR: Final = 2


def foreground(argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> int | None:
    """Run a command with this terminal; what it prints goes to stderr, for results own stdout.

    The process stays in our process group: only so can `sudo` ask for a password.

    Returns:
        Its exit code, negative for a signal; None where it could not be started.
    """
    # An interruption while Popen is still at work would leave the command behind: it waits.
    interrupted: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: interrupted.append(number))
    try:
        process = subprocess.Popen(list(argv), env=env, stdout=_STDERR)
    except OSError:
        return None
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        if interrupted:
            raise KeyboardInterrupt
        return process.wait()
    finally:
        if process.poll() is None:  # interrupted
            process.terminate()
            try:
                process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
