"""HTTP, faults and counters of the ground-truth server; started by truth.py, which documents it."""

from __future__ import annotations

import asyncio
import gc
import gzip
import hashlib
import json
import mmap
import os
import re
import select
import selectors
import signal
import socket
import struct
import sys
import time
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    import argparse

COUNTERS = (
    "connections",  # accepted
    "requests",  # ordinary ones, complete
    "responses",  # of these, written
    "ok",  # responses of status 200 to 399, lies among them
    "errors",  # other responses
    "late",  # responses held back by --late-ms
    "lies",  # responses with status 200 and a wrong meaning
    "resets",  # connections that the server reset
    "unanswered",  # requests that it left without a response
    "lost",  # responses whose connection the client had closed
    "bytes_in",  # bodies of ordinary requests
    "bytes_out",  # bodies of ordinary responses
    "health",  # answered readiness requests
    "restarts",  # workers replaced
    "stray_pid",
)
EXITED, RESTART = 3, 75
PAGE = Path(__file__).parents[2] / "servers" / "axum" / "static" / "page.html"
_RETIRE_S = 0.3
ENDS = (signal.SIGTERM, signal.SIGINT)
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
_US = 1e6
_PADDING = b" " * 50
# A sleeping process is woken up to 0.2 ms late: it wakes early and watches the clock.
_SPIN_S = 300e-6


class Answer(NamedTuple):
    """A response: status, Content-Type, body, lines of further headers.

    `early` is what of the body is sent at once, where the rest has to wait.
    """

    status: int
    kind: str
    body: bytes
    more: str = ""
    early: bytes = b""


def as_json(value: Any) -> Answer:
    return Answer(200, "application/json", json.dumps(value, separators=(",", ":")).encode())


def right_answer(method: str, target: str, body: bytes) -> Answer:
    """What each request of `configs/workloads` must get."""
    if method == "POST":
        return Answer(200, "application/json", body)
    if target == "/plaintext":
        return Answer(200, "text/plain", b"Hello, World!")
    url = urlsplit(target)
    if url.path == "/search":
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        numbers = {key: int(query[key]) for key in ("limit", "offset")}
        return as_json({"sort": "relevance"} | query | numbers)
    if url.path.startswith("/users/"):
        return user_answer(method, url.path.split("/")[2:], body)
    return Answer(404, "text/plain", b"Not Found")


def user_answer(method: str, parts: list[str], body: bytes) -> Answer:
    """The answer below /users."""
    user = {"user_id": int(parts[0])}
    if method == "PUT":
        return as_json(user | {"updated": json.loads(body)})
    if method == "DELETE":
        return as_json(user | {"deleted": True})
    return as_json(user | {"post_id": int(parts[2])})


