"""A window's load on other machines while it goes on, waited for and ended like processes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import MachineLostError
from bench.trial.load import LoadFailure
from bench.trial.remote import load_side
from bench.trial.remote.places import SERVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.process.remote.remote_machine import Machine
    from bench.trial.remote.lab import Lab

GRACE_S: Final = 12.0
LOST: Final = "load-machine-lost"


class RemoteChild:
    """One machine's part of a window or a warm-up, waited for like a process.

    Args:
        whole: one answer comes when it is over; else it is asked for again and again.
        late: called while it is waited for; ends the silence once the window should be over, so
            that a machine that is gone is noticed.
    """

    def __init__(
        self,
        lab: Lab,
        machine: Machine,
        handle: str,
        number: int,
        *,
        whole: bool,
        late: Callable[[], None],
    ) -> None:
        self._lab = lab
        self.machine = machine
        self.pid = -1 - number
        self.told: dict[str, Any] | None = None
        self._handle = handle
        self._whole = whole
        self._late = late

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; True when it has ended.

        Raises:
            LoadFailure: `load-machine-lost`.
        """
        if self.told is not None:
            return True
        with lost_is_failure():
            begun = self._lab.run_of(self.machine)
            if not self._whole:
                begun.result()
                told = self.machine.call(
                    load_side.wait_load, within_s=GRACE_S, handle=self._handle, wait_s=timeout_s
                )
            elif begun.wait(timeout_s):
                told = begun.result()[self._handle]
            else:
                self._late()
                return False
        self.told = told if told["ended"] else None
        return self.told is not None

    @property
    def started(self) -> bool:
        """Whether its start was sent."""
        return not self._lab.is_armed

    def disarm(self) -> None:
        """Never start it."""
        self._lab.disarm()

    def signal(self, number: int) -> None:  # noqa: ARG002 - the agent knows how
        """End it before its time."""
        with contextlib.suppress(MachineLostError):
            if self._whole:
                self._lab.run_of(self.machine).stop()
            else:
                self.machine.call(load_side.end_load, handle=self._handle)


class RemoteBegun(NamedTuple):
    """A window or a warm-up on all machines.

    Attributes:
        held: keeps the machines quiet.
        starts: when each was to begin, by its own clock.
    """

    name: str
    children: list[RemoteChild]
    held: contextlib.ExitStack
    starts: list[float]

    def kill(self) -> None:
        """End it on all machines that are left."""
        self.held.close()
        if self.children and not self.children[0].started:
            self.children[0].disarm()
            return
        for child in self.children:
            child.signal(2)
        for child in self.children:
            with contextlib.suppress(LoadFailure):
                child.wait(GRACE_S)


@contextlib.contextmanager
def lost_is_failure() -> Iterator[None]:
    """A machine of the load that is gone makes the trial invalid, by that cause."""
    try:
        yield
    except MachineLostError as error:
        if error.machine == SERVER:
            raise
        raise LoadFailure(str(error), (), code=LOST) from None
