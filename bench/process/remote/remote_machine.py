"""A machine as the controller holds it: call its agent, time its clock, keep quiet in a window."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from bench.errors import (
    BenchError,
    BuildError,
    MachineLostError,
    StartError,
    StoreError,
    ToolMissingError,
    UnfitHostError,
    UsageError,
    VerifyError,
)
from bench.process.remote.agent import SILENCE_S
from bench.process.remote.operations import operation_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORD_S: Final = 3.0
"""How often the controller says a word outside of windows."""
_CLOCK_LOOKS: Final = 20
_ANSWER_S: Final = 60.0


class ClockReading(NamedTuple):
    """How far a machine's clocks are from ours, seen in the look of the least round trip.

    Attributes:
        at: our monotonic clock in the middle of the round trip.
        offset_s: its monotonic clock less ours; each starts anywhere, so only changes count.
        wall_offset_s: its time of day less ours.
        round_trip_s: of that look; the offsets are at most half of it wrong.
    """

    at: float
    offset_s: float
    wall_offset_s: float
    round_trip_s: float


class RemoteBugError(RuntimeError):
    """An operation failed in a way that only a fault of `bench` explains; has its traceback."""


class Pending:
    """A request that was sent and is not answered yet."""

    def __init__(self, machine: Machine, what: str, number: int) -> None:
        self._machine = machine
        self._what = what
        self._number = number
        self._done = threading.Event()
        self._answer: tuple[Any, ...] = ()

    @property
    def done(self) -> bool:
        """Whether it is answered, or never will be."""
        return self._done.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the answer, or for the loss of the machine; True when there is either."""
        return self._done.wait(timeout_s)

    def stop(self) -> None:
        """Ask the operation to stop early; it still answers."""
        self._machine.send("stop", self._number)

    def result(self, timeout_s: float = _ANSWER_S) -> Any:
        """Wait for the answer.

        Raises:
            BenchError: what the operation raised, of the same class.
            MachineLostError: the machine is gone, or did not answer in time.
            RemoteBugError: the operation has a fault.
        """
        if not self._done.wait(timeout_s):
            raise MachineLostError(
                f"{self._machine.name} did not answer {self._what} within {timeout_s:g} s",
                machine=self._machine.name,
            )
        if not self._answer:
            raise self._machine.lost()
        kind, *rest = self._answer
        if kind == "error":
            raise _as_raised(self._machine.name, *rest)
        if kind == "bug":
            raise RemoteBugError(f"{self._what} on {self._machine.name}:\n{rest[0]}")
        return rest[0]

    def settle(self, *answer: Any) -> None:
        """Keep the answer; none = the machine is gone."""
        self._answer = answer
        self._done.set()


class GatewayLine(Protocol):
    """What carries the channel: a process of ssh, or an interpreter beside this one."""

    def cut(self) -> None:
        """End it at once."""

    def said(self) -> str:
        """The last line that it wrote to stderr, or ""."""


