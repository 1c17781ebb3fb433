"""The file of rendered requests that paced reads; its format is in scripts/paced/README.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.workload.requests import raw

if TYPE_CHECKING:
    from bench.workload.requests import Pool, Rendered

_SUCCESSES_BELOW: Final = 400


def encode(pool: Pool, host: str) -> bytes:
    """Write a pool as paced reads it.

    Args:
        pool: the requests.
        host: value of their Host header.
    """
    parts = [f"paced-pool 1 {len(pool.requests)} {len(pool.slots)}\n".encode()]
    for request in pool.requests:
        text = raw(request, host)
        words = (request.kind, *_expected(request), len(text))
        parts += [(" ".join(map(str, words)) + "\n").encode(), text, b"\n"]
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
