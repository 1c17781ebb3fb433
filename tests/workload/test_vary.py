"""One value of a body is changed; the rest, and what is expected, goes with it."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.model.workload_config import Expect, Generator
from bench.workload.json_equal import json_difference
from bench.workload.vary import Varying
from tests.trial.test_verify import echo_kind, workload

if TYPE_CHECKING:
    from bench.model.plan import RequestKind


def flat(value: Any) -> list[Any]:
    """The leaves of a value, in order."""
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in flat(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in flat(inner)]
    return [value]


@given(st.integers(0, 2**32), st.integers(-(10**9), 10**9), st.text("abcXYZ019", min_size=1))
def test_a_varied_body_differs_in_one_value_of_its_type(seed: int, number: int, text: str) -> None:
    """One value is changed to another of its type; what is expected changes with it."""
    body = json.dumps({"n": number, "t": text, "f": 1.5, "b": False}).encode()
    load = workload(echo_kind(body))
    varying = Varying.of(load, 0, random.Random(1))
    assert varying is not None
    varied = varying.draw(random.Random(seed))

    before, after = json.loads(body), json.loads(varied.body)
    changed = [key for key in before if before[key] != after[key]]
    assert changed == ["n"]
    assert type(after["n"]) is int
    assert json_difference(varied.expect.json_value, after) is None


def test_text_is_varied_where_there_is_no_number() -> None:
    """Without a number a string of letters is changed, keeping its length."""
    load = workload(echo_kind(b'{"a":"hello","b":"not this one"}'))
    varying = Varying.of(load, 0, random.Random(1))
    assert varying is not None
    varied = varying.draw(random.Random(2))

    after = json.loads(varied.body)
    assert len(after["a"]) == 5
    assert after["b"] == "not this one"


@pytest.mark.parametrize(
    "kind",
    [
        echo_kind(b"5"),
        echo_kind(b'{"b":true}'),
        echo_kind(expect=Expect()),
        echo_kind(bodies=(b"1", b"2")),
        echo_kind(b'{"id":"{x}"}', values={"x": Generator(int_range=(1, 9))}),
    ],
)
def test_what_cannot_be_varied_is_left(kind: RequestKind) -> None:
    """Bodies without a value to change, drawn ones, and others than echoes are left alone."""
    assert Varying.of(workload(kind), 0, random.Random(1)) is None


@given(st.integers(0, 2**32), st.integers(1, 5))
def test_each_draw_begins_from_the_body(seed: int, draws: int) -> None:
    """However often it is drawn, one value differs, and what is expected is what is sent."""
    body = {"a": 1, "list": [22, {"deep": 333}], "text": "abc", "on": True, "null": None}
    load = workload(echo_kind(json.dumps(body).encode()))
    varying = Varying.of(load, 0, random.Random(1))
    assert varying is not None
    rng = random.Random(seed)

    for _ in range(draws):
        request = varying.draw(rng)
        sent = json.loads(request.body)
        assert json_difference(request.expect.json_value, sent) is None
        before, after = flat(body), flat(sent)
        assert len(before) == len(after)
        assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize("body", [b'{"n": 123456789012345678901234567890}', b'["\\ud800a", 5]'])
def test_values_that_only_python_can_write(body: bytes) -> None:
    """Whole numbers over 64 bits and halves of surrogate pairs are sent as they came."""
    varying = Varying.of(workload(echo_kind(body)), 0, random.Random(1))
    assert varying is not None
    request = varying.draw(random.Random(2))

    assert json.loads(request.body) == request.expect.json_value != json.loads(body)
