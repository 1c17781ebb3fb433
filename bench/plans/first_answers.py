"""What a server answers first: the response that every later request must get."""

from __future__ import annotations

import json
import random
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import VerifyError
from bench.host import local_topology
from bench.host.cpu_split import split
from bench.model.workload_config import Expect
from bench.process import SupervisorClient
from bench.servers import serving
from bench.trial.verify import HttpResponse, ask, plain_body
from bench.workload.json_equal import is_json_type
from bench.workload.requests import Rendered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.model.plan import Arm
    from bench.model.target import Target

_KEPT_BODY: Final = 100_000
_NOT_YET: Final = 503
"""What servers answer that have not finished starting (RFC 9110, 15.6.4)."""
_POLL_S: Final = 0.05


class Request(NamedTuple):
    """What is sent."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = {}
    body: bytes = b""


class FirstAnswer(NamedTuple):
    """What two answers to one request tell.

    Attributes:
        expect: as in a workload file.
        notes: what must be said of it.
        plain: it has a length, and no interim answers came before it.
    """

    expect: dict[str, Any]
    notes: list[str]
    plain: bool


def first_answers(arm: Arm, requests: Mapping[str, Request]) -> dict[str, FirstAnswer]:
    """Start a server and ask it each request twice: what the answers have in common, by id.

    Raises:
        StartError: it does not get ready.
        VerifyError: an answer is not 2xx, or there is none.
    """
    with SupervisorClient() as supervisor, tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        cpus = split(local_topology(), None, None)
        log = Path(scratch, "server.log")
        # Any answer will do: a wrong path is told at once, not after all the time of a slow start.
        probed = arm.replace(ready_any=True)
        with serving(probed, cpus, supervisor, random.SystemRandom(), log) as server:
            deadline = time.monotonic() + arm.config.ready_timeout
            return {
                name: _twice(arm, server.target, request, deadline)
                for name, request in requests.items()
            }


def _twice(arm: Arm, target: Target, request: Request, deadline: float) -> FirstAnswer:
    rendered = Rendered(0, *request_parts(request), Expect())
    while (first := ask(target, rendered)).status == _NOT_YET:
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_S)
    second = ask(target, rendered)
    for answer in (first, second):
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - 2xx
            leads = answer.headers.get("location")
            raise VerifyError(
                f"{arm.name} answered {request.method} {request.path} with {answer.status}"
                f"{f', which leads to {leads}' if leads else ''}: "
                f"{answer.body[:200].decode('utf-8', 'replace')}",
                advice="ask that path itself: redirects are not followed"
                if leads
                else "is it the right --path, --method, --body and --header?",
            )
    plain = not (first.interim or first.until_close)
    return FirstAnswer(*expectation(first, second), plain)


def request_parts(request: Request) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path, headers and body, in the order of `Rendered`."""
    return request.method, request.path, request.headers, request.body


def expectation(first: HttpResponse, second: HttpResponse) -> tuple[dict[str, Any], list[str]]:
    """What two answers to the same request have in common, and what must be said of it."""
    status: dict[str, Any] = {"status": first.status}
    body = plain_body(first)
    lacks = _cannot_be_kept(body, first.status, plain_body(second), second.status)
    if lacks or body is None:
        return status, [f"{lacks}: only the status is checked"]
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return status, ["the answer is not text: only the status is checked"]
    if is_json_type(first.headers.get("content-type", "")):
        value = _json(text)
        if value is not None and not _braces(value):
            return status | {"json": value}, []
    if re.search(r"\{[^{}]*\}", text):
        return status, ["the answer has {...} in it: only the status is checked"]
    return status | {"text": text}, []


def _cannot_be_kept(first: bytes | None, status: int, second: bytes | None, other: int) -> str:
    if first is None:
        return "the answer is packed and cannot be unpacked"
    if first != second or status != other:
        return "two answers differ"
    return "the answer is large" if len(first) > _KEPT_BODY else ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _braces(value: Any) -> bool:
    """Whether a text in a JSON value would be read as a placeholder."""
    if isinstance(value, str):
        return "{" in value
    if isinstance(value, dict):
        return any(_braces(key) or _braces(inner) for key, inner in value.items())
    return isinstance(value, list) and any(map(_braces, value))
