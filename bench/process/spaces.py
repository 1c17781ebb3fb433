"""Network namespaces: whether there are any, one to start commands in, sockets from inside it."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.errors import BenchError
from bench.process.command import Command, capture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.target import Target
    from bench.process.client import SupervisorClient

_PROGRAM: Final = Path(__file__).with_name("space_holder.py")
_WAIT_S: Final = 5.0
_POLL_S: Final = 0.005
_ASK_S: Final = 2.0


@cache
def spaces_allowed() -> bool:
    """Whether this system lets us make a network namespace: Linux, as root or with user ones."""
    if not sys.platform.startswith("linux"):
        return False
    done = capture([sys.executable, "-I", "-S", str(_PROGRAM), "--probe"])
    return done is not None and done.rc == 0


@contextlib.contextmanager
def network_space(supervisor: SupervisorClient, cpus: tuple[int, ...] | None) -> Iterator[int]:
    """Make a network namespace; yields the process id that stands for it in `Command.space`.

    Args:
        supervisor: starts what holds it.
        cpus: where that may run, away from what is measured.

    Raises:
        BenchError: it could not be made.
    """
    argv = (sys.executable, "-I", "-S", str(_PROGRAM))
    null = Path(os.devnull)
    holder = supervisor.spawn(Command(argv, {}, Path("/"), cpus or None, null))
    try:
        deadline = time.monotonic() + _WAIT_S
        while True:
            try:
                socket_in(holder.pid).close()
                break
            except ConnectionRefusedError:
                if time.monotonic() > deadline or not holder.running:
                    raise BenchError("the network namespace was not made in time") from None
                holder.wait(_POLL_S)
        yield holder.pid
    finally:
        holder.stop(9, 0.0)


def socket_in(
    space: int, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM, protocol: int = 0
) -> socket.socket:
    """A socket that was made inside a namespace, and works there wherever it is used.

    Raises:
        ConnectionRefusedError: nobody holds that namespace (yet).
        BenchError: the namespace could not be made.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(_ASK_S)
        asking.connect(f"\0bench-space-{space}")
        asking.sendall(struct.pack("iii", family, kind, protocol))
        said, numbers, _, _ = socket.recv_fds(asking, 256, 1)
    if not numbers:
        raise BenchError(f"no network namespace: {said.decode('utf-8', 'replace') or 'it ended'}")
    return socket.socket(family, kind, protocol, fileno=numbers[0])


def connect(target: Target, timeout_s: float) -> socket.socket:
    """A connection to a target, in its namespace where it has one of its own.

    Raises:
        OSError: nobody listens there, or not in time.
    """
    if not target.space:
        return socket.create_connection((target.host, target.port), timeout=timeout_s)
    made = socket_in(target.space, socket.AF_INET6 if ":" in target.host else socket.AF_INET)
    try:
        made.settimeout(timeout_s)
        made.connect((target.host, target.port))
    except BaseException:
        made.close()
        raise
    return made