def hashed(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def page(*, packed: bool) -> Answer:
    more = "Last-Modified: Thu, 26 Nov 2026 12:00:00 GMT\r\n"
    data = PAGE.read_bytes()
    if not packed:
        return Answer(200, "text/html", data, more)
    return Answer(200, "text/html", gzip.compress(data), f"{more}Content-Encoding: gzip\r\n")


def form(body: bytes) -> Answer:
    return as_json({name: values[-1] for name, values in parse_qs(body.decode()).items()})


def multipart(body: bytes) -> Answer:
    """The two parts that the workload sends, by the boundary that the body begins with."""
    boundary = body.partition(b"\r\n")[0]
    title, file = body.split(boundary)[1:3]
    head, _, content = file.removesuffix(b"\r\n").partition(b"\r\n\r\n")
    name = re.search(rb'filename="([^"]+)"', head)
    return as_json(
        {
            "title": title.removesuffix(b"\r\n").partition(b"\r\n\r\n")[2].decode(),
            "filename": name[1].decode() if name else "",
            **hashed(content),
        }
    )


def validate(body: bytes) -> Answer:
    """The body, or status 422 with the fields that are wrong."""
    sent = json.loads(body)
    right = {
        "display_name": len(sent["display_name"]) > 1,
        "email": "@" in sent["email"],
        "seats": 1 <= sent["seats"] <= 99,
    }
    wrong = [name for name, good in right.items() if not good]
    return as_json(wrong)._replace(status=422) if wrong else Answer(200, "application/json", body)


def lie(answer: Answer) -> Answer:
    """The same length and type, another meaning."""
    size = len(answer.body)
    if answer.kind != "application/json" or size < len(b"{}"):
        return answer._replace(body=b"x" * size)
    return answer._replace(body=b"{" + b" " * (size - 2) + b"}")


def due(share: float, n: int) -> bool:
    """Whether the n-th of a row is one of the share, evenly spread."""
    return int(n * share) != int((n - 1) * share)


def burn(us: float) -> None:
    """Use that much CPU time of this thread."""
    end = time.thread_time_ns() + us * 1e3
    while time.thread_time_ns() < end:
        pass


class Counts:
    """Counters in shared memory: they outlive a worker that is replaced."""

    def __init__(self) -> None:
        self._cells = memoryview(mmap.mmap(-1, 8 * len(COUNTERS))).cast("Q")
        self._index = {name: i for i, name in enumerate(COUNTERS)}

    def add(self, name: str, count: int = 1) -> int:
        """The counter after `count` was added."""
        index = self._index[name]
        self._cells[index] += count
        return self._cells[index]

    def snapshot(self) -> dict[str, int]:
        own = {"pid": os.getpid(), "cpu_us": round(time.process_time() * 1e6)}
        return dict(zip(COUNTERS, self._cells, strict=True)) | own


class Server:
    """The behavior, the counters, and what all connections share."""

    def __init__(self, options: argparse.Namespace, counts: Counts) -> None:
        self.options = options
        self.counts = counts
        self.held = array("d")
        self.deaf = False
        self.open = 0
        self.upload: dict[str, Any] = {}
        self.gate: Gate | None = None
        self.acceptor: asyncio.Server | None = None
        self.retiring = False
        self.loop = asyncio.SelectorEventLoop(precise_selector())

    def decide(
        self, n: int, nth: int, method: str, target: str, body: bytes
    ) -> tuple[Answer, float]:
        """The response to the n-th request, the nth of its connection, and the seconds it waits."""
        options = self.options
        delay = options.delay_ms / 1e3
        served = self.service(n, target, body)
        if served:
            return served[0], delay + served[1]
        answer = self.liar(n, nth, target, right_answer(method, target, body))
        if options.burn_us:
            burn(options.burn_us)
        if options.lie_after is not None and n > options.lie_after:
            self.counts.add("lies")
            answer = lie(answer)
        if options.pad_after is not None and n > options.pad_after:
            answer = answer._replace(body=answer.body + _PADDING)
        if options.status:
            answer = answer._replace(status=options.status)
        if due(options.error_share, n):
            answer = Answer(500, "text/plain", b"Internal Server Error")
        if due(options.late_share, n):
            self.counts.add("late")
            delay += options.late_ms / 1e3
        return answer, delay

    def service(self, n: int, target: str, body: bytes) -> tuple[Answer, float] | None:
        """A wait, an upload, a file: the answer and its own delay; None for another request."""
        options = self.options
        _, kind, name = (*target.split("/"), "", "")[:3]
        if kind == "delay":
            skipped = options.skip_waits_after is not None and n > options.skip_waits_after
            return as_json({"waited_ms": int(name)}), 0.0 if skipped else int(name) / 1e3
        if kind == "upload":
            seen = hashed(body)
            self.upload = self.upload if options.unread and self.upload else seen
            return as_json(self.upload), 0.0
        if kind in ("static", "static-gzip"):
            packed = kind == "static-gzip" and not options.never_gzip
            return page(packed=packed), 0.0
        if kind == "events":
            events = [f"data: {name} {number}\n\n".encode() for number in range(1, 21)]
            first, rest = events[0], b"".join(events[1:])
            return Answer(200, "text/event-stream", rest, early=first), 0.1
        by_path = {"form": form, "multipart": multipart, "validate": validate}
        return (by_path[kind](body), 0.0) if kind in by_path else None

    def liar(self, n: int, nth: int, target: str, answer: Answer) -> Answer:
        """The answer of a server that lies now and then, from the first request on."""
        options = self.options
        busy = options.lie_above and self.open > options.lie_above and n % 10 == 0
        if busy or is_nth(options.lie_every, n) or (nth and nth == options.lie_on_nth):
            self.counts.add("lies")
            return lie(answer)
        if is_nth(options.tell_every, n) and target.startswith(options.lie_path):
            self.counts.add("lies")
            return Answer(200, "text/plain", b"internal error")
        return answer

    def own_request(self, target: str) -> Answer | None:
        """Readiness and counters; None for an ordinary request."""
        if target == "/__counts":
            return as_json(self.counts.snapshot())
        if target == "/__held":
            return as_json(percentiles(sorted(self.held)))
        if target == "/health":
            self.counts.add("health")
            return Answer(200, "text/plain", b"ok")
        return None

    def answered(self, answer: Answer, since: float) -> None:
        """Count a response that was written, and do what is due after so many."""
        done = self.counts.add("responses")
        self.counts.add("ok" if 200 <= answer.status < 400 else "errors")
        self.counts.add("bytes_out", len(answer.body))
        self.held.append((time.monotonic() - since) * _US)
        if self.options.flood:
            os.write(1, b"x" * (self.options.flood - 1) + b"\n")
        if self.options.exit_after and done >= self.options.exit_after:
            self.leave(EXITED)
        if self.options.restart_after and done % self.options.restart_after == 0:
            os._exit(RESTART)
        if self.options.retire_after and done % self.options.retire_after == 0:
            self.retire()

    def retire(self) -> None:
        """Take no further connection, close each behind its next answer, end after the last."""
        if self.acceptor and not self.retiring:
            self.retiring = True
            self.acceptor.close()
            self.loop.call_later(_RETIRE_S, os._exit, RESTART)

    def asked_to_stop(self) -> None:
        if self.options.half_dead_on_term:
            self.deaf = True
        else:
            self.leave(0)

    def leave(self, code: int) -> None:
        """Print how long responses were held and the counters, and end, whatever is open."""
        held = json.dumps(percentiles(sorted(self.held)))
        counts = json.dumps(self.counts.snapshot())
        os.write(1, f"held {held}\ncounts {counts}\n".encode())
        os._exit(code)

    def run(self, listener: socket.socket) -> None:
        """Serve until a signal ends it."""
        for number in ENDS:
            if self.options.ignore_term:
                signal.signal(number, signal.SIG_IGN)
            else:
                self.loop.add_signal_handler(number, self.asked_to_stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
        gc.freeze()
        gc.disable()
        if self.options.most_connections:
            self.gate = Gate(self, listener, self.options.most_connections)
        else:
            self.acceptor = self.loop.run_until_complete(
                self.loop.create_server(lambda: Connection(self), sock=listener, backlog=4096)
            )
        self.loop.run_forever()


class Gate:
    """Accepts connections as long as fewer than so many are open."""

    def __init__(self, server: Server, listener: socket.socket, most: int) -> None:
        self.server = server
        self.listener = listener
        self.most = most
        self.open = 0
        self.tasks: set[asyncio.Task[Any]] = set()
        listener.listen(0)
        server.loop.add_reader(listener, self.accept)

    def accept(self) -> None:
        loop = self.server.loop
        accepted, _ = self.listener.accept()
        accepted.setblocking(False)  # noqa: FBT003 - the name of the method says it
        self.open += 1
        if self.open >= self.most:
            loop.remove_reader(self.listener)
        task = loop.create_task(
            loop.connect_accepted_socket(lambda: Connection(self.server), accepted)
        )
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def closed(self) -> None:
        self.open -= 1
        self.server.loop.add_reader(self.listener, self.accept)


class Connection(asyncio.Protocol):
    """One connection: requests are answered one after the other."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.buffer = bytearray()
        self.busy = False
        self.nth = 0
        self.last = server.options.close_each
        self.number = server.counts.add("connections")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.open += 1

    def connection_lost(self, _error: Exception | None) -> None:
        self.server.open -= 1
        if self.server.retiring and not self.server.open:
            os._exit(RESTART)
        if self.server.gate:
            self.server.gate.closed()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self.next_request()

    def next_request(self) -> None:
        """Take the requests that are complete, until one has to wait."""
        while not self.busy and not self.transport.is_closing():
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self.buffer[:end])
            length = _LENGTH.search(head)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self.buffer) < size:
                return
            body = bytes(self.buffer[end + 4 : size])
            if _CLOSE.search(head) and not self.server.options.ignore_close:
                self.last = True
            del self.buffer[:size]
            method, target, _ = head.decode("latin-1").split(" ", 2)
            self.request(method, target, body)

    def request(self, method: str, target: str, body: bytes) -> None:
        server, options = self.server, self.server.options
        if server.deaf or (options.never_ready and target == "/health"):
            self.busy = True
            return
        own = server.own_request(target)
        if own:
            self.write(own)
            return
        n = server.counts.add("requests")
        server.counts.add("bytes_in", len(body))
        if options.hang_after is not None and n > options.hang_after:
            server.counts.add("unanswered")
            self.busy = True
        elif is_nth(options.reset_requests, n) or is_nth(options.reset_connections, self.number):
            self.reset()
        else:
            self.nth += 1
            self.respond(*server.decide(n, self.nth, method, target, body))

    def respond(self, answer: Answer, delay: float) -> None:
        since = time.monotonic()
        if not delay:
            self.send(answer, since)
            return
        self.busy = True
        if answer.early:
            self.transport.write(self.head(answer) + answer.early)
        self.server.loop.call_at(since + delay, self.send, answer, since)

    def send(self, answer: Answer, since: float) -> None:
        """Write an ordinary response and count it."""
        if self.transport.is_closing():
            self.server.counts.add("lost")
            return
        self.write(answer)
        self.server.answered(answer, since)
        if self.last or self.server.retiring:
            self.transport.close()
        if self.busy:
            self.busy = False
            self.next_request()

    def write(self, answer: Answer) -> None:
        head = b"" if answer.early else self.head(answer)
        self.transport.write(head + answer.body)

    def head(self, answer: Answer) -> bytes:
        close = "Connection: close\r\n" if self.last or self.server.retiring else ""
        length = len(answer.early) + len(answer.body)
        return (
            f"HTTP/1.1 {answer.status} Status\r\nContent-Type: {answer.kind}\r\n"
            f"{answer.more}{close}Content-Length: {length}\r\n\r\n"
        ).encode()

    def reset(self) -> None:
        """Close so that the client gets an RST."""
        self.server.counts.add("resets")
        raw = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


def is_nth(every: int, n: int) -> bool:
    return bool(every) and n % every == 0


def percentiles(held: list[float]) -> dict[str, float]:
    """Nearest-rank percentiles in microseconds; empty without a response."""
    if not held:
        return {}
    ranks = {"10": 0.1, "50": 0.5, "90": 0.9, "99": 0.99, "99.9": 0.999}
    values = {name: held[min(len(held) - 1, int(len(held) * p))] for name, p in ranks.items()}
    return {"count": len(held), "min": held[0], **values, "max": held[-1]}


def precise_selector() -> selectors.BaseSelector:
    """A selector that wakes to some microseconds: epoll alone rounds up to milliseconds."""
    if sys.platform == "linux":
        return _PreciseSelector()
    return selectors.DefaultSelector()


if sys.platform == "linux":

    class _PreciseSelector(selectors.EpollSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is None:
                select.select([self.fileno()], [], [])
                return super().select(0)
            until = time.monotonic() + timeout
            if timeout > _SPIN_S:
                select.select([self.fileno()], [], [], timeout - _SPIN_S)
            while not (ready := super().select(0)) and time.monotonic() < until:
                pass
            return ready
