"""A server of known behavior that counts what it does itself; test equipment.

It answers every workload of `configs/workloads` rightly, apart from the faults that it is
told to have. Only the standard library; about 10,000 requests/s on one core; a delay is kept
to 0.1 ms where the machine is free.

Usage::

    python tests/servers/truth.py --port 24000 --delay-ms 20 --late-share 0.01 --late-ms 50

Delays (of ordinary requests; readiness and counts are always answered at once):
    --delay-ms X             every response waits X ms from the complete request
    --late-share S           a share S of the responses waits ...
    --late-ms X              ... X ms more (50), evenly spread: exactly S of any long stretch
    --start-delay-ms X       the port is opened X ms late
Wrong responses:
    --status N               every ordinary response has status N, with a right body
    --error-share S          a share S of the responses is a 500, evenly spread
    --lie-after N            after N requests: status 200, same length, JSON of another meaning
    --lie-every N            every N-th request: the same
    --tell-every N           every N-th request: status 200 and a short error text
    --lie-on-nth N           the N-th request of each connection: status 200, another meaning
    --lie-above N            while more than N connections are open: every tenth, another meaning
    --lie-path TEXT          --tell-every for requests whose path begins so, only
    --pad-after N            after N requests: 50 blanks more behind the body, the same meaning
    --skip-waits-after N     after N requests /delay/MS answers at once
    --unread                 /upload answers length and hash of its first body to every other
    --never-gzip             /static-gzip/ is answered as /static/ is
Connections:
    --reset-requests N       every N-th request gets a reset (RST) in place of a response
    --reset-connections N    every N-th connection is reset on its first request
    --most-connections N     at most N are accepted at a time; the others wait unanswered, with
                             an accept queue of one, as where a server's backlog is too short
    --close-each             the connection is closed after each response
    --ignore-close           it stays open although a request said `Connection: close`
    --hang-after N           after N requests none is answered (0 = never one)
    --never-ready            /health is not answered either
Processes:
    --exit-at-start CODE     exits at once
    --exit-after N           exits with code 3 after N responses
    --restart-after N        a supervisor holds the port; its worker is replaced after N responses
    --retire-after N         the same, but a worker answers what it has, says `Connection: close`
                             and ends when nothing is open any more
    --own-session            the server leaves the process group for a session of its own
    --stray-child KIND       forks a child that ignores SIGTERM and stays (120 s at most):
                             group, session (of its own), port (own session, holds the port too)
    --ignore-term            SIGTERM and SIGINT do nothing
    --half-dead-on-term      SIGTERM: still listening, still accepting, never answering again
    --port-offset N          listens on another port than it was told
Cost:
    --burn-us X              every ordinary response costs X us of CPU time more
Output:
    --flood BYTES            so many bytes to stdout for each response

`GET /__counts` answers the counters below as JSON, and pid, stray_pid and the CPU time of the
worker (cpu_us); `GET /__held` how long responses were held, in microseconds. Both count
nothing. Counters are of all workers
since the start, and are printed as one line `counts {...}` when the server ends by itself or
by a signal, after a line `held {...}`. `responses` are those handed to the kernel: what a tool
counted is less than that by at most the number of connections. See ground_truth.py for use in
tests.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

# Started as a file, from any folder, and in an environment without PYTHONPATH.
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.servers.truth_http import ENDS, RESTART, Counts, Server

if TYPE_CHECKING:
    from collections.abc import Callable

_STRAY_S = 120


def listen(port: int, host: str) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(4096)
    listener.setblocking(False)  # noqa: FBT003 - the name of the method says it
    return listener


def stray_child(counts: Counts, kind: str) -> None:
    """Fork a child that stays when the server is told to go."""
    pid = os.fork()
    if pid:
        counts.add("stray_pid", pid)
        return
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
    if kind != "group":
        os.setsid()
    time.sleep(_STRAY_S)
    os._exit(0)


def supervise(counts: Counts, work: Callable[[], None]) -> None:
    """Fork workers, one after the other, as long as they end to be replaced."""
    while True:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
        pid = os.fork()
        if not pid:
            work()
        for number in ENDS:
            signal.signal(number, lambda number, _: os.kill(pid, number))  # noqa: B023 - one at a time
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code != RESTART:
            os._exit(max(code, 0))
        counts.add("restarts")


def in_own_session() -> None:
    """Leave the process group; the parent stays behind and waits."""
    pid = os.fork()
    if pid:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 0xFF)
    os.setsid()


def serve(options: argparse.Namespace) -> None:
    if options.exit_at_start is not None:
        os._exit(options.exit_at_start)
    if options.own_session:
        in_own_session()
    if options.ignore_term:  # before anybody can know that it listens
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
    counts = Counts()
    if options.stray_child in ("group", "session"):
        stray_child(counts, options.stray_child)
    time.sleep(options.start_delay_ms / 1e3)
    # Whoever sees it listen may end it at once: that waits until its handlers are there.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    listener = listen(options.port + options.port_offset, options.host)
    if options.stray_child == "port":
        stray_child(counts, "port")
    if options.restart_after or options.retire_after:
        supervise(counts, lambda: Server(options, counts).run(listener))
    Server(options, counts).run(listener)


def read_options() -> argparse.Namespace:
    """The options of the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    for name in ("delay-ms", "late-share", "start-delay-ms", "error-share", "burn-us"):
        parser.add_argument(f"--{name}", type=float, default=0.0)
    parser.add_argument("--late-ms", type=float, default=50.0)
    for name in (
        "reset-requests",
        "reset-connections",
        "exit-after",
        "restart-after",
        "retire-after",
        "most-connections",
        "lie-every",
        "tell-every",
        "lie-on-nth",
        "lie-above",
    ):
        parser.add_argument(f"--{name}", type=int, default=0)
    for name in ("status", "port-offset", "flood"):
        parser.add_argument(f"--{name}", type=int, default=0)
    for name in ("lie-after", "pad-after", "hang-after", "exit-at-start", "skip-waits-after"):
        parser.add_argument(f"--{name}", type=int)
    for name in (
        "close-each",
        "ignore-close",
        "never-ready",
        "own-session",
        "ignore-term",
        "half-dead-on-term",
        "unread",
        "never-gzip",
    ):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--lie-path", default="")
    parser.add_argument("--stray-child", choices=("group", "session", "port"))
    return parser.parse_args()


if __name__ == "__main__":
    serve(read_options())