class Machine:
    """A machine with a running agent; made by `reaching.open_machine`.

    Attributes:
        name: as messages name it.
        agent_pid: process id of the agent there.
        supervisor_pid: process id of the agent's supervisor.
    """

    def __init__(self, name: str, channel: Any, line: GatewayLine) -> None:
        self.name = name
        self.agent_pid = self.supervisor_pid = 0
        self._channel = channel
        self._line = line
        self._count = 0
        self._lock = threading.Lock()
        self._open: dict[int, Pending] = {}
        self._sent: dict[int, float] = {}
        self._heard_at = time.monotonic()
        self._silence_s = SILENCE_S
        self._quiet = False
        self._gone = threading.Event()
        self._ready = self._expect("its start", 0)

    def start(self, timeout_s: float) -> None:
        """Wait until the agent answers, then keep it alive by a word now and then."""
        self._channel.setcallback(self._received, endmarker=None)
        try:
            self.agent_pid, self.supervisor_pid = self._ready.result(timeout_s)
        except MachineLostError:
            with contextlib.suppress(EOFError, OSError):
                self._channel.waitclose(1.0)  # raises the agent's traceback where it failed
            raise
        self._heard_at = time.monotonic()
        threading.Thread(target=self._keep_alive, daemon=True).start()

    def begin(self, what: Callable[..., Any], /, **data: Any) -> Pending:
        """Ask for an operation (see `operations`); the agent takes one after the other."""
        number = self._next()
        pending = self._expect(what.__name__, number)
        self.send("call", number, operation_name(what), data)
        return pending

    def call(self, what: Callable[..., Any], /, *, within_s: float = _ANSWER_S, **data: Any) -> Any:
        """Ask for an operation and wait for its answer; raises as `Pending.result` does."""
        return self.begin(what, **data).result(within_s)

    def clock(self) -> ClockReading:
        """Compare clocks: the look of the least round trip of twenty.

        Raises:
            MachineLostError: the machine is gone.
        """
        looks = [self._word() for _ in range(_CLOCK_LOOKS)]
        return min(looks, key=lambda look: look.round_trip_s)

    @contextlib.contextmanager
    def quiet(self, longest_s: float) -> Iterator[None]:
        """Send nothing inside: the agent expects no word for that long and ten seconds more."""
        self._silence_s = longest_s + SILENCE_S
        self._word()
        self._quiet = True
        try:
            yield
        finally:
            self._silence_s = SILENCE_S
            self._heard_at = time.monotonic()
            self._quiet = False

    @property
    def is_lost(self) -> bool:
        """Whether it is gone, or was closed."""
        return self._gone.is_set()

    def lost(self) -> MachineLostError:
        """The error that says that this machine is gone."""
        said = self._line.said()
        why = f": {said}" if said else ""
        return MachineLostError(f"the connection to {self.name} is gone{why}", machine=self.name)

    def send(self, *message: object) -> None:
        """Send one message.

        Raises:
            MachineLostError: the machine is gone.
        """
        try:
            self._channel.send(message)
        except OSError:
            raise self.lost() from None

    def close(self) -> None:
        """Say no more words; the gateway is closed by who opened it."""
        self._gone.set()

    def _expect(self, what: str, number: int) -> Pending:
        pending = Pending(self, what, number)
        with self._lock:
            self._open[number] = pending
        if self._gone.is_set():
            pending.settle()
        return pending

    def _word(self) -> ClockReading:
        """Say a word and wait until it was heard."""
        number = self._next()
        heard = self._expect("a word", number)
        self._say(number)
        look: ClockReading = heard.result(SILENCE_S)
        return look

    def _say(self, number: int) -> None:
        self._sent[number] = time.monotonic()
        self.send("word", number, self._silence_s)

    def _next(self) -> int:
        with self._lock:
            self._count += 1
            return self._count

    def _keep_alive(self) -> None:
        while not self._gone.wait(WORD_S):
            if self._quiet:
                continue
            if time.monotonic() - self._heard_at > SILENCE_S:
                self._line.cut()
                return
            with contextlib.suppress(MachineLostError):
                self._say(self._next())

    def _received(self, message: tuple[Any, ...] | None) -> None:
        """Take one message; runs in the thread of execnet that receives."""
        at = time.monotonic()
        if message is None:
            self._end()
            return
        kind, number, *rest = message
        if kind == "heard":
            self._heard_at = at
            kind, rest = "result", [_reading(self._sent.pop(number), at, *rest)]
        elif kind == "ready":
            kind, rest = "result", [tuple(rest)]
        with self._lock:
            pending = self._open.pop(number, None)
        if pending is not None:
            pending.settle(kind, *rest)

    def _end(self) -> None:
        self._gone.set()
        with self._lock:
            left, self._open = self._open, {}
        for pending in left.values():
            pending.settle()


def _reading(sent: float, came: float, there: float, wall: float) -> ClockReading:
    """The offsets that a look shows: the machine is taken to have answered in its middle."""
    half = (came - sent) / 2
    wall_middle = time.time() - (time.monotonic() - came) - half
    return ClockReading(came - half, there - (came - half), wall - wall_middle, came - sent)


def _as_raised(name: str, kind: str, message: str, advice: str, code: str) -> BenchError:
    """The error that an operation raised; of its own class where that needs no more than text."""
    text = f"{name}: {message}"
    if kind == "StartError":
        return StartError(text, code=code, advice=advice)
    if kind == "VerifyError":
        return VerifyError(text, code=code, advice=advice)
    return _PLAIN.get(kind, BenchError)(text, advice=advice)


_PLAIN: Final[dict[str, type[BenchError]]] = {
    one.__name__: one
    for one in (BuildError, UsageError, ToolMissingError, StoreError, UnfitHostError)
}
"""Errors that are made of their text alone."""
