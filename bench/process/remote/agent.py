"""The agent: what runs on another machine while `bench` measures with it.

It answers requests one after the other, in the main thread, until the channel ends. What it
starts goes through a supervisor of its own, which ends all of it as soon as the agent is gone.

Dead-man's switch: the controller says a word every few seconds, and with each how long it may
be silent. When the channel ends, or the silence lasts longer, the agent leaves; where an
operation does not let it go, it exits after a moment. This module must work with what came in
the parcel (see `parcel`): it does not import execnet.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.errors import BenchError
from bench.process.client import SupervisorClient
from bench.process.remote.operations import find_operation

if TYPE_CHECKING:
    from collections.abc import Iterator

SILENCE_S: Final = 10.0
"""How long the controller may be silent where it did not announce a longer window."""
_LEAVE_S: Final = 2.0
_Request = tuple[int, str, dict[str, Any]]
"""Number, name of the operation, and its arguments."""


class Agent:
    """What an operation works with.

    Attributes:
        supervisor: starts and ends processes of this machine.
        folder: for files of this agent; private, removed when it leaves.
        stopping: set when the controller asked to stop the operation, or is gone; an operation
            that waits looks at it.
        kept: what operations keep for those that follow, by a name of their module.
    """

    def __init__(self, supervisor: SupervisorClient, folder: Path) -> None:
        self.supervisor = supervisor
        self.folder = folder
        self.stopping = threading.Event()
        self.kept: dict[str, Any] = {}


class _Inbox:
    """The agent's end of the channel, filled by the thread of execnet that receives."""

    def __init__(self, channel: Any) -> None:
        self.agent: Agent | None = None
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._now = 0
        self._stopped: set[int] = set()
        self._channel = channel
        self._over = threading.Event()
        self._ended = threading.Event()
        self._until = time.monotonic() + SILENCE_S
        channel.setcallback(self._received, endmarker=None)

    def send(self, *message: object) -> None:
        """Send one message; where nobody listens any longer the switch has seen it, too."""
        with contextlib.suppress(OSError):
            self._channel.send(message)

    def next(self) -> _Request | None:
        """Wait for the next request; None = it is time to leave."""
        request = self._requests.get()
        if request is None or self._over.is_set() or self.agent is None:
            return None
        self.agent.stopping.clear()
        self._now = request[0]
        if self._over.is_set() or self._now in self._stopped:  # asked for before it began
            self.agent.stopping.set()
        return request

    def watch(self) -> None:
        """Wait for the end of the channel or of the controller's time; then see that we leave."""
        while (left := self._until - time.monotonic()) > 0 and not self._ended.wait(left):
            pass
        self._over.set()
        self._requests.put(None)
        if self.agent is not None:
            self.agent.stopping.set()
        time.sleep(_LEAVE_S)
        if self.agent is not None:
            shutil.rmtree(self.agent.folder, ignore_errors=True)
        os._exit(1)  # the supervisor sees its pipe close and ends everything

    def _received(self, message: tuple[Any, ...] | None) -> None:
        if message is None:
            self._ended.set()
            return
        kind, number, *rest = message
        if kind == "word":
            self.send("heard", number, time.monotonic(), time.time())
            self._until = time.monotonic() + rest[0]
        elif kind == "stop":
            self._stopped.add(number)
            if self.agent is not None and number == self._now:
                self.agent.stopping.set()
        elif kind == "call":
            self._requests.put((number, rest[0], rest[1]))


def serve(channel: Any, work: str) -> None:
    """Serve one controller until its channel ends; the main thread of a gateway calls this.

    Args:
        channel: of execnet.
        work: folder below which the agent makes one of its own.
    """
    signal.signal(signal.SIGTERM, lambda *_: os._exit(1))
    _let_go_of_stderr()
    inbox = _Inbox(channel)
    threading.Thread(target=inbox.watch, daemon=True).start()
    with _own_folder(Path(work)) as folder, SupervisorClient(run="agent") as supervisor:
        agent = inbox.agent = Agent(supervisor, folder)
        inbox.send("ready", 0, os.getpid(), supervisor.pid)
        while (request := inbox.next()) is not None:
            number, name, data = request
            inbox.send(*_answer(agent, number, name, data))


def _answer(agent: Agent, number: int, name: str, data: dict[str, Any]) -> tuple[object, ...]:
    """The message that answers a request; what goes wrong travels as text."""
    try:
        return ("result", number, find_operation(name)(agent, **data))
    except BenchError as error:
        kind, code = type(error).__name__, getattr(error, "code", "")
        return ("error", number, kind, error.message, error.advice, code)
    except Exception:  # noqa: BLE001 - a fault of ours: the controller shows where
        return ("bug", number, traceback.format_exc())


def _let_go_of_stderr() -> None:
    """Nothing that we start may hold the ssh session open; execnet cares for stdin and stdout."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)


@contextlib.contextmanager
def _own_folder(work: Path) -> Iterator[Path]:
    """A private folder for this agent; those of agents that were killed are removed."""
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in work.iterdir():
        owner = left.name.partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=work))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
