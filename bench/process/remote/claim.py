"""One controller at a time on a machine: its agents hold a lock there for as long as they live.

The system lets go of it when an agent ends, however it ends. Several agents of one controller
share it: server and load may be on one machine.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING, Final

from bench.process.remote.operations import operation

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

    from bench.process.remote.agent import Agent

_KEPT: Final = "claim"


@operation
def claim(agent: Agent, *, owner: str) -> float | None:
    """Hold this machine for a controller; None = held, else for how long another has had it.

    Args:
        agent: of this machine, which holds it until it ends.
        owner: tells this controller from all others.
    """
    file = agent.kept.setdefault(_KEPT, _opened(agent.folder.parent))
    if _taken(file, fcntl.LOCK_EX):  # no other agent is alive here
        file.truncate(0)
        file.write(owner)
        file.flush()
    if _taken(file, fcntl.LOCK_SH):
        file.seek(0)
        if file.read() == owner:  # also not where another came between the two locks
            return None
        fcntl.flock(file, fcntl.LOCK_UN)
    return max(0.0, time.time() - os.fstat(file.fileno()).st_mtime)


def _opened(folder: Path) -> IO[str]:
    return (folder / "held").open("a+")


def _taken(file: IO[str], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
