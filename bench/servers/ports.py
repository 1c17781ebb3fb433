"""Free ports outside the system's ephemeral range, and who listens on one."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import re
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.errors import StartError
from bench.model.target import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterable

_LISTEN: Final = "0A"
_FIRST: Final = 10_240
_EPHEMERAL_LINUX: Final = 32_768
_EPHEMERAL_DARWIN: Final = 49_152
_TRIES: Final = 200
_INODE: Final = 9


def _ephemeral_low() -> int:
    """First ephemeral port: a client's own port must never collide with a server's."""
    if sys.platform == "darwin":
        return _EPHEMERAL_DARWIN
    with contextlib.suppress(OSError, ValueError):
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    return _EPHEMERAL_LINUX


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether nothing listens on that port of an address of ours, or of any address.

    SO_REUSEADDR lets the bind succeed over connections in TIME_WAIT, which are harmless.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def choose_port(rng: random.Random, host: str = LOOPBACK) -> int:
    """Draw a port below the ephemeral range that is free on an address of ours.

    The process decides too: two runs of one seed at the same time would draw the same port, and
    one of them would ask the other's server. `rng` is drawn from once, however many ports are
    taken, so that what follows is the same in each run of a seed.

    Raises:
        StartError: `port-busy`, when none of 200 draws was free.
    """
    high = _ephemeral_low() - 1
    low = _FIRST if high > _FIRST else 1024
    own = random.Random(f"{rng.getrandbits(64)}/{os.getpid()}")  # noqa: S311 - a port is no secret
    for _ in range(_TRIES):
        port = own.randint(low, max(low, high))
        if is_free(port, host):
            return port
    raise StartError(
        f"no free port found between {low} and {high}",
        code="port-busy",
        advice="end the programs that listen there; `ss -ltn` (Linux) or `netstat -an` shows them",
    )


def listeners(port: int, pids: Iterable[int], space: int = 0) -> tuple[set[int], bool]:
    """Who listens on a port.

    Returns:
        The given pids that do, and whether another process does too (a half-dead server of an
        earlier start that shares the port by SO_REUSEPORT takes half of the connections).
    """
    if sys.platform.startswith("linux"):
        return _listeners_linux(port, pids, _tables(space))
    return _listeners_psutil(port, pids)


def _tables(space: int) -> list[str]:
    """The kernel's tables of TCP sockets, in the network namespace that a process holds."""
    return [_read(Path(f"/proc/{space or 'self'}/net/{name}")) for name in ("tcp", "tcp6")]


def ports_of(pids: Iterable[int], space: int = 0) -> list[int]:
    """Every port on which the given processes listen, in order."""
    if not sys.platform.startswith("linux"):
        return _ports_psutil(pids)
    owned: set[str] = set().union(*map(_socket_inodes, pids))
    rows = (line.split() for table in _tables(space) for line in table.splitlines()[1:])
    found = (row for row in rows if row[3] == _LISTEN and row[_INODE] in owned)
    return sorted({int(row[1].rpartition(":")[2], 16) for row in found})


def _ports_psutil(pids: Iterable[int]) -> list[int]:
    import psutil  # noqa: PLC0415 - late, see `bench --help`

    found: set[int] = set()
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            sockets = psutil.Process(pid).net_connections(kind="tcp")
            found |= {c.laddr.port for c in sockets if c.status == psutil.CONN_LISTEN}
    return sorted(found)


def _listeners_linux(port: int, pids: Iterable[int], tables: list[str]) -> tuple[set[int], bool]:
    wanted = listening_inodes(port, tables)
    owners: set[int] = set()
    owned: set[str] = set()
    for pid in pids:
        mine = wanted & _socket_inodes(pid)
        if mine:
            owners.add(pid)
            owned |= mine
    return owners, bool(wanted - owned)


def listening_inodes(port: int, tables: Iterable[str]) -> set[str]:
    """Socket inodes in state LISTEN on a port, from the texts of /proc/net/tcp and tcp6."""
    suffix = f":{port:04X}"
    found = set()
    for table in tables:
        for line in table.splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == _LISTEN and fields[1].endswith(suffix):  # noqa: PLR2004 - inode is the tenth column
                found.add(fields[9])
    return found


def _socket_inodes(pid: int) -> set[str]:
    found = set()
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 - twice as fast, thousands of entries
            with contextlib.suppress(OSError):
                match = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"{folder}/{name}"))  # noqa: PTH115 - the same
                if match:
                    found.add(match[1])
    return found


def _listeners_psutil(port: int, pids: Iterable[int]) -> tuple[set[int], bool]:
    import psutil  # noqa: PLC0415 - late, see `bench --help`

    owners = set()
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            connections = psutil.Process(pid).net_connections(kind="tcp")
            if any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections):
                owners.add(pid)
    return owners, False  # sockets of other users cannot be listed without root on macOS


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
