"""A server with one thread and a known service time, which stamps what it does.

Usage: queue_server.py SERVICE_US [STALL_AFTER_S STALL_S]. It prints its port, serves until its
standard input is closed, and then prints a JSON list of [read, answered, free] per request:
nanoseconds of the monotonic clock when it had read the request, when it had answered it, and when
it was about to wait for the next.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Queue:
    """Takes requests in the order in which they came."""

    def __init__(self, service_ns: int, stall: tuple[float, float]) -> None:
        self.service_ns = service_ns
        self.stall_after_s, self.stall_s = stall
        self.stamps: list[list[int]] = []

    def serve(self, connection: socket.socket) -> bool:
        data = connection.recv(65536)
        if not data:
            return False
        read = time.monotonic_ns()
        for _ in range(data.count(b"\r\n\r\n")):
            self.work(read)
            connection.sendall(ANSWER)
            done = time.monotonic_ns()
            self.stamps.append([read, done, done])
        return True

    def work(self, read: int) -> None:
        """Use the CPU so long; once, when it has served for a while, stop altogether."""
        first = self.stamps[0][0] if self.stamps else read
        if self.stall_s and read - first > self.stall_after_s * 1e9:
            time.sleep(self.stall_s)
            self.stall_s = 0.0
        until = time.monotonic_ns() + self.service_ns
        while time.monotonic_ns() < until:
            pass


def main() -> None:
    service_us, *stall = map(float, sys.argv[1:])
    queue = Queue(int(service_us * 1000), (stall[0], stall[1]) if stall else (0.0, 0.0))
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - a program of its own
    poller = select.poll()
    poller.register(listener, select.POLLIN)
    poller.register(sys.stdin, select.POLLIN)
    connections: dict[int, socket.socket] = {}
    while True:
        if queue.stamps:
            queue.stamps[-1][2] = time.monotonic_ns()
        for fd, _ in poller.poll():
            if fd == sys.stdin.fileno():
                print(json.dumps(queue.stamps), flush=True)  # noqa: T201 - as above
                return
            if fd == listener.fileno():
                connection, _ = listener.accept()
                connections[connection.fileno()] = connection
                poller.register(connection, select.POLLIN)
            elif not queue.serve(connections[fd]):
                poller.unregister(fd)
                connections.pop(fd).close()


if __name__ == "__main__":
    main()
