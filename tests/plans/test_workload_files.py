"""Workloads: bodies read from disk, what is refused between keys, the hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.errors import ConfigError
from bench.plans.workload_files import load_workload

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.plan import Workload

JSON = "headers: {content-type: application/json}"


def _load(root: Path, text: str, **files: bytes) -> Workload:
    for name, data in files.items():
        (root / name).write_bytes(data)
    path = root / "w.yaml"
    path.write_text(text)
    return load_workload(path, root)


def _refused(root: Path, text: str, **files: bytes) -> str:
    with pytest.raises(ConfigError) as error:
        _load(root, text, **files)
    return str(error.value)


def test_bodies_of_every_kind(tmp_path: Path) -> None:
    """A file is taken byte for byte, text as UTF-8, JSON without blanks, lines one by one."""
    text = """
title: Bodies
requests:
  - {path: /, method: POST, body: {file: body}}
  - {path: /, method: POST, body: {text: "grün\\n"}}
  - {path: /, method: POST, body: {json: {b: 1.5, a: [null, true, "ü"]}}}
  - {path: /, method: POST, body: {lines: many}}
  - {path: /}
"""

    workload = _load(tmp_path, text, body=b"\x00\xff\n", many=b"one\r\ntwo\n")

    assert [kind.bodies for kind in workload.kinds] == [
        (b"\x00\xff\n",),
        ("grün\n".encode(),),
        ('{"b":1.5,"a":[null,true,"ü"]}'.encode(),),
        (b"one", b"two"),
        (),
    ]
    assert (workload.id, workload.title, workload.lua) == ("w", "Bodies", None)


def test_json_null_is_a_body_and_an_expectation(tmp_path: Path) -> None:
    """`json: null` is the value null, not a key without a value."""
    kind = _load(
        tmp_path, "requests: [{path: /, method: POST, body: {json: null}, expect: {json: null}}]"
    ).kinds[0]

    assert kind.bodies == (b"null",)
    assert kind.expect.has_json
    assert kind.expect.json_value is None


def test_script_has_an_absolute_path(tmp_path: Path) -> None:
    """The user's Lua script is named absolutely, and its content is part of the hash."""
    text = "requests: [{path: /}]\nlua: own.lua\n"

    first = _load(tmp_path, text, **{"own.lua": b"-- 1"})
    second = _load(tmp_path, text, **{"own.lua": b"-- 2"})

    assert first.lua == str(tmp_path / "own.lua")
    assert first.sha256 != second.sha256


@pytest.mark.parametrize(
    "other",
    [
        "requests: [{path: /b}]",
        "requests: [{path: /, weight: 2}]",
        "requests: [{path: /, headers: {a: b}}]",
        "requests: [{path: /, expect: {json: null}}]",
        "requests: [{path: /, body: {text: ''}}]",
        "requests: [{path: /}, {path: /}]",
    ],
)
def test_hash_covers_what_is_sent_and_expected(tmp_path: Path, other: str) -> None:
    """A workload that differs in anything but its title has another hash."""
    base = _load(tmp_path, "requests: [{path: /}]")

    assert _load(tmp_path, "title: Other\nrequests: [{path: /}]").sha256 == base.sha256
    assert _load(tmp_path, other).sha256 != base.sha256


def test_placeholders_without_quotes_in_a_json_text(tmp_path: Path) -> None:
    """A text body may hold `{id}` as a bare number: it is JSON once the value is there."""
    text = f"""
requests:
  - path: /
    method: POST
    {JSON}
    values: {{id: {{int: [1, 9]}}, word: {{choice: [a]}}}}
    body: {{text: '{{"id": {{id}}, "word": "{{word}}"}}'}}
    expect: {{json: same-as-body}}
"""

    assert _load(tmp_path, text).kinds[0].bodies == (b'{"id": {id}, "word": "{word}"}',)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xff{}", "it is not UTF-8"),
        (b"[" * 200_000, "it is nested too deeply"),
        (b'{"a": Infinity}', "Infinity is not JSON"),
        (b'{"a": 1', "it stops being JSON at line 1, column 8"),
        (b"", "it stops being JSON at line 1, column 1"),
    ],
)
def test_body_that_is_no_json(tmp_path: Path, body: bytes, words: str) -> None:
    """A body that its content-type calls JSON and that is none is refused with the place."""
    text = f"requests:\n  - path: /\n    {JSON}\n    body: {{file: body}}\n"

    refused = _refused(tmp_path, text, body=body)

    assert (
        "w.yaml:4: requests[0].body: the body is not JSON though content-type says JSON" in refused
    )
    assert words in refused


def test_bad_line_of_many(tmp_path: Path) -> None:
    """Of bodies in lines the first bad one is named."""
    text = f"requests:\n  - path: /\n    {JSON}\n    body: {{lines: many}}\n"

    assert "(line 2 of the file)" in _refused(tmp_path, text, many=b"1\n{\n3\n{\n")


