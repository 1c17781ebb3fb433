"""The file of rendered requests that bench.lua reads; the format lives here and there only.

First line `bench-pool 1 <requests> <slots>`; then per request a line `<kind> <length>`, its
bytes and a line break; then one line with the slots, indices into the requests from 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.workload.requests import raw

if TYPE_CHECKING:
    from bench.workload.requests import Pool


def encode(pool: Pool, host: str) -> bytes:
    """Write a pool as bench.lua reads it.

    Args:
        pool: the requests.
        host: value of their Host header.
    """
    parts = [f"bench-pool 1 {len(pool.requests)} {len(pool.slots)}\n".encode()]
    for request in pool.requests:
        text = raw(request, host)
        parts += [f"{request.kind} {len(text)}\n".encode(), text, b"\n"]
    parts.append((" ".join(map(str, pool.slots)) + "\n").encode())
    return b"".join(parts)
