"""Turns a workload into concrete requests; pure: randomness is passed in, nothing is read or sent.

Placeholders `{NAME}` are replaced by one drawn value per name and request: percent-encoded in
the path, as text in text bodies, and as the typed value where a JSON string is exactly `{NAME}`.
`{NAME:text}` is the value as text there too: a number in a path that comes back as a string.
Random bytes stand in bodies as they are; `{NAME:sha256}` is their hash.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from bench.errors import UsageError

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from bench.model.plan import RequestKind, Workload
    from bench.model.workload_config import Expect, Generator

SAME_AS_BODY: Final = "same-as-body"
MAX_POOL_BYTES: Final = 16 * 2**20
MAX_SLOTS: Final = 2**16
AS_TEXT: Final = ":text"
"""Behind a name: its value as text, also where a JSON string holds nothing else."""
_BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})

HASH_OF: Final = ":sha256"
"""Behind the name of random bytes: their hash."""

Value = str | int


class Rendered(NamedTuple):
    """One concrete request and the response it must get.

    Attributes:
        kind: index into `workload.kinds`.
        path: with the query string, percent-encoded where values were put in.
        expect: placeholders replaced, `same-as-body` resolved to the parsed body.
        then: what is asked right after it where answers are verified, with the same values.
    """

    kind: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    expect: Expect
    then: Rendered | None = None


class Pool(NamedTuple):
    """Requests rendered before the load starts.

    Attributes:
        requests: the distinct requests.
        slots: indices into `requests`; kinds stand in them in exact proportion to their
            weights, shuffled. Walking them from any place sends the workload's mix.
    """

    requests: tuple[Rendered, ...]
    slots: tuple[int, ...]


def closing(workload: Workload) -> Workload:
    """The workload with `Connection: close` in every request, in place of what it says of that."""
    kinds = []
    for kind in workload.kinds:
        kept = {name: text for name, text in kind.headers.items() if name.lower() != "connection"}
        headers = {**kept, "Connection": "close"}
        kinds.append(kind.model_copy(update={"headers": headers}))
    return workload.model_copy(update={"kinds": tuple(kinds)})


def render(workload: Workload, kind: int, rng: random.Random) -> Rendered:
    """Render one request of a kind with values and a body drawn from `rng`.

    Raises:
        UsageError: `same-as-body` is expected of a body that is not JSON.
    """
    template = workload.kinds[kind]
    body = rng.choice(template.bodies) if template.bodies else b""
    return _render(template, kind, body, rng)


def raw(request: Rendered, host: str) -> bytes:
    """Write a request as HTTP/1.1 bytes with Host and, where it has a body, Content-Length.

    Args:
        request: what to send.
        host: value of the Host header, such as `127.0.0.1:8000`, unless the request names one.
    """
    headers = dict(request.headers)
    present = {name.lower() for name in headers}
    if "host" not in present:
        headers = {"Host": host, **headers}
    if "content-length" not in present and (request.body or request.method in _BODY_METHODS):
        headers["Content-Length"] = str(len(request.body))
    lines = [f"{request.method} {request.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("utf-8") + request.body


def pool(workload: Workload, rng: random.Random, *, variants: int = 1024) -> Pool:
    """Render a workload's requests ahead of the load.

    A kind that always looks the same is stored once, a kind with several bodies and no values
    once per body, a kind with values `variants` times; less where that exceeds
    `MAX_POOL_BYTES` (each kind may fill its equal share, and has one request at least).
    """
    budget = MAX_POOL_BYTES // len(workload.kinds)
    by_kind: list[range] = []
    requests: list[Rendered] = []
    for index in range(len(workload.kinds)):
        made = _variants(workload, index, rng, variants=variants, budget=budget)
        by_kind.append(range(len(requests), len(requests) + len(made)))
        requests += made
    slots = _slots([kind.weight for kind in workload.kinds], by_kind, variants)
    rng.shuffle(slots)
    return Pool(tuple(requests), tuple(slots))


def is_constant(kind: RequestKind) -> bool:
    """Whether every request of this kind is the same, byte for byte."""
    return not kind.values and len(kind.bodies) <= 1


def _variants(
    workload: Workload, kind: int, rng: random.Random, *, variants: int, budget: int
) -> list[Rendered]:
    template = workload.kinds[kind]
    bodies: Sequence[bytes] = template.bodies or (b"",)
    if is_constant(template):
        return [_render(template, kind, bodies[0], rng)]
    order = list(range(len(bodies)))
    rng.shuffle(order)
    wanted = max(variants, len(bodies)) if template.values else len(bodies)
    made: list[Rendered] = []
    for number in range(wanted):
        made.append(_render(template, kind, bodies[order[number % len(order)]], rng))
        budget -= len(made[-1].body) + len(made[-1].path)
        if budget <= 0:
            break
    return made


def _slots(weights: Sequence[int], by_kind: Sequence[range], variants: int) -> list[int]:
    """Repeat each kind by its reduced weight until every request of every kind has a slot."""
    divisor = math.gcd(*weights)
    shares = [weight // divisor for weight in weights]
    if sum(len(kind) for kind in by_kind) == 1:
        return [0]
    wanted = max(
        -(-variants // sum(shares)),
        *(-(-len(kind) // share) for kind, share in zip(by_kind, shares, strict=True)),
    )
    repeats = max(1, min(wanted, MAX_SLOTS // sum(shares)))
    return [
        kind[number % len(kind)]
        for kind, share in zip(by_kind, shares, strict=True)
        for number in range(share * repeats)
    ]


def _render(template: RequestKind, kind: int, body: bytes, rng: random.Random) -> Rendered:
    drawn = {name: _draw(generator, rng) for name, generator in template.values.items()}
    values = {name: value for name, value in drawn.items() if not isinstance(value, bytes)}
    blobs = {name: value for name, value in drawn.items() if isinstance(value, bytes)}
    hashes = {name + HASH_OF: hashlib.sha256(data).hexdigest() for name, data in blobs.items()}
    filled = _fill_blobs(body, values, blobs) if blobs else _fill_body(body, values)
    encoded = {name: quote(str(value), safe="") for name, value in values.items()}
    return Rendered(
        kind=kind,
        method=template.method,
        path=_fill_text(template.path, encoded),
        headers=dict(template.headers),
        body=filled,
        expect=_fill_expect(template.expect, {**values, **hashes}, filled),
        then=_then(template, kind, {**values, **hashes}, encoded),
    )


def _then(
    template: RequestKind, kind: int, values: Mapping[str, Value], encoded: Mapping[str, str]
) -> Rendered | None:
    if template.then is None:
        return None
    path = _fill_text(template.then.path, encoded)
    expect = _fill_expect(template.then.expect, values, b"")
    return Rendered(kind, "GET", path, {}, b"", expect)


def _draw(generator: Generator, rng: random.Random) -> Value | bytes:
    if generator.random is not None:
        return rng.randbytes(generator.random)
    if generator.int_range is not None:
        return rng.randint(*generator.int_range)
    return rng.choice(generator.choice or [""])


def _fill_text(text: str, values: Mapping[str, Value]) -> str:
    """Replace in one pass, so that a drawn value that looks like `{NAME}` stays as it is."""
    if not values or "{" not in text:
        return text
    return _places(tuple(values)).sub(lambda match: str(values[match[1]]), text)


@functools.lru_cache(maxsize=256)
def _places(names: tuple[str, ...]) -> re.Pattern[str]:
    """Where values of these names go in a text."""
    return re.compile(rf"\{{({'|'.join(map(re.escape, names))})(?:{AS_TEXT})?\}}")


@functools.lru_cache(maxsize=256)
def _typed_places(names: tuple[str, ...]) -> re.Pattern[str]:
    """Where they stand alone in a JSON string: the whole string becomes the value."""
    return re.compile(rf'(?<!\\)"\{{({"|".join(map(re.escape, names))})\}}"(?!\s*:)')


def _fill_json(value: JsonValue, values: Mapping[str, Value]) -> JsonValue:
    if isinstance(value, str):
        exact = value[1:-1] if value[:1] == "{" and value[-1:] == "}" else ""
        return values[exact] if exact in values else _fill_text(value, values)
    if isinstance(value, list):
        return [_fill_json(item, values) for item in value]
    if isinstance(value, dict):
        return {_fill_text(key, values): _fill_json(item, values) for key, item in value.items()}
    return value


def _fill_body(body: bytes, values: Mapping[str, Value]) -> bytes:
    if not values or b"{" not in body:
        return body
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return body
    if not _is_json(body):
        return _fill_text(text, values).encode("utf-8")
    # Replaced in the text, not in the parsed value: blanks and number forms stay as written.
    typed = _typed_places(tuple(values)).sub(lambda match: _json_text(values[match[1]]), text)
    inner = {name: _json_text(str(value))[1:-1] for name, value in values.items()}
    return _fill_text(typed, inner).encode("utf-8")


def _fill_blobs(body: bytes, values: Mapping[str, Value], blobs: Mapping[str, bytes]) -> bytes:
    """Random bytes in their places; what stands between them is text."""
    names = b"|".join(re.escape(name.encode()) for name in blobs)
    parts = re.split(rb"\{(" + names + rb")\}", body)
    parts[::2] = [_fill_text(part.decode("utf-8"), values).encode() for part in parts[::2]]
    parts[1::2] = [blobs[name.decode()] for name in parts[1::2]]
    return b"".join(parts)


def _json_text(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)


@functools.lru_cache(maxsize=4096)
def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def _fill_expect(expect: Expect, values: Mapping[str, Value], body: bytes) -> Expect:
    update: dict[str, Any] = {}
    if expect.has_json:
        update["json_value"] = (
            _parse_body(body)
            if expect.json_value == SAME_AS_BODY
            else _fill_json(expect.json_value, values)
        )
    if values and expect.text is not None:
        update["text"] = _fill_text(expect.text, values)
    if values and expect.headers:
        update["headers"] = {k: _fill_text(v, values) for k, v in expect.headers.items()}
    if values and expect.contains:
        update["contains"] = [_fill_text(text, values) for text in expect.contains]
    if values and expect.events:
        update["events"] = [_fill_text(text, values) for text in expect.events]
    return expect.model_copy(update=update) if update else expect


def _parse_body(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        shown = body[:60].decode("utf-8", "replace")
        raise UsageError(
            f"expect.json is {SAME_AS_BODY}, but the body is not JSON: {shown!r}"
        ) from (error)
