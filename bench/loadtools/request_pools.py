"""The files of rendered requests that bench.lua and paced read; what they have in common.

First line `NAME 1 <requests> <slots>`; then per request a line `<kind> ... <length>`, its bytes
and a line break; then one line with the slots, indices into the requests from 0. What paced reads
between kind and length is in scripts/paced/README.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.workload.requests import raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.workload.requests import Pool, Rendered

_SUCCESSES_BELOW: Final = 400


def lua_pool(pool: Pool, host: str) -> bytes:
    """A pool as bench.lua reads it; `host` is what the Host headers say."""
    return _pool("bench-pool", pool, host, lambda _: ())


def paced_pool(pool: Pool, host: str) -> bytes:
    """A pool as paced reads it; `host` is what the Host headers say."""
    return _pool("paced-pool", pool, host, _expected)


def _pool(name: str, pool: Pool, host: str, words: Callable[[Rendered], tuple[str, ...]]) -> bytes:
    parts = [f"{name} 1 {len(pool.requests)} {len(pool.slots)}\n".encode()]
    for request in pool.requests:
        text = raw(request, host)
        line = " ".join((str(request.kind), *words(request), str(len(text))))
        parts += [f"{line}\n".encode(), text, b"\n"]
    parts.append((" ".join(map(str, pool.slots)) + "\n").encode())
    return b"".join(parts)


def _expected(request: Rendered) -> tuple[str, str, str, str]:
    """Head or not, status, least and greatest length of a body, as far as they are known.

    As with all load tools 200 to 399 is a success; only an error that the workload expects
    is distinguished from others. A text is compared by its length, JSON only for being there: a
    server may write it in its own way. What they say is verified before and after the load.
    """
    head = request.method == "HEAD"
    status = request.expect.status
    wanted = "-" if status < _SUCCESSES_BELOW else str(status)
    least = most = "-"
    if not head and request.expect.text is not None:
        least = most = str(len(request.expect.text.encode()))
    elif not head and request.expect.has_json:
        least = "1"
    return "head" if head else "-", wanted, least, most
