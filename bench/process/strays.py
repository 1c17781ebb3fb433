"""Finds processes of earlier runs that are still alive: what escaped every other net.

Each child carries `BENCH_RUN=<run>/<pid of its supervisor>` in its environment, which its own
children inherit unless they clear it. A carrier whose supervisor is gone belongs to nobody.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.process.command import capture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MARK: Final = "BENCH_RUN"
_SUPERVISOR: Final = "supervisor.py"
_WORDS_MAX: Final = 200


class Stray(NamedTuple):
    """A process that outlived its run.

    Attributes:
        run: what the mark says, such as `20261124T001441Z-quick-2ba3e4`.
        command: its command line, shortened.
    """

    pid: int
    run: str
    command: str


class Carrier(NamedTuple):
    """A live process with a mark in its environment."""

    pid: int
    mark: str
    command: str


def strays(
    carriers: Iterable[Carrier] | None = None,
    is_supervisor: Callable[[int], bool] | None = None,
) -> tuple[Stray, ...]:
    """The carriers whose supervisor is gone; zombies do not count.

    Args:
        carriers: all carriers; those of this machine unless given.
        is_supervisor: whether a supervisor runs under that process id.
    """
    here = _carriers() if carriers is None else carriers
    alive = is_supervisor or is_supervisor_process
    found = []
    for carrier in here:
        run, _, owner = carrier.mark.rpartition("/")
        if owner.isdigit() and not alive(int(owner)):
            found.append(Stray(carrier.pid, run, carrier.command[:_WORDS_MAX]))
    return tuple(found)


def _carriers() -> Iterable[Carrier]:
    if sys.platform.startswith("linux"):
        return linux_carriers()
    said = capture(["/bin/ps", "-E", "-ww", "-A", "-o", "pid=,command="])
    return ps_carriers(said.stdout) if said else ()


def linux_carriers(proc: Path = Path("/proc")) -> list[Carrier]:
    """Read the marks of all processes that this user may read."""
    found = []
    wanted = f"{MARK}=".encode()
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            environ = (folder / "environ").read_bytes().split(b"\0")
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
        except OSError:  # it is another user's, or gone
            continue
        marks = [item[len(wanted) :] for item in environ if item.startswith(wanted)]
        if marks:
            command = words.decode("utf-8", "replace").strip()
            found.append(Carrier(int(folder.name), marks[0].decode("utf-8", "replace"), command))
    return sorted(found)


def ps_carriers(text: str) -> list[Carrier]:
    """Read `ps -E -o pid=,command=`: command line and environment on one line."""
    found = []
    for line in text.splitlines():
        pid, _, rest = line.strip().partition(" ")
        command, mark, tail = rest.partition(f" {MARK}=")
        if mark and pid.isdigit():
            found.append(Carrier(int(pid), tail.split(" ")[0], command))
    return found


def is_supervisor_process(pid: int) -> bool:
    """Whether a supervisor runs under that process id; one that ended and waits does not."""
    if sys.platform.startswith("linux"):
        try:
            return _SUPERVISOR.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
    said = capture(["/bin/ps", "-p", str(pid), "-o", "command="])
    return bool(said and _SUPERVISOR in said.stdout)
