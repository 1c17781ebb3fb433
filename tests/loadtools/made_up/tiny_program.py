"""The executable `tiny`: sends real requests and prints what it saw as JSON."""

from __future__ import annotations

import collections
import http.client
import json
import sys
import time
from pathlib import Path


def send(file: str, seconds: float, rate: float, *part: float) -> None:
    """One connection; at the rate of all processes together, or as fast as it goes."""
    index, count, start = part
    asked = json.loads(Path(file).read_text())
    connection = http.client.HTTPConnection(asked["host"], asked["port"], timeout=5)
    seen: collections.Counter[int] = collections.Counter()
    received, number = 0, int(index)
    time.sleep(max(0.0, start - time.monotonic()))
    while (due := start + number / rate if rate else time.monotonic()) < start + seconds:
        time.sleep(max(0.0, due - time.monotonic()))
        connection.request(asked["method"], asked["path"], asked["body"], asked["headers"])
        received += len(connection.getresponse().read())
        seen[round((time.monotonic() - due) * 1e6)] += 1
        number += int(count)
    said = {"connections": 1, "seconds": time.monotonic() - start, "requests": seen.total()}
    sys.stdout.write(json.dumps({**said, "bytes": received, "us": sorted(seen.items())}))


if sys.argv[1] == "--version":
    sys.stdout.write("tiny 2.1.3\n")
else:
    send(sys.argv[1], *map(float, sys.argv[2:]))
