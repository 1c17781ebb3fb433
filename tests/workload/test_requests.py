"""Workloads become requests: values drawn and put in, sizes right, kinds in proportion."""

from __future__ import annotations

import collections
import hashlib
import json
import random
from typing import Any

import pytest

from bench.errors import UsageError
from bench.model.plan import RequestKind, Workload
from bench.model.workload_config import Expect, Generator, Then
from bench.workload.requests import MAX_POOL_BYTES, MAX_SLOTS, is_constant, pool, raw, render


def kind(**changes: Any) -> RequestKind:
    base: dict[str, Any] = {
        "weight": 1,
        "method": "GET",
        "path": "/",
        "headers": {},
        "bodies": (),
        "values": {},
        "expect": Expect(),
    }
    return RequestKind(**{**base, **changes})


def workload(*kinds: RequestKind) -> Workload:
    return Workload(id="w", title="W", kinds=kinds, lua=None, sha256="0")


def one(rng: int = 1, **changes: Any) -> Any:
    return render(workload(kind(**changes)), 0, random.Random(rng))


SAME = Expect.model_validate({"json": "same-as-body"})
USER = {"user": Generator.model_validate({"int": [7, 7]})}
NAME = {"name": Generator(choice=['a b/"c"'])}


def test_a_value_in_the_path_is_percent_encoded() -> None:
    """Text cannot leave its place in the URL."""
    assert (
        one(path="/u/{name}?q={name}", values=NAME).path == "/u/a%20b%2F%22c%22?q=a%20b%2F%22c%22"
    )


def test_one_value_is_drawn_per_name_and_request() -> None:
    """Path, body and expectation of one request carry the same value."""
    request = one(
        path="/u/{user}",
        bodies=(b'{"id": "{user}"}',),
        values={"user": Generator.model_validate({"int": [1, 10**9]})},
        expect=Expect.model_validate({"json": {"user": "{user}"}, "headers": {"x-user": "{user}"}}),
    )
    value = int(request.path.removeprefix("/u/"))

    assert json.loads(request.body) == {"id": value}
    assert request.expect.json_value == {"user": value}
    assert request.expect.headers == {"x-user": str(value)}


def test_a_json_string_that_is_the_placeholder_becomes_the_typed_value() -> None:
    """Within longer strings and in keys it stays text; blanks of the body stay as written."""
    request = one(bodies=(b'{ "id":"{user}", "t": "no {user}", "{user}": 1 }',), values=USER)

    assert request.body == b'{ "id":7, "t": "no 7", "7": 1 }'


def test_a_number_can_be_expected_as_a_string() -> None:
    """`{NAME:text}` is a string wherever it stands: what a server read from the path."""
    form = '{"id": "{user:text}", "n": "{user}"}'
    request = one(
        path="/u/{user}",
        bodies=(form.encode(),),
        values=USER,
        expect=Expect.model_validate({"json": json.loads(form), "headers": {"x": "{user:text}"}}),
    )

    assert json.loads(request.body) == request.expect.json_value == {"id": "7", "n": 7}
    assert (request.path, request.expect.headers) == ("/u/7", {"x": "7"})


def test_text_values_are_escaped_in_json_bodies() -> None:
    """A quote in a value cannot end the string."""
    request = one(bodies=(b'{"a": "{name}", "b": "x {name}", "c": "\\"{name}"}',), values=NAME)

    assert json.loads(request.body) == {"a": 'a b/"c"', "b": 'x a b/"c"', "c": '"a b/"c"'}


def test_bodies_that_are_no_json_get_the_value_as_text() -> None:
    """`id={user}` becomes `id=7`."""
    assert one(bodies=(b"id={user}",), values=USER).body == b"id=7"


def test_binary_bodies_stay_as_they_are() -> None:
    """Bytes that are no UTF-8 hold no placeholders."""
    assert one(bodies=(b"\xff{user}",), values=USER).body == b"\xff{user}"