def test_other_bodies_need_not_be_json(tmp_path: Path) -> None:
    """Without JSON in content-type and expectation a body may be anything."""
    kind = _load(
        tmp_path,
        "requests: [{path: /, method: PUT, headers: {content-type: a/b}, body: {text: '{'}}]",
    ).kinds[0]

    assert kind.bodies == (b"{",)


def test_values_used_in_a_body_file_are_used(tmp_path: Path) -> None:
    """A value that only stands in a body file is not called unused."""
    text = "requests: [{path: /, values: {id: {int: [1, 2]}}, body: {file: body}}]"

    assert _load(tmp_path, text, body=b"x {id}").kinds[0].values.keys() == {"id"}


def test_braces_are_free_where_no_values_are_drawn(tmp_path: Path) -> None:
    """A body or an expected text may hold braces as long as the request draws no values."""
    text = "requests: [{path: /, body: {text: '{x}'}, expect: {text: 'Hello {name}'}}]"

    assert _load(tmp_path, text).kinds[0].expect.text == "Hello {name}"


def test_values_in_keys_of_expected_json(tmp_path: Path) -> None:
    """A placeholder in a key of JSON counts as use."""
    text = "requests: [{path: /, values: {k: {choice: [a]}}, expect: {json: [{'{k}': 1}]}}]"

    assert _load(tmp_path, text).kinds[0].values.keys() == {"k"}


def test_header_injection_is_refused_everywhere(tmp_path: Path) -> None:
    """No CR or LF gets into a request line or header, from any key."""
    text = """
requests:
  - method: "GET\\r\\n"
    path: "/a\\r\\nHost: x"
    headers: {"a\\r\\nb": c, d: "e\\r\\nf: g", h: "i\\nj"}
    expect: {headers: {k: "l\\r\\nm"}}
"""

    refused = _refused(tmp_path, text)

    assert [line.split(":")[1] for line in refused.splitlines()] == list("345556")
    assert "\r" not in refused


def test_a_body_of_json_lines(tmp_path: Path) -> None:
    """A bulk request is many documents: its type promises no single one."""
    text = """
requests:
  - method: POST
    path: /load
    headers: {content-type: application/x-ndjson, host: search.example.org}
    body: {text: "{}\\n{}\\n"}
"""
    kind = _load(tmp_path, text).kinds[0]

    assert kind.bodies == (b"{}\n{}\n",)
    assert kind.headers["host"] == "search.example.org"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("path: '/{f}', body: {text: '{f}'}", "{f} is random bytes, which only a body can hold"),
        ("path: /, body: {json: ['{f}']}", "which JSON and lines cannot hold"),
        ("path: /, body: {text: '{f}'}, expect: {text: '{f}'}", "which only a body can hold"),
        (
            "path: '/{n}', body: {text: '{f}'}, expect: {text: '{n:sha256}'}",
            "{n:sha256} is a hash of random bytes, which n is not",
        ),
        (
            "path: /, body: {text: '{f}'}, expect: {text: '{g:sha256}'}",
            "{g} has no entry",
        ),
        ("path: /", "the value is not used: {f}"),
    ],
)
def test_random_bytes_in_a_wrong_place(tmp_path: Path, request_: str, words: str) -> None:
    """They are bytes: no URL, no JSON and no expected text can hold them; their hash can."""
    values = (
        "values: {f: {random: 1KB}, n: {int: [1, 2]}}"
        if "{n}" in request_
        else ("values: {f: {random: 1KB}}")
    )
    text = f"requests: [{{method: POST, {values}, {request_}}}]"

    assert words in _refused(tmp_path, text)


def test_random_bytes_in_their_place(tmp_path: Path) -> None:
    """In a text body, with their hash in what is expected."""
    text = """
requests:
  - method: POST
    path: /
    values: {f: {random: 1KB}}
    body: {text: "a {f} b"}
    expect: {json: {hash: "{f:sha256}"}, min_time: 5ms}
"""
    (kind,) = _load(tmp_path, text).kinds

    assert (kind.bodies, kind.values["f"].random) == ((b"a {f} b",), 1000)
    assert kind.expect.min_time == 0.005


def test_what_came_later_changes_no_hash(tmp_path: Path) -> None:
    """A workload without the keys that came later has the hash that it always had."""
    text = "requests: [{path: '/{n}', values: {n: {int: [1, 2]}}, expect: {text: hi}}]"
    (kind,) = _load(tmp_path, text).kinds
    dumped = kind.model_dump(mode="json")

    assert dumped["values"]["n"] == {"int_range": [1, 2], "choice": None}
    assert dumped["expect"] == {"status": 200, "text": "hi", "headers": {}}


def test_a_value_as_text(tmp_path: Path) -> None:
    """`{NAME:text}` uses the value; another form, and a name that is not there, are refused."""
    text = "requests: [{path: '/u/{id}', values: {id: {int: [1, 9]}}, expect: {json: {id: '%s'}}}]"

    assert _load(tmp_path, text % "{id:text}").kinds[0].values
    assert "{id:str} is not a form of a value" in _refused(tmp_path, text % "{id:str}")
    assert "{ix} has no entry in values" in _refused(tmp_path, text % "{ix:text}")
