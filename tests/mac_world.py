"""Runs `bench` as if on a Mac: `python mac_world.py RECORDING[:RECORDING...] BENCH-ARGUMENT...`.

`sys.platform` says darwin, the system's commands are stubs that print a recording, and what
exists on Linux alone is an error that ends the process: files below /proc and /sys, affinity,
netlink, prctl. Libraries of others keep their own view, since they were loaded before.

`imports` instead of a recording imports every module of `bench`; `linux-only` makes forbidden
calls, to show that each is caught. Several commands, `+` between them, save the start of a child,
and so do several recordings: each has a fork, whose output is NAME.out and NAME.err in the folder
that holds the stubs, and whose exit code is printed as `NAME CODE`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pkgutil
import socket
import sys
import traceback
import urllib.request
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import orjson
import psutil
import pydantic
import rich.console
import ruamel.yaml
import scipy.special

if TYPE_CHECKING:
    from collections.abc import Callable

LOADED = (click, orjson, psutil, pydantic, rich.console, ruamel.yaml, scipy.special, urllib.request)
OURS = str(Path(__file__).parents[1] / "bench")
FORBIDDEN = ("/proc", "/sys")
CAUGHT = 86
STUB = """#!/bin/sh
name=${0##*/}
for word in "$@"; do name="$name $word"; done
name=$(printf %s "$name" | tr ' ' '_')
for file in "$RECORDING/$name.txt" "$RECORDING/$name.json"; do
    [ -r "$file" ] && exec cat "$file"
done
echo "${0##*/}: no such key" >&2
exit 1
"""
COMMANDS = (
    *("sysctl", "sw_vers", "pmset", "notifyutil", "system_profiler", "ioreg", "launchctl"),
    *("mdutil", "tmutil", "csrutil", "powermetrics", "uname", "ulimit"),
)


def caught(what: str) -> NoReturn:
    """Say who did it, and end at once: nothing may swallow this."""
    frames = [frame for frame in traceback.extract_stack() if frame.filename.startswith(OURS)]
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    sys.stdout.flush()
    sys.stderr.write(f"linux-only: {what} at {place}\n")
    sys.stderr.flush()
    os._exit(CAUGHT)


def from_ours() -> bool:
    """Whether the nearest file that is no part of Python is ours."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if "site-packages" in name:
            return False
        if name.startswith(OURS) or name == __file__:
            return True
        frame = frame.f_back  # type: ignore[assignment] # None ends the loop
    return False


def watch(event: str, args: tuple[Any, ...]) -> None:
    """An audit hook: what is opened, listed, looked up and asked of the kernel."""
    if event in ("open", "os.listdir", "os.scandir"):
        path = os.fspath(args[0]) if isinstance(args[0], str | bytes | Path) else ""
        text = os.fsdecode(path)
        if any(text == one or text.startswith(f"{one}/") for one in FORBIDDEN) and from_ours():
            caught(text)
    elif event == "ctypes.dlsym" and args[1] in ("prctl", "sched_setaffinity", "syscall"):
        caught(str(args[1]))
    elif event == "socket.__new__" and args[1] == LINUX_SOCKET:
        caught("netlink")


LINUX_SOCKET = getattr(socket, "AF_NETLINK", -1)
REAL_STAT = os.stat


def stat(path: Any, *args: Any, **keys: Any) -> Any:
    """`os.stat` that knows which files a Mac has."""
    text = os.fsdecode(path) if isinstance(path, str | bytes | Path) else ""
    if text.startswith(tuple(f"{one}/" for one in FORBIDDEN)) and from_ours():
        caught(f"stat {text}")
    return REAL_STAT(path, *args, **keys)


def become_a_mac() -> None:
    """From here on, what is not on a Mac ends the process."""
    sys.platform = "darwin"
    for name in [name for name in vars(os) if name.startswith(("sched_", "pidfd_"))]:
        setattr(os, name, lambda *_, name=name: caught(f"os.{name}"))
    os.stat = stat
    sys.addaudithook(watch)


def play(recording: str, folder: Path) -> None:
    """Put stubs of the system's commands first on PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COMMANDS:
        (folder / name).write_text(STUB)
        (folder / name).chmod(0o755)
    os.environ["RECORDING"] = recording
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"


def import_all() -> int:
    """Import every module of `bench` but those of the other system and the programs."""
    import bench  # noqa: PLC0415 - only now is this a Mac

    count = 0
    for module in pkgutil.walk_packages(bench.__path__, "bench."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
            count += 1
    return count


def linux_only(call: str) -> None:
    """Make one call that no Mac has."""
    calls: dict[str, Callable[[], object]] = {
        "affinity": lambda: vars(os)["sched_getaffinity"](0),
        "proc": lambda: Path("/proc/stat").read_text(),
        "stat": lambda: Path("/sys/devices").exists() or Path("/proc/self/stat").exists(),
        "list": lambda: list(Path("/proc").iterdir()),
        "prctl": lambda: ctypes.CDLL(None).prctl,
        "netlink": lambda: socket.socket(LINUX_SOCKET, socket.SOCK_RAW, 4),
    }
    calls[call]()


def all_linux_only() -> None:
    """Make each in a child of its own, and print how they ended: `CALL EXIT-CODE`."""
    for call in ("affinity", "proc", "stat", "list", "prctl", "netlink"):
        child = os.fork()
        if child == 0:
            linux_only(call)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{call} {code}\n")
        sys.stdout.flush()


def on_each(recordings: list[str], words: list[str]) -> None:
    """Run the commands on each Mac, in a fork of its own, once everything is imported."""
    import_all()
    folder = Path(os.environ["STUBS"])
    for recording in recordings:
        name = Path(recording).name
        child = os.fork()
        if child == 0:
            for stream, end in ((1, "out"), (2, "err")):
                file = folder.with_name(f"{name}.{end}")
                os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream)
            on_one(recording, words)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{name} {code}\n")
        sys.stdout.flush()


def on_one(recording: str, words: list[str]) -> NoReturn:
    """Run the commands on this Mac."""
    play(recording, Path(os.environ["STUBS"]))
    from bench.cli import main as bench  # noqa: PLC0415 - only now is this a Mac

    while "+" in words:
        at = words.index("+")
        with contextlib.suppress(SystemExit):  # what it printed says whether it went well
            bench(words[:at])
        sys.stdout.flush()
        words = words[at + 1 :]
    bench(words)
    sys.exit()


def main(first: str, *words: str) -> None:
    """See the top of this file."""
    become_a_mac()
    if first == "imports":
        sys.stdout.write(f"{import_all()}\n")
    elif first == "linux-only":
        all_linux_only()
    elif ":" in first:
        on_each(first.split(":"), list(words))
    else:
        on_one(first, list(words))


if __name__ == "__main__":
    main(*sys.argv[1:])
