"""A small HTTP/1.1 server of known behaviour that counts what it does; started as a subprocess.

Prints its port on the first line of stdout. Behaviour is chosen by path, so that one process
serves all tests of a module:

    /ok            200, "ok"             /status/503     that status
    /echo          200, the body         /slow/20        200 after 20 ms
    /share/500/10  every 10th a 500      /reset/20       every 20th resets the connection
    /tail/100/50   every 100th 50 ms late
    /hang          accepts, never answers
    /count         what was counted so far, as JSON; /count?reset starts anew
"""

from __future__ import annotations

import asyncio
import collections
import json
import sys

REASONS = {200: "OK"}


class Counter:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.requests = 0
        self.answered: collections.Counter[int] = collections.Counter()
        self.resets = 0
        self.connections = 0
        self.paths: collections.Counter[str] = collections.Counter()
        self.bodies: set[bytes] = set()

    def as_json(self) -> bytes:
        return json.dumps(
            {
                "requests": self.requests,
                "answered": {str(k): v for k, v in self.answered.items()},
                "resets": self.resets,
                "connections": self.connections,
                "paths": self.paths,
                "bodies": len(self.bodies),
            }
        ).encode()


COUNTER = Counter()


class Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""
        COUNTER.connections += 1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, rest = self.buffer.partition(b"\r\n\r\n")
            length = 0
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if len(rest) < length:
                return
            body, self.buffer = rest[:length], rest[length:]
            method, path, _ = head.partition(b"\r\n")[0].decode().split(" ")
            self.handle(method, path, body)

    def handle(self, method: str, path: str, body: bytes) -> None:
        if path.startswith("/count"):
            COUNTER.connections -= 1  # its own is no load tool's
            text = COUNTER.as_json()
            if path.endswith("reset"):
                COUNTER.reset()
            self.answer(200, text, counted=False)
            return
        COUNTER.requests += 1
        route = path.partition("?")[0]
        COUNTER.paths[f"{method} {route}"] += 1
        if body and len(COUNTER.bodies) < 5000:
            COUNTER.bodies.add(body)
        parts = route.strip("/").split("/")
        kind, numbers = parts[0], [int(p) for p in parts[1:] if p.isdigit()]
        loop = asyncio.get_running_loop()
        nth = COUNTER.requests
        if kind == "status":
            self.answer(numbers[0], b"")
        elif kind == "share":
            self.answer(numbers[0] if nth % numbers[1] == 0 else 200, b"ok")
        elif kind == "slow":
            loop.call_later(numbers[0] / 1000, self.answer, 200, b"ok")
        elif kind == "tail" and nth % numbers[0] == 0:
            loop.call_later(numbers[1] / 1000, self.answer, 200, b"ok")
        elif kind == "reset" and nth % numbers[0] == 0:
            COUNTER.resets += 1
            self.transport.abort()
        elif kind == "hang":
            return
        else:
            self.answer(200, body or b"ok")

    def answer(self, status: int, body: bytes, *, counted: bool = True) -> None:
        if self.transport.is_closing():
            return
        if counted:
            COUNTER.answered[status] += 1
        reason = REASONS.get(status, "Status")
        self.transport.write(
            f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)  # until the parent closes it or is gone


if __name__ == "__main__":
    asyncio.run(main())
