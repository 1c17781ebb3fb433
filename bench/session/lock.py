"""One run at a time on a machine: two at once would measure each other."""

from __future__ import annotations

import contextlib
import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


def cache_folder() -> Path:
    """The user's folder for what outlives a run: XDG_CACHE_HOME/bench or ~/.cache/bench."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(base) / "bench"


@contextlib.contextmanager
def only_run(*, allow_concurrent: bool = False) -> Iterator[bool]:
    """Hold the lock for the length of a run; yields whether another run goes on.

    The system lets go of the lock when its holder ends, however it ends: it is never stale.

    Raises:
        UsageError: another run holds it; names its process id and age.
    """
    path = cache_folder() / "run.lock"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not allow_concurrent:
                raise UsageError(
                    f"another run goes on: {_holder(path)}",
                    advice="wait for it, or add --allow-concurrent, which marks both as disturbed",
                ) from None
            yield True
            return
        file.truncate(0)
        file.write(f"{os.getpid()} {datetime.now(UTC).isoformat(timespec='seconds')}\n")
        file.flush()
        yield False


def _holder(path: Path) -> str:
    try:
        pid, since = path.read_text().split()
        age = datetime.now(UTC) - datetime.fromisoformat(since)
    except (OSError, ValueError):
        return "its process could not be read"
    return f"process {pid}, for {age.total_seconds() / 60:.0f} min"
