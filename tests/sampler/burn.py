"""Burns CPU time in a declared way and says how much it was; started by the tests.

Each line on stdin names a way and seconds; the answer is the CPU time used so far by this
process and the children it waited for, in seconds.
"""

from __future__ import annotations

import mmap
import os
import resource
import signal
import sys
import threading
import time

_KEPT: list[bytes] = []


def say(seconds: float) -> None:
    sys.stdout.write(f"{seconds}\n")
    sys.stdout.flush()


def burn(seconds: float) -> None:
    begun = time.thread_time()
    while time.thread_time() - begun < seconds:
        pass


def threads(seconds: float) -> None:
    for _ in range(8):
        thread = threading.Thread(target=burn, args=(seconds / 8,))
        thread.start()
        thread.join()


def children(seconds: float) -> None:
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            burn(seconds / 20)
            os._exit(0)
        os.waitpid(pid, 0)


def ignored(seconds: float) -> None:
    """A child that nobody waits for, and that stays long enough to be seen."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    if os.fork() == 0:
        burn(seconds)
        say(time.process_time())
        time.sleep(0.6)
        os._exit(0)


def orphan(seconds: float) -> None:
    """A grandchild whose parent has gone."""
    if os.fork() == 0:
        if os.fork() == 0:
            burn(seconds)
            say(time.process_time())
            time.sleep(0.6)
        os._exit(0)
    os.wait()


def many_threads(count: float) -> None:
    for _ in range(int(count) - 1):
        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()


def many_children(count: float) -> None:
    for _ in range(int(count) - 1):
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)


def growing(megabytes: float) -> None:
    """Memory that is taken bit by bit, over four seconds."""
    for _ in range(int(megabytes)):
        _KEPT.append(bytes(range(256)) * 3906)
        time.sleep(0.1)


def shared_memory(megabytes: float) -> None:
    """Memory that four processes share."""
    memory = mmap.mmap(-1, int(megabytes * 1_000_000))
    for _ in range(3):
        if os.fork() == 0:
            touch(memory)
            time.sleep(30)
            os._exit(0)
    touch(memory)
    time.sleep(0.3)


def touch(memory: mmap.mmap) -> None:
    for place in range(0, len(memory), 4096):
        memory[place] = 1


WAYS = {
    "burn": burn,
    "threads": threads,
    "children": children,
    "ignored": ignored,
    "orphan": orphan,
    "many-threads": many_threads,
    "many-children": many_children,
    "shared-memory": shared_memory,
    "growing": growing,
}
SILENT = {"ignored", "orphan"}

for line in sys.stdin:
    way, amount = line.split()
    WAYS[way](float(amount))
    if way not in SILENT:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        say(time.process_time() + usage.ru_utime + usage.ru_stime)
