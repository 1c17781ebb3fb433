"""Holds a network namespace of its own and hands out sockets made in it.

A program of its own (Linux, standard library only, started with `python -I -S`): it leaves the
machine's network for an empty one in which only a loopback interface is, and answers on an
abstract Unix socket that was bound before, by which the rest of the machine still reaches it.
Without root it takes a user namespace with it, where the system allows that. `--probe` only
says by its exit code whether all this is possible here. It must not do anything else.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import sys

_NEW_USER = 0x10000000
_NEW_NET = 0x40000000
_GET_FLAGS = 0x8913
_SET_FLAGS = 0x8914
_UP = 1
_REQUEST = struct.Struct("iii")


def leave() -> None:
    """Enter a new network namespace and bring its loopback interface up.

    Raises:
        OSError: the system does not allow it.
    """
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NET):
        if libc.unshare(_NEW_USER | _NEW_NET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - no pathlib in a small program
                file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        wanted = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(asking, _GET_FLAGS, wanted))[1]
        fcntl.ioctl(asking, _SET_FLAGS, struct.pack("16sh22x", b"lo", flags | _UP))


def main() -> None:
    """Leave, then hand out one socket for each request, until killed."""
    if sys.argv[1:] == ["--probe"]:
        try:
            leave()
        except OSError:
            os._exit(1)
        os._exit(0)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(f"\0bench-space-{os.getpid()}")
    why = b""
    try:
        leave()
    except OSError as error:
        why = (error.strerror or "not allowed").encode()
    door.listen(16)
    while True:
        asking, _ = door.accept()
        with asking, contextlib.suppress(OSError, struct.error):
            kinds = _REQUEST.unpack(asking.recv(_REQUEST.size))
            if why:
                asking.sendall(why)
                continue
            with socket.socket(*kinds) as made:
                socket.send_fds(asking, [b"+"], [made.fileno()])


if __name__ == "__main__":
    main()