def test_unknown_names_stay_as_they_are() -> None:
    """Only declared names are placeholders."""
    assert one(path="/{other}", bodies=(b"{other}",), values=USER).path == "/{other}"


def test_a_value_that_looks_like_a_placeholder_is_not_replaced_again() -> None:
    """Replacement is one pass."""
    values = {"a": Generator(choice=["{b}"]), "b": Generator(choice=["x"])}

    assert one(path="/{a}", values=values).path == "/%7Bb%7D"
    assert one(bodies=(b"{a}",), values=values).body == b"{b}"


def test_expected_json_is_filled_at_every_depth() -> None:
    """Lists, objects, keys, and values that are no strings."""
    expect = Expect.model_validate(
        {"json": {"l": ["{user}", 1, None], "{user}": {"x": "is {user}"}}}
    )

    assert one(values=USER, expect=expect).expect.json_value == {
        "l": [7, 1, None],
        "7": {"x": "is 7"},
    }


def test_same_as_body_is_the_parsed_body_of_this_request() -> None:
    """Values included."""
    request = one(bodies=(b'{"id": "{user}"}',), values=USER, expect=SAME)

    assert request.expect.json_value == {"id": 7}


def test_same_as_body_without_json_body_is_refused() -> None:
    """The message shows the body."""
    with pytest.raises(UsageError, match="'plain'"):
        one(bodies=(b"plain",), expect=SAME)


def test_an_expectation_without_json_stays_without() -> None:
    """A missing expectation is not null; an expected text is filled."""
    expect = one(values=USER, expect=Expect(text="user {user}")).expect

    assert not expect.has_json
    assert expect.text == "user 7"


def test_the_same_seed_gives_the_same_request() -> None:
    """Randomness comes from the argument alone."""
    values = {"x": Generator.model_validate({"int": [1, 10**9]})}

    assert one(5, path="/{x}", values=values) == one(5, path="/{x}", values=values)
    assert one(5, path="/{x}", values=values) != one(6, path="/{x}", values=values)


def test_raw_bytes_are_a_whole_request() -> None:
    """Host first, the user's headers, the length of the body."""
    request = one(method="POST", path="/x", headers={"content-type": "a/b"}, bodies=(b"abc",))

    assert raw(request, "127.0.0.1:80") == (
        b"POST /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\ncontent-type: a/b\r\n"
        b"Content-Length: 3\r\n\r\nabc"
    )


def test_raw_keeps_the_users_host_and_length() -> None:
    """Headers are not sent twice."""
    request = one(method="POST", headers={"host": "h", "CONTENT-LENGTH": "0"})

    assert raw(request, "x") == b"POST / HTTP/1.1\r\nhost: h\r\nCONTENT-LENGTH: 0\r\n\r\n"


@pytest.mark.parametrize(("method", "has"), [("GET", False), ("DELETE", False), ("PUT", True)])
def test_an_empty_body_has_a_length_where_the_method_expects_one(method: str, *, has: bool) -> None:
    """PUT without a body says so, GET says nothing."""
    assert (b"Content-Length: 0" in raw(one(method=method), "h")) is has


def test_a_single_constant_kind_is_one_request_in_one_slot() -> None:
    """Nothing to choose from."""
    found = pool(workload(kind()), random.Random(1))

    assert (len(found.requests), found.slots) == (1, (0,))


def test_kinds_stand_in_exact_proportion_and_shuffled() -> None:
    """Weights 4 and 2 are 2 and 1; constant kinds are stored once."""
    found = pool(workload(kind(weight=4), kind(weight=2, path="/b")), random.Random(1))
    kinds = [found.requests[slot].kind for slot in found.slots]

    assert len(found.requests) == 2
    assert kinds.count(0) == 2 * kinds.count(1)
    assert len(kinds) >= 1000
    assert kinds != sorted(kinds)


