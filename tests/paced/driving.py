"""Builds paced, plants servers for it, and reads what it wrote."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SOURCES = Path(__file__).parents[2] / "scripts" / "paced"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Line(NamedTuple):
    """One request of the pool."""

    bytes: bytes = GET
    kind: int = 0
    head: bool = False
    status: str = "-"
    least: str = "-"
    most: str = "-"


def build(folder: Path) -> Path:
    """Compile with every warning an error."""
    binary = folder / "paced"
    flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    files = sorted(map(str, SOURCES.glob("*.c")))
    subprocess.run(["cc", *flags, "-o", str(binary), *files, "-lm"], check=True, timeout=600)
    return binary


def write_pool(path: Path, lines: Sequence[Line], slots: Sequence[int]) -> Path:
    """Write the file of requests."""
    parts = [f"paced-pool 1 {len(lines)} {len(slots)}\n".encode()]
    for one in lines:
        words = (one.kind, "head" if one.head else "-", one.status, one.least, one.most)
        parts.append(" ".join(map(str, (*words, len(one.bytes)))).encode() + b"\n")
        parts.append(one.bytes + b"\n")
    parts.append((" ".join(map(str, slots)) + "\n").encode())
    path.write_bytes(b"".join(parts))
    return path


def read_histograms(path: Path) -> dict[str, dict[int, int]]:
    """Read the binary file of histograms."""
    data = path.read_bytes()
    assert data[:8] == b"paced-h1"
    at, found = 8, {}
    while at < len(data):
        name, count = struct.unpack_from("=16sQ", data, at)
        numbers = struct.unpack_from(f"={2 * count}Q", data, at + 24)
        found[name.rstrip(b"\0").decode()] = dict(zip(numbers[::2], numbers[1::2], strict=True))
        at += 24 + 16 * count
    return found


def read_request(connection: socket.socket) -> bytes:
    """One request without a body; empty when the client hung up."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        more = connection.recv(4096)
        if not more:
            return b""
        data += more
    return data


@contextlib.contextmanager
def serving(handle: Callable[[socket.socket], None], address: str = "127.0.0.1") -> Iterator[int]:
    """A server with a thread per connection that calls `handle` once and then closes it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, 0), family=family, backlog=512)

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            handle(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def answering(*answers: bytes) -> Callable[[socket.socket], None]:
    """Send the answers in turn, for ever, over one connection."""

    def handle(connection: socket.socket) -> None:
        while True:
            for answer in answers:
                if not read_request(connection):
                    return
                connection.sendall(answer)

    return handle


class Paced(NamedTuple):
    """The built program and a folder for its files."""

    binary: Path
    folder: Path

    def command(self, port: int, *options: str, lines: Sequence[Line] = (Line(),)) -> list[str]:
        pool = write_pool(self.folder / "pool", lines, range(len(lines)))
        given = ["--pool", str(pool), "--port", str(port), *options]
        for name, value in (("--connections", "1"), ("--rate", "200"), ("--duration", "0.2")):
            if name not in given:
                given += [name, value]
        return [str(self.binary), *given, "--histograms", str(self.folder / "histograms")]

    def run(self, port: int, *options: str, lines: Sequence[Line] = (Line(),)) -> dict[str, Any]:
        """Run it to its end; 40 requests where nothing else is said."""
        done = subprocess.run(
            self.command(port, *options, lines=lines),
            capture_output=True,
            text=True,
            timeout=300,  # of one that would hang
            check=True,
        )
        return balanced(json.loads(done.stdout))

    def histograms(self) -> dict[str, dict[int, int]]:
        return read_histograms(self.folder / "histograms")


def balanced(result: dict[str, Any]) -> dict[str, Any]:
    """Check the sums that README.md promises."""
    requests = result["requests"]
    failed = sum(result["errors"].values())
    assert requests["due"] == requests["sent"] + requests["left_in_queue"]
    assert requests["sent"] == requests["completed"] + failed + requests["left_in_flight"]
    wrong = result["wrong_status"] + result["wrong_length"]
    assert requests["completed"] == requests["ok"] + wrong
    assert requests["ok"] == result["response"]["count"]
    return result
