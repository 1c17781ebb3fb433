"""One run at a time on a machine, one process at a time in a run directory.

Two runs at once would measure each other; two processes in one directory would remove each
other's trials.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Final

from bench.errors import StoreError, UsageError
from bench.store.cache import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_IN_RUN: Final = ".lock"


class MachineLock:
    """The turn of one run: whether it had the machine to itself.

    Args:
        guests: the file in which runs beside the first enter themselves.
        shared: whether another run went on when this one began.
    """

    def __init__(self, guests: IO[str], *, shared: bool) -> None:
        self._guests = guests
        self._shared = shared

    @property
    def disturbed(self) -> bool:
        """Whether another run went on at any time of this one until now."""
        return self._shared or os.fstat(self._guests.fileno()).st_size > 0


@contextlib.contextmanager
def hold_machine(*, allow_concurrent: bool = False) -> Iterator[MachineLock]:
    """Hold the lock for the length of a run.

    The first run holds `run.lock`; one that goes on beside it enters itself in `run.guests` and
    holds that, so that the first learns of it, and a third one of the second when the first has
    ended. The system lets go of both when their holders end, however they end: whatever these
    files say, without a live holder they are stale and are taken over.

    Raises:
        UsageError: another run goes on; names its process id and age.
    """
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "run.lock").open("a+") as lock, (folder / "run.guests").open("a+") as guests:
        first = _take(lock)
        alone = first and _take(guests)
        if not alone and not allow_concurrent:
            holder = _holder(guests if first else lock)
            raise UsageError(
                f"another run goes on: {holder}",
                advice="wait for it, or add --allow-concurrent, which marks both as disturbed",
            )
        if first:
            _enter(lock, fresh=True)
        if alone:
            guests.truncate(0)
            fcntl.flock(guests, fcntl.LOCK_UN)
        else:
            fcntl.flock(guests, fcntl.LOCK_SH)
            _enter(guests, fresh=False)
        yield MachineLock(guests, shared=not alone)


@contextlib.contextmanager
def holding(run: Path) -> Iterator[None]:
    """Hold a run directory while something is written in it.

    No permission to go on beside another run lifts this. The system lets go when the holder
    ends, however it ends; it must not be taken twice by one process.

    Raises:
        UsageError: another process holds it; names its id and age.
        StoreError: the lock cannot be made.
    """
    path = run / _IN_RUN
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("a+"))
            taken = _take(file)
        except OSError as error:
            raise StoreError(f"cannot lock {path}: {error.strerror or error}") from error
        if not taken:
            raise UsageError(
                f"{run.name} is being written: {_holder(file)}",
                advice="wait for that process, or end it; only one at a time writes in a run",
            )
        _enter(file, fresh=True)
        try:
            yield
        finally:
            file.truncate(0)


def _take(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _enter(file: IO[str], *, fresh: bool) -> None:
    if fresh:
        file.truncate(0)
    file.write(f"{os.getpid()} {datetime.now(UTC).isoformat(timespec='seconds')}\n")
    file.flush()


def _holder(file: IO[str]) -> str:
    """The run that entered itself last, in words."""
    try:
        file.seek(0)
        pid, since = file.read().splitlines()[-1].split()
        age = datetime.now(UTC) - datetime.fromisoformat(since)
    except (OSError, ValueError, IndexError):
        return "its process could not be read"
    return f"process {pid}, for {age.total_seconds() / 60:.0f} min"