def test_each_of_many_bodies_is_in_the_pool_once() -> None:
    """A thousand bodies are a thousand requests, equally often."""
    bodies = tuple(b'{"n": %d}' % number for number in range(1000))
    found = pool(workload(kind(method="POST", bodies=bodies)), random.Random(1))

    assert {request.body for request in found.requests} == set(bodies)
    assert len(found.requests) == 1000
    uses = collections.Counter(found.slots)
    assert set(uses) == set(range(1000))
    assert max(uses.values()) <= 2


def test_kinds_with_values_are_rendered_often() -> None:
    """1024 variants, each with its own values."""
    values = {"x": Generator.model_validate({"int": [1, 10**9]})}
    found = pool(workload(kind(path="/{x}", values=values)), random.Random(1))

    assert len({request.path for request in found.requests}) == 1024
    assert set(found.slots) == set(range(1024))


def test_a_pool_stays_below_its_size() -> None:
    """Large bodies with values are rendered less often, but at least once."""
    values = {"x": Generator.model_validate({"int": [1, 9]})}
    body = b"{x}" + b"a" * (MAX_POOL_BYTES // 4)
    found = pool(workload(kind(method="POST", bodies=(body,), values=values)), random.Random(1))

    assert len(found.requests) == 4


def test_lopsided_weights_do_not_make_a_huge_pool() -> None:
    """Proportion is kept, slots stay below their limit."""
    values = {"x": Generator.model_validate({"int": [1, 10**9]})}
    kinds = (kind(weight=10_000), kind(weight=1, path="/{x}", values=values))
    found = pool(workload(*kinds), random.Random(1))
    counts = collections.Counter(found.requests[slot].kind for slot in found.slots)

    assert counts[0] == 10_000 * counts[1]
    assert len(found.slots) <= MAX_SLOTS


def test_constant_means_no_values_and_one_body_at_most() -> None:
    """What is stored once."""
    assert is_constant(kind())
    assert is_constant(kind(bodies=(b"a",)))
    assert not is_constant(kind(bodies=(b"a", b"b")))
    assert not is_constant(kind(values=USER))


def test_random_bytes_stand_in_the_body_and_their_hash_in_what_is_expected() -> None:
    """Other bytes in each request, as they are; text beside them is filled in as everywhere."""
    values = {**USER, "file": Generator.model_validate({"random": "5KB"})}
    asked: dict[str, Any] = {
        "bodies": (b"user {user}: {file}, {file}",),
        "values": values,
        "expect": Expect.model_validate({"json": {"hash": "{file:sha256}", "user": "{user}"}}),
    }
    request, other = one(**asked), one(2, **asked)
    data = request.body.removeprefix(b"user 7: ")[:5000]

    assert request.body == b"user 7: " + data + b", " + data
    assert request.expect.json_value == {"hash": hashlib.sha256(data).hexdigest(), "user": 7}
    assert other.body != request.body


def test_a_pool_of_large_requests_stays_small() -> None:
    """As many of them as fit, each with its own bytes."""
    values = {"file": Generator.model_validate({"random": "2MB"})}
    made = pool(workload(kind(method="POST", bodies=(b"{file}",), values=values)), random.Random(1))

    assert 2 <= len(made.requests) <= MAX_POOL_BYTES // 2_000_000 + 1
    assert len({request.body for request in made.requests}) == len(made.requests)


def test_what_follows_has_the_values_of_its_request() -> None:
    """A second read asks for what was just written."""
    then = {"path": "/u/{user}/again", "expect": {"json": {"id": "{user}"}}}
    values = {"user": Generator.model_validate({"int": [1, 10**9]})}
    request = one(path="/u/{user}", values=values, then=Then.model_validate(then))

    assert request.then.path == f"{request.path}/again"
    assert request.then.expect.json_value == {"id": int(request.path.removeprefix("/u/"))}
    assert (request.then.method, request.then.body) == ("GET", b"")
