"""Whatever stands in a file: problems or a model, never a traceback, never a hang."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.plans.project import find_project
from bench.plans.validation import check_files
from bench.plans.yaml.spelling import printable
from tests.plans.helpers import ROOT, unsupported, write_project

if TYPE_CHECKING:
    from pathlib import Path

    from bench.plans.project import Project

EXAMPLES = 60
"""Enough to see an old fault again within seconds; 2,000 each were run once without one."""

KINDS = ("configs/m.yaml", "configs/workloads/small.yaml", "servers/one/server.yaml")
GOOD = tuple(
    (ROOT / name).read_bytes()
    for name in ("configs/all.yaml", "configs/workloads/mixed.yaml", "servers/fastapi/server.yaml")
)
SNIPPETS = (
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b": ",
        b"- ",
        b"\n",
        b"\t",
        b"#",
        b'"',
        b"'",
        b"&a ",
        b"*a",
        b"!!int ",
    ),
    *(b"? ", b"|\n", b">-\n", b"---\n", b"...\n", b"%YAML 1.1\n", b"<<: ", b"\\x00", b'"\\ud800"'),
    *(b"null", b"yes", b"0", b"-1", b"1e999", b"9" * 30, b"1:30", b"0x", b"~", b"5s", b"50%", b""),
    *(b"\xff", b"\x00", b"\xe2\x80\xa8", b"\r", b"{port}", b"{}", b"{NAME}", b"same-as-body"),
    *(b"json: ", b"values: ", b"body: ", b"expect: ", b"profiles: ", b"run: ", b"  ", b"\xc2\x85"),
)
KEYS = st.sampled_from(
    [
        *("title", "servers", "workloads", "profiles", "rounds", "precision", "max_rounds"),
        *("baseline", "exclude", "ceiling", "requests", "path", "values", "body", "expect"),
        *("headers", "json", "text", "file", "lines", "int", "choice", "run", "build", "env"),
        *("version", "stop", "source", "lua", "id", "as", "url", "tool", "loop", "rate"),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["{port}", "/", "/{a}", "small", "one", "wrk", "oha", "open", "50%", "5s", "*"]
    ),
    KEYS,
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose files the tests overwrite."""
    return write_project(tmp_path_factory.mktemp("fuzz"))


def _check(project: Project, kind: str, data: bytes) -> None:
    """Check one file as `bench validate` does, and look at what would be printed."""
    path: Path = project.root / kind
    good = path.read_bytes()
    try:
        path.write_bytes(data)
        problems = check_files(find_project(project.root), [path], unsupported).problems
    finally:
        path.write_bytes(good)
    for problem in problems:
        assert problem.message
        assert printable(str(problem)) == str(problem)
        assert 0 <= problem.line <= data.count(b"\n") + data.count(b"\r") + 3


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=EXAMPLES)
@given(data=st.binary(max_size=300))
@example(data=b"\xef\xbb\xbf")
@example(data=b"? ? ?")
@example(data=b'"\\UFFFFFFFF"')
@example(data=b"a: !<x> b")
@example(data=b"%TAG ! tag:x,2000:\n---\na: !b c")
def test_any_bytes(project: Project, kind: str, data: bytes) -> None:
    """Random bytes are problems or a good file."""
    _check(project, kind, data)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=EXAMPLES)
@given(pieces=st.lists(st.sampled_from(SNIPPETS), max_size=25))
def test_any_pieces_of_yaml(project: Project, kind: str, pieces: list[bytes]) -> None:
    """The signs of YAML in any order are problems or a good file."""
    _check(project, kind, b"".join(pieces))


@pytest.mark.parametrize("number", range(3))
@settings(max_examples=EXAMPLES)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, 2000), st.integers(0, 40), st.sampled_from(SNIPPETS)), max_size=4
    )
)
def test_any_edit_of_a_good_file(
    project: Project, number: int, edits: list[tuple[int, int, bytes]]
) -> None:
    """A good file with bytes cut out and others put in is problems or a good file."""
    data = GOOD[number]
    for at, length, piece in edits:
        place = at % (len(data) + 1)
        data = data[:place] + piece + data[place + length :]

    _check(project, KINDS[number], data)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=EXAMPLES)
@given(tree=st.dictionaries(KEYS, TREES, max_size=6))
def test_any_values(project: Project, kind: str, tree: dict[str, object]) -> None:
    """Known keys with values of any kind in any nesting are problems or a good file."""
    _check(project, kind, json.dumps(tree).encode("utf-8", "surrogatepass"))
